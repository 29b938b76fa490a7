package token

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// How a verifier keeps the JWKS.
const (
	jwksMaxAge   = 5 * time.Minute  // a key that was withdrawn is refused after this
	jwksMinPause = 10 * time.Second // between two fetches, so that tokens with invented key ids cause no flood
	jwksMaxBytes = 64 << 10
	jwksTimeout  = 5 * time.Second
)

// RemoteKeys are the keys of an issuer, read from its JWKS URL and remembered for up to five minutes.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	keys    keyfunc.Keyfunc
	ids     map[string]bool
	fetched time.Time     // of keys
	tried   time.Time     // last attempt, good or not
	err     error         // of the last attempt
	flight  chan struct{} // closed when the fetch that is under way ends; nil when none is
}

// NewRemoteKeys reads the JWKS at url when a key is first asked for.
func NewRemoteKeys(url string, client *http.Client, now func() time.Time) *RemoteKeys {
	return &RemoteKeys{url: url, client: client, now: now}
}

// key finds the public key for a token's kid. It fetches when what it has is too old, and once more when the kid
// is unknown (a key may be newer than what it has), but never more often than every jwksMinPause.
func (r *RemoteKeys) key(ctx context.Context, t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	for {
		r.mu.Lock()
		keys, known, fresh, flight, err := r.keys, r.ids[kid], r.fresh(), r.flight, r.err
		mayFetch := r.tried.IsZero() || r.now().Sub(r.tried) >= jwksMinPause
		if !(fresh && known) && flight == nil && mayFetch {
			flight = make(chan struct{})
			r.flight, r.tried = flight, r.now()
			// It goes on when this caller gives up: others may be waiting for it.
			go r.fetch(context.WithoutCancel(ctx), flight)
		}
		r.mu.Unlock()
		switch {
		case fresh && known:
			return keys.Keyfunc(t)
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
func (r *RemoteKeys) fresh() bool { return r.keys != nil && r.now().Sub(r.fetched) < jwksMaxAge }

// has reports whether kid is in a JWKS that is fresh enough to be trusted without asking again.
func (r *RemoteKeys) has(kid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fresh() && r.ids[kid]
}

// fetch replaces the keys, or leaves them and notes the error.
func (r *RemoteKeys) fetch(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, jwksTimeout)
	defer cancel()
	keys, ids, err := fetchKeys(ctx, r.client, r.url)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.keys, r.ids, r.fetched = keys, ids, r.tried
	}
	r.flight = nil
	close(flight)
}

func fetchKeys(ctx context.Context, client *http.Client, url string) (keyfunc.Keyfunc, map[string]bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, jwksMaxBytes))
	if err != nil {
		return nil, nil, err
	}
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, nil, fmt.Errorf("%s is not a JWKS: %w", url, err)
	}
	ids := make(map[string]bool, len(set.Keys))
	for _, k := range set.Keys {
		ids[k.ID] = true
	}
	keys, err := keyfunc.NewJWKSetJSON(body)
	return keys, ids, err
}
