package directory

import (
	"crypto/ecdsa"
	stdjson "encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json" // names exactly as written and none twice: nobody may read other keys than we do

	"github.com/vetassist/vetassist/shared/token"
)

const (
	maxJWKS = 16 << 10 // bytes of the keys of one client
	maxKeys = 20
)

// PublicKeys are those of a client that proves itself with a private one, or of an issuer, in one of two ways (RFC 7591 §2).
type PublicKeys struct {
	JWKS stdjson.RawMessage // themselves, or
	URI  string             // where they are
}

// Check says what is wrong with them, if anything. It is a *FieldError.
func (k PublicKeys) Check() error {
	switch {
	case len(k.JWKS) == 0 && k.URI == "":
		return &FieldError{"jwks", "or jwks_uri is needed, for the public keys"}
	case len(k.JWKS) > 0 && k.URI != "":
		return &FieldError{"jwks_uri", "must be left out where there is jwks"}
	case k.URI != "":
		return checkJWKSURI(k.URI)
	}
	return checkJWKS(k.JWKS)
}

// checkJWKSURI: over anything but https, whoever is on the way could be the client.
func checkJWKSURI(uri string) error {
	if why := wrongURI(uri, maxRedirect); why != "" {
		return &FieldError{"jwks_uri", "must be an https URL: " + why}
	}
	if u, _ := url.Parse(uri); u.Scheme != "https" || u.Hostname() == "" { // parsed before
		return &FieldError{"jwks_uri", "must be an https URL"}
	}
	return nil
}

// checkJWKS: with one key at least that we can use. Others may be for something else (RFC 7517 §5), and none is private.
func checkJWKS(jwks stdjson.RawMessage) error {
	var set struct {
		Keys []stdjson.RawMessage `json:"keys"`
	}
	if len(jwks) > maxJWKS {
		return &FieldError{"jwks", fmt.Sprintf("must be at most %d bytes", maxJWKS)}
	}
	if json.Unmarshal(jwks, &set) != nil || len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return &FieldError{"jwks", fmt.Sprintf(`must be a JWK set, {"keys": […]}, with 1 to %d keys`, maxKeys)}
	}
	for _, raw := range set.Keys {
		var key map[string]stdjson.RawMessage
		if json.Unmarshal(raw, &key) != nil {
			return &FieldError{"jwks", `must be a JWK set, {"keys": […]}, of JSON objects`}
		}
		if slices.ContainsFunc(slices.Collect(maps.Keys(key)), token.IsPrivate) {
			return &FieldError{"jwks", "must hold no private or symmetric key: whoever reads it could sign with it"}
		}
	}
	if !slices.ContainsFunc(set.Keys, usable) {
		return &FieldError{"jwks", fmt.Sprintf("must hold a key that signs with one of %s: on the curve P-256 or Ed25519, or RSA of %d bits at least", strings.Join(token.Algs, ", "), token.MinRSA)}
	}
	return nil
}

// usable reports whether any JWT can be verified with a JWK.
func usable(raw stdjson.RawMessage) bool {
	key, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return false
	}
	if public, ok := key.Key().(*ecdsa.PublicKey); ok {
		if _, err := public.ECDH(); err != nil { // the point is not on the curve
			return false
		}
	}
	return slices.ContainsFunc(token.Algs, func(alg string) bool { return token.Signs(key, alg) })
}

// proveBy has a client prove itself with its keys from now on, and with nothing else.
func (d *Directory) proveBy(c *Client, keys PublicKeys) error {
	if !confidential(c.Template) {
		return &FieldError{"jwks", "must be left out: an application of this kind has nothing to keep a key or a secret in"}
	}
	if err := keys.Check(); err != nil {
		return err
	}
	c.AuthMethod, c.JWKS, c.JWKSURI = PrivateKeyJWT, keys.JWKS, keys.URI
	c.SecretHash, c.SecretChanged = "", d.moment()
	return nil
}
