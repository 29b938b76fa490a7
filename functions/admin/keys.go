package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/token"
)

type key struct {
	ID             string     `json:"kid"`
	State          string     `json:"state" enum:"next,current,retiring" doc:"next: published, signs later; current: signs; retiring: signs no more, but tokens that it signed may be about."`
	Created        time.Time  `json:"created"`
	SignsFrom      time.Time  `json:"signs_from"`
	SignsUntil     *time.Time `json:"signs_until,omitempty"`
	PublishedUntil *time.Time `json:"published_until,omitempty" doc:"When it leaves the JWKS."`
}

func keyOf(k token.KeyInfo) (key, error) {
	return key{k.ID, string(k.State), k.Created, k.SignsFrom, optional(k.SignsUntil), optional(k.PublishedUntil)}, nil
}

func (a *api) keyRoutes() {
	register(a, huma.Operation{OperationID: "list-keys", Method: http.MethodGet, Path: "/keys", Tags: []string{"Signing keys"}, Summary: "List the published signing keys"}, a.listKeys)
	register(a, huma.Operation{OperationID: "rotate-keys", Method: http.MethodPost, Path: "/keys", Tags: []string{"Signing keys"}, Summary: "Publish a new key; it signs from five minutes later on", DefaultStatus: http.StatusOK, Errors: []int{409}}, a.rotateKeys)
	register(a, huma.Operation{OperationID: "retire-key", Method: http.MethodDelete, Path: "/keys/{kid}", Tags: []string{"Signing keys"}, Summary: "Take a key out of the JWKS at once", Description: "For a key that leaked. Tokens that it signed are refused everywhere within five minutes.", Errors: []int{404, 409}}, a.retireKey)
}

func (a *api) listKeys(ctx context.Context, in *ListInput) (*listOutput[key], error) {
	all, err := a.Keys.Keys(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, keyOf)
}

func (a *api) rotateKeys(ctx context.Context, _ *struct{}) (*struct{ Body key }, error) {
	k, err := a.Keys.Rotate(ctx)
	if err != nil {
		return nil, err
	}
	note(ctx, "kid", k.ID)
	out, err := keyOf(k)
	return &struct{ Body key }{out}, err
}

func (a *api) retireKey(ctx context.Context, in *struct {
	ID string `path:"kid" maxLength:"300"`
}) (*empty, error) {
	return nil, a.Keys.Retire(ctx, in.ID)
}
