package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/store"
)

// JWKSPath is where an issuer of ours publishes its keys; its metadata says so (jwks_uri, RFC 8414 §2).
const JWKSPath = "/.well-known/jwks.json"

// How a verifier keeps the JWKS.
const (
	jwksMaxAge   = 5 * time.Minute  // a key that was withdrawn is refused after this
	jwksMinPause = 10 * time.Second // between two fetches, so that tokens with invented key ids cause no flood
	jwksRetry    = time.Second      // after one that failed: the tokens are not to blame, and nobody gets in meanwhile
	jwksMaxBytes = 64 << 10
	jwksTimeout  = 5 * time.Second
)

// Keys are the public keys of an issuer, remembered for up to five minutes.
type Keys struct {
	load func(ctx context.Context) (jwks []byte, err error)
	now  func() time.Time

	mu      sync.Mutex
	keys    keyfunc.Keyfunc
	ids     map[string]bool
	fetched time.Time     // of keys
	tried   time.Time     // last attempt, good or not
	err     error         // of the last attempt
	flight  chan struct{} // closed when the fetch that is under way ends; nil when none is
}

// LoadedKeys reads the JWKS with load when a key is first asked for.
func LoadedKeys(load func(ctx context.Context) (jwks []byte, err error), now func() time.Time) *Keys {
	return &Keys{now: now, load: load}
}

// RemoteKeys reads the JWKS at url. This is what a resource server uses.
func RemoteKeys(url string, client *http.Client, now func() time.Time) *Keys {
	return LoadedKeys(func(ctx context.Context) ([]byte, error) { return download(ctx, client, url) }, now)
}

// StoredKeys reads the public keys where the keyring publishes them. This is what the issuer itself uses.
func StoredKeys(s store.Store, now func() time.Time) *Keys {
	return LoadedKeys(func(ctx context.Context) ([]byte, error) { return Published(ctx, s) }, now)
}

// key finds the public key for a token's kid.
func (k *Keys) key(ctx context.Context, t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	keys, err := k.with(ctx, func(ids map[string]bool) bool { return ids[kid] })
	if err != nil {
		return nil, err
	}
	return keys.Keyfunc(t)
}

// Find are the public keys of a kid, or all of them when it is empty: a JWT need not name its key (RFC 7515 §4.1.4). There may
// be none; an error wraps ErrUnavailable.
func (k *Keys) Find(ctx context.Context, kid string) ([]jwkset.JWK, error) {
	keys, err := k.with(ctx, func(ids map[string]bool) bool { return kid == "" || ids[kid] })
	if errors.Is(err, errUnknownKey) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := keys.Storage().KeyReadAll(ctx)
	return slices.DeleteFunc(all, func(key jwkset.JWK) bool { return kid != "" && key.Marshal().KID != kid }), err
}

// with waits for keys of which known is true. It fetches when what it has is too old, and once more when the kid is
// unknown (a key may be newer than what it has), but never more often than every jwksMinPause.
func (k *Keys) with(ctx context.Context, known func(ids map[string]bool) bool) (keyfunc.Keyfunc, error) {
	for {
		k.mu.Lock()
		keys, known, fresh, flight, err := k.keys, known(k.ids), k.fresh(), k.flight, k.err
		pause := jwksMinPause
		if err != nil {
			pause = jwksRetry
		}
		mayFetch := !within(k.now(), k.tried, pause)
		if !(fresh && known) && flight == nil && mayFetch {
			flight = make(chan struct{})
			k.flight, k.tried = flight, k.now()
			// It goes on when this caller gives up: others may be waiting for it.
			go k.fetch(context.WithoutCancel(ctx), flight)
		}
		k.mu.Unlock()
		switch {
		case fresh && known:
			return keys, nil
		case flight != nil:
			select {
			case <-flight:
			case <-ctx.Done():
				return nil, fmt.Errorf("%w: %v", ErrUnavailable, ctx.Err())
			}
		case !fresh:
			return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
		default:
			return nil, errUnknownKey
		}
	}
}

// fresh reports whether the keys are young enough to be trusted. The caller holds mu.
func (k *Keys) fresh() bool { return k.keys != nil && within(k.now(), k.fetched, jwksMaxAge) }

// within reports whether now is at most d after a moment. What was read at a moment yet to come is of no known age: the clock has been
// set back since.
func within(now, moment time.Time, d time.Duration) bool {
	age := now.Sub(moment)
	return 0 <= age && age < d
}

// has reports whether kid is in a JWKS that is fresh enough to be trusted without asking again.
func (k *Keys) has(kid string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fresh() && k.ids[kid]
}

// fetch replaces the keys, or leaves them and notes the error.
func (k *Keys) fetch(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, jwksTimeout)
	defer cancel()
	keys, ids, err := parse(k.load(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err == nil {
		k.keys, k.ids, k.fetched = keys, ids, k.tried
	}
	k.flight = nil
	close(flight)
}

func download(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, jwksMaxBytes))
}

// parse leaves out keys that it cannot use, as RFC 7517 §5 says: others of the set still count.
func parse(jwks []byte, err error) (keyfunc.Keyfunc, map[string]bool, error) {
	if err != nil {
		return nil, nil, err
	}
	all, err := ParseKeys(jwks)
	if err != nil {
		return nil, nil, err
	}
	storage, ids := jwkset.NewMemoryStorage(), make(map[string]bool, len(all))
	if err := storage.KeyReplaceAll(context.Background(), all); err != nil {
		return nil, nil, err
	}
	for _, k := range all {
		ids[k.Marshal().KID] = true
	}
	keys, err := keyfunc.New(keyfunc.Options{Storage: storage})
	return keys, ids, err
}

// ParseKeys are the public keys in a JWKS (RFC 7517 §5) that can be understood.
func ParseKeys(jwks []byte) ([]jwkset.JWK, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("this is not a JWKS: %w", err)
	}
	var keys []jwkset.JWK
	for _, raw := range set.Keys {
		// Certificates are not looked at, and those at an x5u not fetched: the key itself counts.
		key, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
		if err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
