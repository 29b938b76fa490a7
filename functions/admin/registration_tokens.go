package admin

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
)

// RegistrationToken is what may be told of an initial access token (RFC 7591 §3) at any time.
type RegistrationToken struct {
	ID      string    `json:"id"`
	Note    string    `json:"note"`
	Created time.Time `json:"created"`
	By      string    `json:"created_by" doc:"Who made it: a username, the name of an application, or the id of one who is gone."`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses" doc:"How many clients can still be registered with it."`
}

type newRegistrationToken struct {
	Note string `json:"note" doc:"What it is for, or who gets it."`
	Days int    `json:"days,omitempty" minimum:"1" maximum:"90" default:"7" doc:"How long it works."`
	Uses int    `json:"uses,omitempty" minimum:"1" maximum:"1000" default:"1" doc:"How many clients can be registered with it."`
}

type registrationTokenBody struct {
	RegistrationToken
	Token string `json:"token" doc:"What a program sends to the registration endpoint, as a bearer token. Nobody can see it again."`
}

func (a *api) registrationRoutes() {
	const tag = "Registration"
	register(a, huma.Operation{OperationID: "read-registration", Method: http.MethodGet, Path: "/registration", Tags: []string{tag}, Summary: "Tell who may register a client without an administrator"}, a.readRegistration)
	register(a, huma.Operation{OperationID: "list-registration-tokens", Method: http.MethodGet, Path: "/registration-tokens", Tags: []string{tag}, Summary: "List initial access tokens, newest first"}, a.listRegistrationTokens)
	register(a, huma.Operation{OperationID: "create-registration-token", Method: http.MethodPost, Path: "/registration-tokens", Tags: []string{tag}, Summary: "Make an initial access token", DefaultStatus: http.StatusOK}, a.createRegistrationToken)
	register(a, huma.Operation{OperationID: "delete-registration-token", Method: http.MethodDelete, Path: "/registration-tokens/{token_id}", Tags: []string{tag}, Summary: "Take an initial access token back; what was registered with it stays", Errors: []int{404}}, a.deleteRegistrationToken)
}

type registrationSetting struct {
	Setting string `json:"setting" enum:"open,token,off" doc:"open: anybody; token: who has an initial access token; off: nobody. It is the setting VETASSIST_REGISTRATION, and not changed here."`
}

func (a *api) readRegistration(context.Context, *struct{}) (*struct{ Body registrationSetting }, error) {
	return &struct{ Body registrationSetting }{registrationSetting{cmp.Or(a.Registration, "off")}}, nil
}

func (n *names) registrationToken(t directory.RegistrationToken) (RegistrationToken, error) {
	by, err := n.actor(t.By)
	return RegistrationToken{t.ID, t.Note, t.Created, by, t.Expires, t.Uses}, err
}

func (a *api) listRegistrationTokens(ctx context.Context, in *ListInput) (*listOutput[RegistrationToken], error) {
	all, err := a.Directory.RegistrationTokens(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, a.names(ctx).registrationToken)
}

func (a *api) createRegistrationToken(ctx context.Context, in *struct{ Body newRegistrationToken }) (*struct{ Body registrationTokenBody }, error) {
	note(ctx, "note", in.Body.Note)
	caller := callerFrom(ctx)
	made, secret, err := a.Directory.AddRegistrationToken(ctx, in.Body.Note, cmp.Or(userID(caller), caller.ClientID), in.Body.Days, in.Body.Uses)
	if err != nil {
		return nil, err
	}
	note(ctx, "token_id", made.ID)
	out, err := a.names(ctx).registrationToken(made)
	return &struct{ Body registrationTokenBody }{registrationTokenBody{out, secret}}, err
}

func (a *api) deleteRegistrationToken(ctx context.Context, in *struct {
	ID string `path:"token_id" maxLength:"300"`
}) (*empty, error) {
	gone, err := a.Directory.DeleteRegistrationToken(ctx, in.ID)
	note(ctx, "note", gone.Note)
	return nil, err
}
