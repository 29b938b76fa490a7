package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// RegistrationToken is an initial access token (RFC 7591 §3): whoever presents it may register clients, so many and until then.
// The token itself is not kept, only its hash, which is the ID.
type RegistrationToken struct {
	ID      string    `json:"id"`
	Note    string    `json:"note"` // what it is for, or who got it
	By      string    `json:"by"`   // the user or the application that made it
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"` // that are left
}

// Bounds on initial access tokens.
const (
	MaxTokenDays = 90
	MaxTokenUses = 1000
	maxTokens    = 200 // at a time
)

const tokenPartition = "registration/tokens"

// AddRegistrationToken makes an initial access token. secret is the token: it is known now and never again.
func (d *Directory) AddRegistrationToken(ctx context.Context, note, by string, days, uses int) (t RegistrationToken, secret string, err error) {
	if err := checkText("note", note, 1, maxName); err != nil {
		return t, "", err
	}
	if days < 1 || days > MaxTokenDays {
		return t, "", &FieldError{"days", fmt.Sprintf("must be 1 to %d", MaxTokenDays)}
	}
	if uses < 1 || uses > MaxTokenUses {
		return t, "", &FieldError{"uses", fmt.Sprintf("must be 1 to %d", MaxTokenUses)}
	}
	known, err := d.RegistrationTokens(ctx)
	if err != nil {
		return t, "", err
	}
	if len(known) >= maxTokens {
		return t, "", &FieldError{"note", fmt.Sprintf("cannot be added: there are %d tokens already, delete some", maxTokens)}
	}
	if secret, err = web.NewSecret(rand.Reader); err != nil {
		return t, "", err
	}
	now := d.now().UTC().Truncate(time.Second)
	t = RegistrationToken{ID: web.Hash(secret), Note: note, By: by, Created: now, Expires: now.AddDate(0, 0, days), Uses: uses}
	return t, secret, d.store.Write(ctx, store.Put(t.item(), store.IfAbsent()))
}

func (t RegistrationToken) item() store.Item { return store.Encode(tokenPartition, t.ID, t, t.Expires) }

// RegistrationTokens are all initial access tokens that have not expired, the newest first; also those that are used up.
func (d *Directory) RegistrationTokens(ctx context.Context) ([]RegistrationToken, error) {
	records, err := store.ReadAll[RegistrationToken](ctx, d.store, store.Query{Partition: tokenPartition}, 2*maxTokens) // two who add at once may add one too many
	all := make([]RegistrationToken, len(records))
	for i, r := range records {
		all[i] = r.Value
	}
	slices.SortFunc(all, func(x, y RegistrationToken) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID)) })
	return all, err
}

// DeleteRegistrationToken takes an initial access token back, or is ErrNotFound. The clients that were registered with it stay.
func (d *Directory) DeleteRegistrationToken(ctx context.Context, id string) (RegistrationToken, error) {
	if store.ValidKey(tokenPartition, id) != nil {
		return RegistrationToken{}, ErrNotFound
	}
	r, err := store.Read[RegistrationToken](ctx, d.store, tokenPartition, id)
	if err == nil {
		err = d.store.Write(ctx, store.Delete(tokenPartition, id, store.IfPresent()))
	}
	if errors.Is(err, store.ErrConflict) {
		err = ErrNotFound
	}
	return r.Value, err
}

// UseRegistrationToken is the operation that uses an initial access token once, for a Write together with the client that it
// permits. It is ErrNotFound when there is no such token, or no use left. It is looked up by its hash, so that how long that
// takes says nothing about others that there are.
func (d *Directory) UseRegistrationToken(ctx context.Context, secret string) (RegistrationToken, store.Op, error) {
	r, err := store.Read[RegistrationToken](ctx, d.store, tokenPartition, web.Hash(secret))
	t := r.Value
	if err == nil && t.Uses < 1 {
		err = ErrNotFound
	}
	t.Uses--
	return t, store.Put(t.item(), store.IfVersion(r.Version)), err
}
