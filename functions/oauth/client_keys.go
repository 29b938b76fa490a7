package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2" // bounds whose keys are remembered

	"github.com/vetassist/vetassist/shared/token"
)

const (
	maxJWKS       = 64 << 10 // bytes of a JWKS at a jwks_uri
	maxRemoteKeys = 256      // jwks_uris whose keys are remembered
	maxCandidates = 8        // keys that one JWT is tried with, when it does not say which it was signed with
)

// clientKeys finds the public keys of clients that prove themselves with a private one: in their registration, or at the URL that
// it names, remembered for five minutes and asked at most every ten seconds for a key that is not there (token.Keys).
type clientKeys struct {
	get    getDocument
	now    func() time.Time
	remote *lru.Cache[string, *token.Keys] // by jwks_uri
}

// getDocument reads what is at a URL that a client named, of at most limit bytes.
type getDocument func(ctx context.Context, url, accept string, limit int64) ([]byte, http.Header, error)

func newClientKeys(get getDocument, now func() time.Time) *clientKeys {
	remote, err := lru.New[string, *token.Keys](maxRemoteKeys)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &clientKeys{get, now, remote}
}

// keySource is where the public keys of somebody are: here, at a URL, or where the discovery document of an issuer says.
type keySource struct {
	jwks        json.RawMessage
	uri, issuer string
}

// find are somebody's keys that may have signed a JWT with this kid, which may be empty, and algorithm. An error wraps
// token.ErrUnavailable.
func (c *clientKeys) find(ctx context.Context, from keySource, kid, alg string) (keys []jwt.VerificationKey, err error) {
	all, err := c.registered(ctx, from, kid)
	for _, key := range all {
		if token.Signs(key, alg) && (kid == "" || key.Marshal().KID == kid) && len(keys) < maxCandidates {
			keys = append(keys, key.Key())
		}
	}
	return keys, err
}

func (c *clientKeys) registered(ctx context.Context, from keySource, kid string) ([]jwkset.JWK, error) {
	if from.uri == "" && from.issuer == "" {
		return token.ParseKeys(from.jwks)
	}
	name := from.uri
	if name == "" {
		name = "of " + from.issuer // no URL has a space
	}
	keys, ok := c.remote.Get(name)
	if !ok {
		keys = token.LoadedKeys(func(ctx context.Context) ([]byte, error) { return c.load(ctx, from) }, c.now)
		if before, found, _ := c.remote.PeekOrAdd(name, keys); found {
			keys = before
		}
	}
	return keys.Find(ctx, kid)
}

func (c *clientKeys) load(ctx context.Context, from keySource) ([]byte, error) {
	if from.uri == "" {
		body, _, err := c.get(ctx, strings.TrimSuffix(from.issuer, "/")+"/.well-known/openid-configuration", "application/json", maxJWKS)
		if err != nil {
			return nil, err
		}
		var document struct {
			Issuer string `json:"issuer"`
			JWKS   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal(body, &document); err != nil || document.Issuer != from.issuer { // OpenID Connect Discovery §4.3
			return nil, fmt.Errorf("the discovery document of %s is not its own: %w", from.issuer, err)
		}
		from.uri = document.JWKS
	}
	body, _, err := c.get(ctx, from.uri, "application/jwk-set+json, application/json", maxJWKS)
	return body, err
}
