package directory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Issuer is somebody elsewhere whose signed word counts here (RFC 7521 §1: the trust between the two is an administrator's doing,
// and no part of the protocol). What it may say depends on its kind.
type Issuer struct {
	ID      string          `json:"id"` // follows from the URL
	Name    string          `json:"name"`
	URL     string          `json:"url"`                // the iss of its JWTs, letter for letter
	Kind    IssuerKind      `json:"kind"`               //
	JWKS    json.RawMessage `json:"jwks,omitempty"`     // its public keys (RFC 7517 §5), or
	JWKSURI string          `json:"jwks_uri,omitempty"` // where they are; neither: where its discovery document says (OpenID Connect Discovery §4)
	Enabled bool            `json:"enabled"`
	Created time.Time       `json:"created"`

	Deleting bool `json:"deleting,omitempty"` // half deleted, and disabled: nobody is linked any more

	// Of an enterprise: through which applications its people come, by ID, and the claim that may name a user by the username here when
	// nobody is linked. Empty: links alone count.
	Clients []string `json:"clients,omitempty"`
	Match   string   `json:"match,omitempty"`

	// Of a platform: which of its workloads are which application here, and whether one JWT may come again until it expires.
	Workloads []Workload `json:"workloads,omitempty"`
	Reusable  bool       `json:"reusable,omitempty"`
}

// IssuerKind is what an issuer vouches for.
type IssuerKind string

const (
	// EnterpriseIssuer vouches for people: its identity assertion JWT authorization grants stand for their login and consent
	// (draft-ietf-oauth-identity-assertion-authz-grant).
	EnterpriseIssuer IssuerKind = "enterprise"
	// WorkloadIssuer vouches for programs on its platform (MCP, SEP-1933).
	WorkloadIssuer IssuerKind = "workload"
)

// MatchClaims are the claims that may name a user here by the username.
var MatchClaims = []string{"preferred_username", "email"}

// Workload says which application a program is. A Subject that ends in ":*" or "/*" is every one that begins so.
type Workload struct {
	Subject  string `json:"subject"`
	ClientID string `json:"client_id"` // ID of the application
}

// Link says which user here somebody at an enterprise is.
type Link struct {
	Subject string    `json:"subject"`
	UserID  string    `json:"user_id"`
	Since   time.Time `json:"since"`
}

const (
	trustPartition = "trust/all"
	issuerPrefix   = "issuer/"
	maxTrusted     = 200 // issuers, and as many relying servers
)

// links of an issuer are a partition, by subject.
func linkPartition(issuer string) string { return "trust/links/" + issuer }

// TrustID names a party by its URL, of which there is one each: what a JWT says is found in one read.
func TrustID(url string) string {
	sum := sha256.Sum256([]byte(url))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// TrustedIssuer finds the issuer whose JWTs have this iss, compared letter for letter (RFC 7523 §3, item 1), or is ErrNotFound. A disabled one
// is found too.
func (d *Directory) TrustedIssuer(ctx context.Context, iss string) (Issuer, error) {
	r, err := d.IssuerRecord(ctx, TrustID(iss))
	if err == nil && r.Value.URL != iss {
		err = ErrNotFound
	}
	return r.Value, err
}

// Workload is the application that a program is, by its subject; the longest that fits counts.
func (i Issuer) Workload(subject string) (clientID string, ok bool) {
	longest := -1
	for _, w := range i.Workloads {
		prefix, many := strings.CutSuffix(w.Subject, "*")
		if w.Subject == subject {
			return w.ClientID, true
		}
		if many && len(prefix) > longest && len(subject) > len(prefix) && strings.HasPrefix(subject, prefix) {
			clientID, ok, longest = w.ClientID, true, len(prefix)
		}
	}
	return clientID, ok
}

// Names reports whether an application may bring an issuer's word.
func (i Issuer) Names(clientID string) bool { return slices.Contains(i.Clients, clientID) }

// LinkedUser is the ID of the user who is linked to somebody at an issuer, or ErrNotFound.
func (d *Directory) LinkedUser(ctx context.Context, issuer, subject string) (string, error) {
	if store.ValidKey(linkPartition(issuer), subject) != nil {
		return "", ErrNotFound
	}
	r, err := store.Read[Link](ctx, d.store, linkPartition(issuer), subject)
	return r.Value.UserID, err
}

// Person is the ID of the user whom an issuer means: the one who is linked to the subject, else the one whose username the claim says that
// the administrator named for that; or ErrNotFound. by is that claim, or empty for a link.
func (d *Directory) Person(ctx context.Context, i Issuer, subject string, claim func(name string) string) (userID, by string, err error) {
	userID, err = d.LinkedUser(ctx, i.ID, subject)
	if !errors.Is(err, ErrNotFound) || i.Match == "" {
		return userID, "", err
	}
	userID, err = d.UserIDByUsername(ctx, claim(i.Match))
	if err == nil && userID == "" {
		err = ErrNotFound
	}
	return userID, i.Match, err
}
