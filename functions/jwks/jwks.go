// Package jwks serves the public halves of the signing keys (RFC 7517 §5), and nothing else: it opens the store for
// public keys only, so whoever takes this function over finds no private key.
package jwks

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// timeout bounds one read of the keys.
const timeout = 5 * time.Second

// New serves the keys that are published in s, by the clock now. A failure's cause goes to log.
func New(s store.Store, now func() time.Time, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(token.JWKSPath, web.Public("GET", keys(s, now, log)))
	return mux
}

func keys(s store.Store, now func() time.Time, log *slog.Logger) http.HandlerFunc {
	// Five minutes is also how long a verifier of ours trusts what it read, so a withdrawn key is gone then.
	const age = 5 * time.Minute
	var document store.Kept[*web.Document] // until a key comes or leaves
	return func(w http.ResponseWriter, r *http.Request) {
		d, err := document.Get(r.Context(), s, token.PublicPartition, now(), func(ctx context.Context) (*web.Document, time.Time, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			set, until, err := token.PublishedUntil(ctx, s)
			return web.NewDocument(set, age), until, err
		})
		if err != nil {
			web.Fail(w, r, log, err)
			return
		}
		d.ServeHTTP(w, r)
	}
}
