package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxJWKS    = 256 << 10
	keysMaxAge = 5 * time.Minute // a key that was withdrawn is refused after this
)

// errKeys says that the keys of the authorization server could not be read.
var errKeys = errors.New("keys of the authorization server")

// keyCache remembers the keys of one authorization server: few apps have two.
type keyCache struct {
	mu      sync.Mutex
	address string
	keys    []jwkset.JWK
	read    time.Time
}

// keysFor are the public keys that may have signed an ID token. They are read when those that we know are too old, or have not its key.
func (a *app) keysFor(ctx context.Context, address string, t *jwt.Token) (jwt.VerificationKeySet, error) {
	c := &a.keyCache
	c.mu.Lock()
	known, age := c.keys, a.now().Sub(c.read)
	if c.address != address || age < 0 || age >= keysMaxAge {
		known = nil
	}
	c.mu.Unlock()
	if set := fitting(known, t); len(set.Keys) > 0 {
		return set, nil
	}
	read := a.now()
	keys, err := a.downloadKeys(ctx, address)
	if err != nil {
		return jwt.VerificationKeySet{}, fmt.Errorf("%w: %w", errKeys, err)
	}
	c.mu.Lock()
	c.address, c.keys, c.read = address, keys, read
	c.mu.Unlock()
	return fitting(keys, t), nil
}

// fitting are the keys that may have signed a JWT: it need not say which (OpenID Connect Core §10.1).
func fitting(keys []jwkset.JWK, t *jwt.Token) (set jwt.VerificationKeySet) {
	kid, _ := t.Header["kid"].(string)
	for _, key := range keys {
		m := key.Marshal()
		if (kid == "" || m.KID == kid) && (m.USE == "" || m.USE == jwkset.UseSig) && (m.ALG == "" || m.ALG.String() == t.Method.Alg()) {
			set.Keys = append(set.Keys, key.Key())
		}
	}
	return set
}

// downloadKeys leaves out keys of a kind that we do not know (RFC 7517 §5).
func (a *app) downloadKeys(ctx context.Context, address string) ([]jwkset.JWK, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKS))
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	var keys []jwkset.JWK
	for _, raw := range set.Keys {
		if key, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true}); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
