package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// secret is a key of ours for one purpose, made on first use; of two processes that make it at once, one wins.
func (s *server) secret(ctx context.Context, purpose string) ([]byte, error) {
	const sort = "key"
	partition := "oauth-secret/" + purpose
	for range 2 {
		record, err := store.Read[[]byte](ctx, s.Store, partition, sort)
		if !errors.Is(err, store.ErrNotFound) {
			return record.Value, err
		}
		secret, err := web.NewSecret(s.Rand)
		if err != nil {
			return nil, err
		}
		err = s.Store.Write(ctx, store.Put(store.Encode(partition, sort, []byte(secret), time.Time{}), store.IfAbsent()))
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
	return nil, errors.New("oauth: the key for " + purpose + " vanished")
}
