// Package jwks serves the public halves of the signing keys (RFC 7517 §5), and nothing else: it opens the store for
// public keys only, so whoever takes this function over finds no private key.
package jwks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// timeout bounds one read of the keys.
const timeout = 5 * time.Second

// New serves the keys that are published in s. A failure's cause goes to log.
func New(s store.Store, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(token.JWKSPath, web.Public("GET", keys(s, log)))
	return mux
}

func keys(s store.Store, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		document, err := token.Published(ctx, s)
		if err != nil {
			web.Fail(w, r, log, err)
			return
		}
		sum := sha256.Sum256(document)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("X-Content-Type-Options", "nosniff")
		// Five minutes is also how long a verifier of ours trusts what it read, so a withdrawn key is gone then.
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document)) // answers HEAD and If-None-Match too
	}
}
