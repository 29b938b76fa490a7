package admin

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// ending tells what came to an end, and what does not yet.
type ending struct {
	Logins  int       `json:"logins" doc:"How many logins ended."`
	Grants  int       `json:"grants" doc:"How many grants ended: nothing is refreshed under them any more."`
	Until   time.Time `json:"access_tokens_valid_until" doc:"An access token that was issued before still works until then, at the latest: resource servers check it without asking anybody."`
	Message string    `json:"note"`
}

type endingOutput struct{ Body ending }

// ended is the answer to a revocation. That tokens live on is told every time: it is what people least expect.
func (a *api) ended(logins, grants int) *endingOutput {
	until := a.Now().Add(token.Lifetime).UTC().Truncate(time.Second)
	return &endingOutput{ending{logins, grants, until, "From now on nothing is refreshed. An access token that was issued before still works at its MCP server until it expires: at most ten minutes, until " + until.Format("15:04:05") + " UTC."}}
}

type newPassword struct {
	Password string `json:"password" writeOnly:"true"`
}

func (a *api) setPassword(ctx context.Context, in *struct {
	UserPath
	Body newPassword
}) (*empty, error) {
	var err error
	for range maxAttempts { // a password is set whatever else somebody changes of the user
		var r store.Record[directory.User]
		if r, err = a.Directory.UserRecord(ctx, in.UserID); err != nil {
			return nil, err
		}
		note(ctx, "username", r.Value.Username)
		if err = a.Directory.SetPassword(ctx, in.UserID, r.Version, in.Body.Password); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if _, err = a.signOut(ctx, &in.UserPath); err != nil { // whoever knew the old one is out
		return nil, err
	}
	return a.unlockUser(ctx, &in.UserPath)
}

// signOut ends everything at once, by one write; the lists are cleaned up after it.
func (a *api) signOut(ctx context.Context, in *UserPath) (*endingOutput, error) {
	if err := a.Directory.SignOut(ctx, in.UserID); err != nil {
		return nil, err
	}
	logins, grants, err := a.access.EndAllOf(ctx, in.UserID)
	return a.ended(logins, grants), tidied(err)
}

// tidied is what becomes of an error of cleaning lists up after the write that decided: that there was more than one call may
// clean up is none, since nothing of it works any more, and it goes by itself when its time is over.
func tidied(err error) error {
	if errors.Is(err, access.ErrUnfinished) {
		return nil
	}
	return err
}

func (a *api) unlockUser(ctx context.Context, in *UserPath) (*empty, error) {
	return nil, a.Directory.Unlock(ctx, in.UserID)
}
