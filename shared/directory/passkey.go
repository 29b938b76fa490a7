package directory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// MaxPasskeys is how many passkeys a user can have. Each has one of so many places, so no race makes one more.
const MaxPasskeys = 10

var (
	// ErrTooManyPasskeys says that a user has MaxPasskeys already.
	ErrTooManyPasskeys = errors.New("directory: this user has as many passkeys as anybody can have")
	// ErrPasskeyTaken says that a passkey is registered already, for whomever (WebAuthn Level 3 §7.1, step 26).
	ErrPasskeyTaken = errors.New("directory: this passkey is registered already")
)

// Passkey is a key pair of a user's, of which we know the public half. Nothing here is secret.
type Passkey struct {
	ID         string          `json:"id"` // from the credential's; safe in a URL
	Name       string          `json:"name"`
	Created    time.Time       `json:"created"`
	LastUsed   time.Time       `json:"last_used,omitzero"`
	Credential json.RawMessage `json:"credential"` // WebAuthn's credential record, of whoever checks signatures

	place   int
	version int64
}

const (
	passkeyPrefix    = "passkey/"
	credentialPrefix = "directory/passkey/"
	maxPasskeyName   = 60
)

// PasskeyID is the id of the passkey with a credential's id, which can be up to 1023 bytes long.
func PasskeyID(credential []byte) string {
	sum := sha256.Sum256(credential)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func passkeyKey(userID string, place int) (partition, sort string) {
	return "user/" + userID, fmt.Sprintf("%s%d", passkeyPrefix, place)
}

// taken is the record that keeps a passkey to one user.
func (p Passkey) taken(userID string) store.Item {
	return store.Encode(credentialPrefix+p.ID, usernameSort, usernameRecord{userID}, noExpiry)
}

// Passkeys are all of a user's.
func (d *Directory) Passkeys(ctx context.Context, userID string) ([]Passkey, error) {
	if store.ValidKey("user/"+userID, passkeyPrefix) != nil {
		return nil, nil // there is no such user
	}
	page, err := d.store.List(ctx, store.Query{Partition: "user/" + userID, Prefix: passkeyPrefix, Limit: MaxPasskeys})
	if err != nil {
		return nil, err
	}
	all := make([]Passkey, len(page.Items))
	for i, item := range page.Items {
		err := json.Unmarshal(item.Body, &all[i])
		if err == nil {
			all[i].place, err = strconv.Atoi(strings.TrimPrefix(item.Sort, passkeyPrefix))
		}
		if err != nil {
			return nil, fmt.Errorf("directory: %s of %s: %w", item.Sort, userID, err)
		}
		all[i].version = item.Version
	}
	return all, nil
}

// AddPasskey gives a user one more, who logged in at since, in an epoch, or is ErrSignedOut when that login is over: a passkey outlives
// the login that added it. with is written together with it. The name is a *FieldError when it will not do.
func (d *Directory) AddPasskey(ctx context.Context, userID string, since, epoch time.Time, p Passkey, with ...store.Op) error {
	if err := checkText("name", p.Name, 1, maxPasskeyName); err != nil {
		return err
	}
	p.Created = d.now().UTC().Truncate(time.Second)
	_, err := insist(func() (struct{}, error) {
		user, err := d.loggedIn(ctx, userID, since, epoch)
		if err != nil {
			return struct{}{}, err
		}
		has, err := d.Passkeys(ctx, userID)
		if err != nil {
			return struct{}{}, err
		}
		place := 0
		for slices.ContainsFunc(has, func(o Passkey) bool { return o.place == place }) {
			place++
		}
		if place == MaxPasskeys {
			return struct{}{}, ErrTooManyPasskeys
		}
		partition, sort := passkeyKey(userID, place)
		err = d.store.Write(ctx, append([]store.Op{
			store.Put(p.taken(userID), store.IfAbsent()),
			store.Put(store.Encode(partition, sort, p, noExpiry), store.IfAbsent()),
			store.Check("user/"+userID, profileSort, store.IfVersion(user.Version)),
		}, with...)...)
		var c *store.ConflictError
		switch {
		case errors.As(err, &c) && c.Index == 0:
			err = ErrPasskeyTaken
		case errors.As(err, &c) && c.Index <= 2:
			err = errStale // another one has taken the place, or the user is another: signed out, perhaps
		}
		return struct{}{}, err
	})
	return err
}

// UsePasskey is the operation that stores what a passkey became by being used, for a Write together with the login. That
// fails with a conflict when the passkey was used or removed since it was read, so that no counter is seen twice.
func (d *Directory) UsePasskey(userID string, p Passkey) store.Op {
	p.LastUsed = d.now().UTC()
	partition, sort := passkeyKey(userID, p.place)
	return store.Put(store.Encode(partition, sort, p, noExpiry), store.IfVersion(p.version))
}

// RemovePasskey takes a passkey from a user, or is ErrNotFound; with is written together with that.
func (d *Directory) RemovePasskey(ctx context.Context, userID, id string, with ...store.Op) error {
	_, err := insist(func() (struct{}, error) {
		has, err := d.Passkeys(ctx, userID)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(has, func(o Passkey) bool { return o.ID == id })
		if i < 0 {
			return struct{}{}, ErrNotFound
		}
		partition, sort := passkeyKey(userID, has[i].place)
		return stale(struct{}{}, d.store.Write(ctx, append([]store.Op{
			store.Delete(partition, sort, store.IfVersion(has[i].version)),
			store.Delete(has[i].taken(userID).Partition, usernameSort, store.Always()),
		}, with...)...))
	})
	return err
}
