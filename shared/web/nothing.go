package web

import (
	"net/http"
	"strings"
)

// Allowed are the methods that a mux takes at the address of a request, for the Allow of a 405 (RFC 9110 §15.5.6): none, where it has no such
// address. rest is the pattern that takes whatever no other takes, and does not count.
func Allowed(mux *http.ServeMux, r *http.Request, rest string) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != rest {
			methods = append(methods, method)
		}
	}
	return methods
}

// WantsPage tells whether a person is to read the answer, in a browser.
func WantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
