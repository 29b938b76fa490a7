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
	_, raw, err := AccessToken(r, "Bearer")
	return raw, err
}

// AccessToken is Bearer for a server that takes tokens under other schemes too, such as DPoP (RFC 9449 §7.1). It tells under which of them
// it came.
func AccessToken(r *http.Request, schemes ...string) (scheme, raw string, err error) {
	sent := r.Header.Values("Authorization")
	if len(sent) > 1 {
		return "", "", ErrSeveralBearers
	}
	used, raw, _ := strings.Cut(strings.Join(sent, ""), " ")
	for _, scheme := range schemes {
		if strings.EqualFold(used, scheme) {
			return scheme, strings.TrimLeft(raw, " "), nil
		}
	}
	return "", "", ErrNoBearer
}
