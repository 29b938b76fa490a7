package admin

import (
	"context"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// passkey is what may be told of one: enough for a person to know which it is.
type passkey struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used,omitempty"`
}

func (a *api) listPasskeys(ctx context.Context, in *struct {
	UserPath
	ListInput
}) (*listOutput[passkey], error) {
	if _, err := a.Directory.UserRecord(ctx, in.UserID); err != nil {
		return nil, err
	}
	all, err := a.Directory.Passkeys(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, &in.ListInput)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, func(p directory.Passkey) (passkey, error) {
		return passkey{p.ID, p.Name, p.Created, optional(p.LastUsed)}, nil
	})
}

func (a *api) removePasskey(ctx context.Context, in *struct {
	UserPath
	ID string `path:"passkey_id" maxLength:"300"`
}) (*empty, error) {
	return nil, a.Directory.RemovePasskey(ctx, in.UserID, in.ID)
}
