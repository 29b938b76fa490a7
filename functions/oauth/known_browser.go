package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// A browser that somebody has logged in with keeps a cookie that says so: 16 random bytes, and a MAC of these and the username. It opens nothing. It
// only has the browser's wrong passwords for that name counted by themselves, and not slowed down for what others did at the same address: so
// nobody keeps the owner out by guessing (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). Nothing is stored for it.
const (
	knownBrowserCookie = "vetassist_browser"
	knownBrowserLife   = 90 * 24 * time.Hour
	knownBrowserRandom = 16 // bytes, and as many of the MAC: together the length of a web.Cookie's secret
)

// knownBrowser is the id of the browser when somebody has logged in with it as username before, else empty.
func (s *server) knownBrowser(r *http.Request, username string) (string, error) {
	c, err := base64.RawURLEncoding.DecodeString(s.browserCookie.Read(r))
	if err != nil || len(c) != 2*knownBrowserRandom {
		return "", nil
	}
	id, mac := c[:knownBrowserRandom], c[knownBrowserRandom:]
	want, err := s.browserMAC(r, id, username)
	if err != nil || !hmac.Equal(mac, want) {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(id), nil
}

// rememberBrowser makes the browser a known one of the user.
func (s *server) rememberBrowser(w http.ResponseWriter, r *http.Request, username string) error {
	if id, err := s.knownBrowser(r, username); err != nil || id != "" {
		return err
	}
	id := make([]byte, knownBrowserRandom)
	if _, err := io.ReadFull(s.Rand, id); err != nil {
		return err
	}
	mac, err := s.browserMAC(r, id, username)
	if err == nil {
		s.browserCookie.Set(w, base64.RawURLEncoding.EncodeToString(append(id, mac...)), knownBrowserLife)
	}
	return err
}

func (s *server) browserMAC(r *http.Request, id []byte, username string) ([]byte, error) {
	key, err := s.browserKey.Bytes(r.Context())
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(id)
	mac.Write([]byte(directory.Canonical(username)))
	return mac.Sum(nil)[:knownBrowserRandom], nil
}
