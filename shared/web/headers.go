package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// contentSecurityPolicy allows what our pages need: files of this origin, nothing inline, nothing foreign.
// There is no form-action: Chromium applies it to the redirect after a form, so 'self' on the consent page would
// stop the answer to every client on another origin.
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// noHTML makes every write of HTML from a script an error (Trusted Types). It comes as a policy of its own: a browser
// enforces all that it gets.
const noHTML = "require-trusted-types-for 'script'; trusted-types 'none'"

// SecurePage sets the headers of an HTML page. No page may be framed (RFC 9700 §4.16), cached or named in a
// Referer, since its URL may hold a code or a state (RFC 9700 §4.2.4).
func SecurePage(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// JSON writes v. The caller has set any Cache-Control; without one the answer is not stored.
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("web: %T cannot be JSON: %v", v, err)) // the type is wrong, not its data
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // what fails here is the caller's connection
}

// Public serves one method, or several with a comma and a space between them (GET includes HEAD), and lets pages of any origin read the answer, which must hold no secret and need no
// cookie. It is for metadata, keys and the endpoints that browser-based clients call (RFC 9728 §3.1 and RFC 8414 §3
// answer to anybody). The preflight is answered too.
func Public(method string, next http.HandlerFunc) http.Handler {
	methods := strings.Split(method, ", ")
	anyOrigin, nonce := []string{"*"}, []string{"DPoP-Nonce"} // shared by all answers: adding to one makes a copy
	document := method == http.MethodGet                      // which brings no nonce
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Access-Control-Allow-Origin"] = anyOrigin
		if !document {
			h["Access-Control-Expose-Headers"] = nonce // RFC 9449 §8
		}
		switch {
		case r.Method == http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", method)
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP, MCP-Protocol-Version")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
		case slices.Contains(methods, r.Method), r.Method == http.MethodHead && slices.Contains(methods, http.MethodGet):
			next(w, r)
		default:
			h.Set("Allow", method+", OPTIONS")
			http.Error(w, "Use "+strings.Join(methods, " or ")+" here.", http.StatusMethodNotAllowed)
		}
	})
}
