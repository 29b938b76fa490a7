package main

import (
	"fmt"
	"net/http"

	"github.com/vetassist/vetassist/shared/web"
)

const (
	maxAddress    = 16 << 10      // bytes of a request's address; RFC 9112 §3 recommends to take 8,000
	maxFields     = 100           // headers
	maxFieldBytes = maxHeader / 2 // of all of them
)

// modest refuses a request that is larger than any of ours has to be, and says why. What comes near maxHeader, net/http refuses before it is read.
func modest(next http.Handler) http.Handler {
	bounded := http.MaxBytesHandler(next, web.MaxBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fields, bytes := 0, 0
		for name, values := range r.Header {
			fields += len(values)
			for _, v := range values {
				bytes += len(name) + len(v) + len(": \r\n")
			}
		}
		switch {
		case len(r.RequestURI) > maxAddress: // RFC 9110 §15.5.15
			tooMuch(w, http.StatusRequestURITooLong, "The address of this request is too long: %d bytes are the most. Send what is long in the body.", maxAddress)
		case fields > maxFields: // RFC 6585 §5, as the next
			tooMuch(w, http.StatusRequestHeaderFieldsTooLarge, "This request has too many headers: %d are the most.", maxFields)
		case bytes > maxFieldBytes:
			tooMuch(w, http.StatusRequestHeaderFieldsTooLarge, "The headers of this request are too large: %d bytes are the most. If it is a browser, delete the cookies of this site.", maxFieldBytes)
		case r.Body == http.NoBody: // nothing to bound
			next.ServeHTTP(w, r)
		default:
			bounded.ServeHTTP(w, r)
		}
	})
}

// tooMuch ends the connection, too: who sends that much is not to be read on.
func tooMuch(w http.ResponseWriter, status int, why string, most int) {
	w.Header().Set("Connection", "close")
	http.Error(w, fmt.Sprintf(why, most), status)
}
