package web

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"
)

// A secret that a machine made is 256 random bits, as base64url: text that fits a cookie, a URL and a form.
const (
	secretBytes  = 32
	SecretLength = 43 // bytes of its text
)

// NewSecret makes one. random is crypto/rand's Reader, but in tests.
func NewSecret(random io.Reader) (string, error) {
	b := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// Hash is all that a store may know of a secret. A fast hash is enough, since nobody can guess 256 random bits.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Cookie is a cookie that holds a secret. Scripts cannot read it. It is Lax and not Strict: people come back from another
// site, with a code or an authorization request, and must be known then.
type Cookie struct {
	name   string
	secure bool
}

// NewCookie names a cookie for a base URL. Over https the name begins with __Host-, so that no sibling domain and no
// plain http page can set it.
func NewCookie(name, baseURL string) Cookie {
	if strings.HasPrefix(baseURL, "https://") {
		return Cookie{"__Host-" + name, true}
	}
	return Cookie{name, false}
}

// Read is the secret that a browser sent, or "" when it sent none that we could have made.
func (c Cookie) Read(r *http.Request) string {
	cookie, err := r.Cookie(c.name)
	if err != nil || len(cookie.Value) != SecretLength {
		return ""
	}
	return cookie.Value
}

// Set gives a browser the cookie. A life of 0 means: until the browser is closed.
func (c Cookie) Set(w http.ResponseWriter, secret string, life time.Duration) {
	c.write(w, secret, int(life.Seconds()))
}

// Clear takes the cookie away.
func (c Cookie) Clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c Cookie) write(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: c.name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode})
}
