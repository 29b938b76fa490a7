package admin

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/access"
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
	if err := a.Directory.SetPassword(ctx, in.UserID, in.Body.Password); err != nil {
		return nil, err
	}
	_, _, err := a.access.EndAllOf(ctx, in.UserID) // over already; this takes it out of the lists
	return nil, tidied(err)
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
