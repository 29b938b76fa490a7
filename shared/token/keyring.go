package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
)

// Partition prefixes of the two halves. Only the authorization server may open the private one.
var (
	PrivatePartitions = []string{"signing-key/"}
	PublicPartitions  = []string{"public-key/"}
)

// PublicPartition is where all public halves are.
const PublicPartition = "public-key/all"

const (
	privatePartition = "signing-key/all"
	keyringMemory    = time.Minute // how long a keyring goes on without looking whether a newer key signs
)

// signingKey is a record under privatePartition. Its sort key begins with a running number, so keys list in order. It
// expires when its successor begins to sign: nobody can lose a private key that is gone.
type signingKey struct {
	ID        string    `json:"kid"`
	Private   string    `json:"private"` // base64url of the P-256 scalar
	SignsFrom time.Time `json:"signs_from"`
	Created   time.Time `json:"created"`
}

// publicKey is a record under PublicPartition, at the same sort key. It expires when the last token that the key
// signed has.
type publicKey struct {
	jwk
	Created    time.Time `json:"created,omitzero"`
	SignsFrom  time.Time `json:"signs_from,omitzero"`
	SignsUntil time.Time `json:"signs_until,omitzero"` // zero: until somebody rotates
}

// jwk is a JWK (RFC 7517 §4) as the JWKS endpoint serves it.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// Keyring holds the signing keys of one issuer.
type Keyring struct {
	issuer string
	store  store.Store
	now    func() time.Time
	rand   io.Reader
	life   time.Duration

	mu      sync.Mutex
	current *ecdsa.PrivateKey
	kid     string
	looked  time.Time
	look    time.Time // when to look again: by then another key may sign
}

// NewKeyring signs in the name of issuer, with keys from the store.
func NewKeyring(issuer string, s store.Store, now func() time.Time, rand io.Reader) *Keyring {
	return &Keyring{issuer: issuer, store: s, now: now, rand: rand, life: Lifetime}
}

// Shorten lets access tokens end sooner than after Lifetime; a longer life they cannot have.
func (k *Keyring) Shorten(life time.Duration) *Keyring {
	k.life = min(life, Lifetime)
	return k
}

// Mint signs an access token and tells when it expires.
func (k *Keyring) Mint(ctx context.Context, g Grant) (raw string, expires time.Time, err error) {
	now := k.now() // once: the token must expire before the key that signs now leaves the JWKS
	key, kid, err := k.signer(ctx, now)
	if err != nil {
		return "", time.Time{}, err
	}
	now = now.Truncate(time.Second)
	expires = now.Add(k.life)
	if !g.Ends.IsZero() && g.Ends.Before(expires) {
		expires = g.Ends.Truncate(time.Second)
	}
	claims := payload{
		Issuer:   k.issuer,
		Subject:  g.Subject,
		Audience: g.Audience,
		Expires:  expires.Unix(),
		IssuedAt: now.Unix(),
		ID:       g.ID,
		ClientID: g.ClientID,
		Scope:    rbac.JoinScope(g.Scopes),
		Roles:    g.Roles,
		Actor:    g.Actor,
		MayAct:   g.MayAct,
	}
	if g.Key != "" {
		claims.Confirmation = &Confirmation{g.Key}
	}
	raw, err = signed(key, kid, Type, claims)
	return raw, expires, err
}

// Sign signs a JWT of another kind than an access token. typ keeps it from being taken for one (RFC 8725 §3.11). It must expire within
// Lifetime: that is how long a key stays in the JWKS after it last signed.
func (k *Keyring) Sign(ctx context.Context, typ string, claims jwt.Claims) (string, error) {
	key, kid, err := k.signer(ctx, k.now())
	if err != nil {
		return "", err
	}
	return signed(key, kid, typ, claims)
}

// signed is a JWT of a kind (RFC 8725 §3.11), in the compact form (RFC 7515 §3.1). A jwt.Token has a map for its header, which takes longer.
func signed(key *ecdsa.PrivateKey, kid, typ string, claims any) (string, error) {
	header := struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}{jwt.SigningMethodES256.Alg(), kid, typ}
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	signature, err := jwt.SigningMethodES256.Sign(text, key)
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Ensure makes the first key if there is none, so that the JWKS is not empty before the first token.
func (k *Keyring) Ensure(ctx context.Context) error {
	_, _, err := k.signer(ctx, k.now())
	return err
}

// signer is the key that signs now.
func (k *Keyring) signer(ctx context.Context, now time.Time) (*ecdsa.PrivateKey, string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && within(now, k.looked, k.look.Sub(k.looked)) {
		return k.current, k.kid, nil
	}
	record, until, err := k.signing(ctx, now)
	if errors.Is(err, store.ErrNotFound) {
		if err := k.create(ctx); err != nil && !errors.Is(err, store.ErrConflict) { // conflict: somebody else made it
			return nil, "", err
		}
		record, until, err = k.signing(ctx, now)
	}
	if err != nil {
		return nil, "", err
	}
	scalar, err := base64.RawURLEncoding.DecodeString(record.Private)
	if err != nil {
		return nil, "", fmt.Errorf("token: signing key %s: %w", record.ID, err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, "", fmt.Errorf("token: signing key %s: %w", record.ID, err)
	}
	k.current, k.kid, k.looked, k.look = key, record.ID, now, until
	return key, record.ID, nil
}

// signing reads the newest key that may sign, and until when that is certain: a minute, or less when a successor waits.
// Then it must be read again, since the successor may have been retired meanwhile.
func (k *Keyring) signing(ctx context.Context, now time.Time) (key signingKey, until time.Time, err error) {
	records, err := store.ReadAll[signingKey](ctx, k.store, store.Query{Partition: privatePartition, Descending: true}, maxKeys)
	if err != nil {
		return signingKey{}, time.Time{}, err
	}
	until = now.Add(keyringMemory)
	for _, r := range records {
		if !r.Value.SignsFrom.After(now) {
			return r.Value, until, nil
		}
		if r.Value.SignsFrom.Before(until) {
			until = r.Value.SignsFrom
		}
	}
	if len(records) == 0 {
		return signingKey{}, time.Time{}, store.ErrNotFound
	}
	return records[len(records)-1].Value, until, nil // the clock was set back; what is published may sign
}

// create makes the first key. It is published in the same write, so no token can be older than its key's
// publication.
func (k *Keyring) create(ctx context.Context) error {
	private, public, err := k.generate(k.now())
	if err != nil {
		return err
	}
	const sort = "000001"
	return k.store.Write(ctx,
		store.Put(store.Encode(privatePartition, sort, private, time.Time{}), store.IfAbsent()),
		store.Put(store.Encode(PublicPartition, sort, public, time.Time{}), store.IfAbsent()))
}

// generate makes both halves of a key.
func (k *Keyring) generate(signsFrom time.Time) (signingKey, publicKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), k.rand)
	if err != nil {
		return signingKey{}, publicKey{}, err
	}
	scalar, err := key.Bytes()
	if err != nil {
		return signingKey{}, publicKey{}, err
	}
	public, err := publish(&key.PublicKey)
	if err != nil {
		return signingKey{}, publicKey{}, err
	}
	signsFrom, created := signsFrom.UTC(), k.now().UTC()
	return signingKey{ID: public.ID, Private: base64.RawURLEncoding.EncodeToString(scalar), SignsFrom: signsFrom, Created: created},
		publicKey{jwk: public, SignsFrom: signsFrom, Created: created}, nil
}

// publish makes the JWK of a public key; its id is the JWK thumbprint (RFC 7638 §3).
func publish(key *ecdsa.PublicKey) (jwk, error) {
	point, err := key.Bytes() // 0x04, X, Y
	if err != nil {
		return jwk{}, err
	}
	half := (len(point) - 1) / 2
	j := jwk{
		KeyType: "EC", Curve: "P-256", Use: "sig", Algorithm: "ES256",
		X: base64.RawURLEncoding.EncodeToString(point[1 : 1+half]),
		Y: base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf(`{"crv":%q,"kty":%q,"x":%q,"y":%q}`, j.Curve, j.KeyType, j.X, j.Y)))
	j.ID = base64.RawURLEncoding.EncodeToString(sum[:])
	return j, nil
}

// PublishedQuery is what Published reads.
var PublishedQuery = store.Query{Partition: PublicPartition, Limit: maxKeys}

// Published is the JWKS document (RFC 7517 §5) of all keys whose tokens are or may soon be about.
func Published(ctx context.Context, s store.Store) (json.RawMessage, error) {
	document, _, err := PublishedUntil(ctx, s)
	return document, err
}

// PublishedUntil tells besides when the first of the keys leaves, if nothing changes; zero: never.
func PublishedUntil(ctx context.Context, s store.Store) (document json.RawMessage, until time.Time, err error) {
	records, err := store.ReadAll[jwk](ctx, s, PublishedQuery, maxKeys)
	if err != nil {
		return nil, until, err
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{make([]jwk, len(records))}
	for i, r := range records {
		set.Keys[i] = r.Value
		if !r.Expires.IsZero() && (until.IsZero() || r.Expires.Before(until)) {
			until = r.Expires
		}
	}
	document, err = json.Marshal(set)
	return document, until, err
}
