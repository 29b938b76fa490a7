package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
)

// A browser that somebody has logged in with keeps a cookie that says so: when that was, 8 random bytes, and a MAC of these and the username. It
// opens nothing. It only has the browser's wrong passwords for that name counted by themselves, and not slowed down for what others did at the same
// address: so nobody keeps the owner out by guessing (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). Nothing is stored for it.
//
// It ends when the person is signed out everywhere: whoever had the old password could have made themselves as many as they like, and with each
// of them tries of its own at the new one.
const (
	knownBrowserCookie = "vetassist_browser"
	knownBrowserLife   = 90 * 24 * time.Hour
	knownBrowserTime   = 8 // bytes, in nanoseconds
	knownBrowserID     = knownBrowserTime + 8
	knownBrowserMAC    = 16 // all together have the length of a web.Cookie's secret
)

// knownBrowser is the id of the browser when somebody has logged in with it as username before, else empty.
func (s *server) knownBrowser(r *http.Request, username string) (string, error) {
	c, err := base64.RawURLEncoding.DecodeString(s.browserCookie.Read(r))
	if err != nil || len(c) != knownBrowserID+knownBrowserMAC {
		return "", nil
	}
	id, mac := c[:knownBrowserID], c[knownBrowserID:]
	want, err := s.browserMAC(r, id, username)
	if err != nil || !hmac.Equal(mac, want) {
		return "", err
	}
	since := time.Unix(0, int64(binary.BigEndian.Uint64(id)))
	user, err := s.Directory.ActiveUserNamed(r.Context(), username)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return "", nil
	case err != nil || user.SignedOutSince(since) || !s.Now().Before(since.Add(knownBrowserLife)):
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(id), nil
}

// rememberBrowser makes the browser, in which somebody has just logged in, a known one of theirs.
func (s *server) rememberBrowser(w http.ResponseWriter, r *http.Request, user directory.User, login access.Login) error {
	if id, err := s.knownBrowser(r, user.Username); err != nil || id != "" {
		return err
	}
	id := binary.BigEndian.AppendUint64(nil, uint64(login.Since.UnixNano()))
	random := make([]byte, knownBrowserID-knownBrowserTime)
	if _, err := io.ReadFull(s.Rand, random); err != nil {
		return err
	}
	id = append(id, random...)
	mac, err := s.browserMAC(r, id, user.Username)
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
	return mac.Sum(nil)[:knownBrowserMAC], nil
}
