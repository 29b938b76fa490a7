package attack

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/clientkey"
)

var encode = base64.RawURLEncoding.EncodeToString

// A seal signs what a JWT says, or pretends to.
type seal func(signed string) []byte

// forge writes a JWT. It is made by hand, since no library writes what no library should take.
func forge(header, claims map[string]any, s seal) string {
	signed := encode([]byte(asJSON(header))) + "." + encode([]byte(asJSON(claims)))
	return signed + "." + encode(s(signed))
}

func unsigned(string) []byte { return nil }

func withSecret(secret []byte) seal {
	return func(signed string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	}
}

// withKey signs with ES256 (RFC 7518 §3.4): r and s, 32 bytes each.
func withKey(key clientkey.Key) seal {
	return func(signed string) []byte {
		sum := sha256.Sum256([]byte(signed))
		private, ok := key.Signer().(*ecdsa.PrivateKey)
		if !ok {
			panic("attack: not a key of the curve P-256")
		}
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			panic(err) // there is no randomness
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}
}

// headerOf is the header of a JWT.
func (t *try) headerOf(raw string) (header map[string]any) {
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	t.must(err)
	t.must(json.Unmarshal(text, &header))
	return header
}

// changed is a copy of a header or of claims with changes.
func changed(m, changes map[string]any) map[string]any {
	out := maps.Clone(m)
	maps.Copy(out, changes)
	return out
}

// staff is what Mallory would like to be.
func staff(claims map[string]any) map[string]any {
	return changed(claims, map[string]any{"sub": "user-carol", "roles": []string{"Vet Staff"}})
}

// noToken judges a forged token at the MCP server, and for an administrator's, at the admin API.
func (t *try) noToken(what, raw string) {
	t.noCall(what, t.list(raw), http.StatusUnauthorized, "invalid_token")
}

// real is a token of Bob's, to be forged, and what it says.
func (t *try) real() (raw string, header, claims map[string]any) {
	raw = t.access("bob")
	return raw, t.headerOf(raw), visitor.Claims(raw)
}

// trap is an address of this machine where nobody should come.
type trap struct {
	net.Listener
	came atomic.Int32
}

func (t *try) trap() *trap {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	t.must(err)
	p := &trap{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.came.Add(1)
			c.Close()
		}
	}()
	return p
}
