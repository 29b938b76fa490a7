package web

import (
	"errors"
	"net/http"
	"strings"
)

var (
	// ErrNoBearer says that a request holds no bearer token: its client did not try to authenticate.
	ErrNoBearer = errors.New("web: no bearer token")
	// ErrSeveralBearers says that a request has several Authorization headers.
	ErrSeveralBearers = errors.New("web: several Authorization headers")
)

// Bearer is the access token of a request: in the Authorization header and nowhere else (RFC 6750 §2.1). It may be empty
// text, which no verifier accepts.
func Bearer(r *http.Request) (string, error) {
	sent := r.Header.Values("Authorization")
	if len(sent) > 1 {
		return "", ErrSeveralBearers
	}
	scheme, raw, _ := strings.Cut(strings.Join(sent, ""), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoBearer
	}
	return strings.TrimLeft(raw, " "), nil
}
