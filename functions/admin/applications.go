package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// ApplicationSummary is what a list shows.
type ApplicationSummary struct {
	ID       string    `json:"id" doc:"What it has in addresses here."`
	ClientID string    `json:"client_id" doc:"What it sends: its id, or, for one that describes itself at a URL, that."`
	Name     string    `json:"name"`
	Template string    `json:"template"`
	Source   string    `json:"source" enum:"admin,metadata document,dynamic registration" doc:"Where it came from."`
	Disabled bool      `json:"disabled,omitempty"`
	Created  time.Time `json:"created"`
}

type Application struct {
	ApplicationSummary
	ApplicationType string       `json:"application_type,omitempty" doc:"web or native, by its redirect URLs."`
	RedirectURIs    []string     `json:"redirect_uris" nullable:"false"`
	GrantTypes      []string     `json:"grant_types" nullable:"false"`
	Confidential    bool         `json:"confidential" doc:"It proves itself, with a secret or a key."`
	AuthMethod      string       `json:"auth_method" enum:"none,secret,private_key_jwt" doc:"How it proves itself."`
	JWKS            *jwkSet      `json:"jwks,omitempty" doc:"Its public keys, of one that has them kept here."`
	JWKSURI         string       `json:"jwks_uri,omitempty" doc:"Where its public keys are, of one that keeps them itself."`
	ClientURI       string       `json:"client_uri,omitempty" doc:"Its home page, as it says itself."`
	Fetched         *time.Time   `json:"fetched,omitempty" doc:"When its metadata document was read."`
	Expires         *time.Time   `json:"expires,omitempty" doc:"When it is forgotten, unless somebody allows it something before."`
	SecretChanged   *time.Time   `json:"secret_changed,omitempty" doc:"When it last got a secret or other keys here."`
	RequirePushed   bool         `json:"require_pushed_authorization_requests" doc:"It must push its authorization requests (RFC 9126)."`
	BoundTokens     bool         `json:"dpop_bound_access_tokens" doc:"It gets no token that is not bound to a key of its own (DPoP, RFC 9449)."`
	LogoutURIs      []string     `json:"post_logout_redirect_uris" nullable:"false" doc:"Where it may send people after a logout."`
	MayAct          string       `json:"may_act,omitempty" doc:"The id of the agent that may act for its users, with tokens that it hands over."`
	MayActName      string       `json:"may_act_name,omitempty" doc:"The agent's name."`
	Roles           []string     `json:"roles" nullable:"false" doc:"Of a machine-to-machine application: they stand for a user's roles and consent."`
	Authorizations  []permission `json:"authorizations" nullable:"false" doc:"What it is authorized to ask for, by server."`
	System          bool         `json:"system,omitempty" doc:"A part of VetAssist itself: nobody changes or deletes it."`
	Deleting        bool         `json:"deleting,omitempty"`
	ETag            string       `json:"etag"`
}

type newApplicationBody struct {
	Application
	Secret string `json:"client_secret,omitempty" doc:"Of an application that has one. Nobody can see it again."`
}

type ApplicationPath struct {
	ClientID string `path:"client_id" maxLength:"600" doc:"The id of the application, or its client_id, percent-encoded."`
}

// Resolve makes of either the id.
func (p *ApplicationPath) Resolve(huma.Context) []error {
	p.ClientID = directory.ClientKey(p.ClientID)
	return nil
}

type applicationOutput struct {
	ETag string `header:"ETag"`
	Body Application
}

func summaryOf(c directory.ClientSummary) (ApplicationSummary, error) {
	return ApplicationSummary{c.ID, cmp.Or(c.URL, c.ID), c.Name, c.Template, string(cmp.Or(c.Source, directory.SourceAdmin)), c.Disabled, c.Created}, nil
}

func (a *api) application(ctx context.Context, r store.Record[directory.Client]) (Application, error) {
	c := r.Value
	summary, _ := summaryOf(directory.ClientSummary{ID: c.ID, URL: c.URL, Name: c.Name, Template: c.Template, Source: c.Source, Disabled: c.Disabled, Created: c.Created})
	out := Application{ApplicationSummary: summary, ApplicationType: c.ApplicationType, RedirectURIs: append([]string{}, c.RedirectURIs...),
		GrantTypes: append([]string{}, c.GrantTypes...), Confidential: c.Confidential(),
		AuthMethod: authMethod(c), JWKSURI: c.JWKSURI, ClientURI: c.ClientURI, Fetched: optional(c.Fetched), Expires: optional(c.Expires), SecretChanged: optional(c.SecretChanged),
		JWKS: jwkSetOf(c.JWKS), RequirePushed: c.RequirePushed, BoundTokens: c.BoundTokens, LogoutURIs: append([]string{}, c.LogoutURIs...), MayAct: c.MayAct,
		Roles: append([]string{}, c.Roles...), Authorizations: []permission{}, System: c.System, Deleting: c.Deleting, ETag: etag(r)}
	n := a.names(ctx)
	if c.MayAct != "" {
		agent, err := n.client(c.MayAct)
		if err != nil {
			return Application{}, err
		}
		out.MayActName = agent.Name
	}
	for _, identifier := range slices.Sorted(maps.Keys(c.Authorized)) {
		ref, err := n.server(identifier)
		if err != nil {
			return Application{}, err
		}
		out.Authorizations = append(out.Authorizations, permission{ref, c.Authorized[identifier]})
	}
	return out, nil
}

func authMethod(c directory.Client) string {
	switch {
	case c.HasSecret():
		return "secret"
	case c.AuthMethod == directory.PrivateKeyJWT:
		return c.AuthMethod
	}
	return "none"
}

func (a *api) applicationOutput(ctx context.Context, r store.Record[directory.Client], err error) (*applicationOutput, error) {
	if err != nil {
		return nil, err
	}
	out, err := a.application(ctx, r)
	return &applicationOutput{out.ETag, out}, err
}

func (a *api) applicationRoutes() {
	register(a, huma.Operation{OperationID: "list-applications", Method: http.MethodGet, Path: "/applications", Tags: []string{"Applications"}, Summary: "List applications"}, a.listApplications)
	register(a, huma.Operation{OperationID: "create-application", Method: http.MethodPost, Path: "/applications", Tags: []string{"Applications"}, Summary: "Create an application from a template", Description: aboutTemplates, DefaultStatus: http.StatusCreated, Errors: []int{409}}, a.createApplication)
	register(a, huma.Operation{OperationID: "read-application", Method: http.MethodGet, Path: "/applications/{client_id}", Tags: []string{"Applications"}, Summary: "Read an application", Errors: []int{404}}, a.readApplication)
	register(a, huma.Operation{OperationID: "update-application", Method: http.MethodPatch, Path: "/applications/{client_id}", Tags: []string{"Applications"}, Summary: "Change, enable or disable an application", Description: "What is left out stays as it is. With jwks or jwks_uri, an application that has a secret proves itself by its key from now on, and its secret ends.", Errors: []int{404, 409, 412, 428}}, a.updateApplication)
	register(a, huma.Operation{OperationID: "delete-application", Method: http.MethodDelete, Path: "/applications/{client_id}", Tags: []string{"Applications"}, Summary: "Delete an application, and end what it holds", Errors: []int{404, 409, 412, 428}}, a.deleteApplication)
	register(a, huma.Operation{OperationID: "rotate-secret", Method: http.MethodPost, Path: "/applications/{client_id}/secret", Tags: []string{"Applications"}, Summary: "Give an application a new secret; the old one ends at once", Description: "One that proves itself by its keys has a secret in their place from then on.", Errors: []int{404, 409}}, a.rotateSecret)
	register(a, huma.Operation{OperationID: "list-naming-applications", Method: http.MethodGet, Path: "/applications/{client_id}/named-by", Tags: []string{"Applications"}, Summary: "List the applications for whose users an agent may act", Errors: []int{404}}, a.listNamingApplications)
	register(a, huma.Operation{OperationID: "authorize-application", Method: http.MethodPut, Path: "/applications/{client_id}/authorizations/{server_id}", Tags: []string{"Applications"}, Summary: "Authorize an API resource: which of its scopes the application may ask for", Errors: []int{404, 409, 412, 428}}, a.authorizeApplication)
	register(a, huma.Operation{OperationID: "unauthorize-application", Method: http.MethodDelete, Path: "/applications/{client_id}/authorizations/{server_id}", Tags: []string{"Applications"}, Summary: "Take an API resource from an application", Errors: []int{404, 409, 412, 428}}, a.unauthorizeApplication)
}

func (a *api) listApplications(ctx context.Context, in *struct {
	ListInput
	Prefix string `query:"prefix" maxLength:"255" doc:"Of what the list is sorted by; of a name in any case."`
	Sort   string `query:"sort" enum:"name,id" default:"name"`
}) (*listOutput[ApplicationSummary], error) {
	read := a.Directory.ClientsByName
	if in.Sort == "id" {
		read = a.Directory.ClientsByID
	}
	page, err := read(ctx, directory.Query{Prefix: in.Prefix, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(page.Items, page.Next, summaryOf)
}

func (a *api) createApplication(ctx context.Context, in *struct {
	IdempotencyKey
	Body newApplicationInput
}) (*createdOutput[newApplicationBody], error) {
	n := in.Body.client()
	n.ID = in.id(ctx, "app-", in.Body)
	r, secret, err := a.Directory.AddClient(ctx, n)
	status := http.StatusCreated
	if errors.Is(err, store.ErrConflict) { // by this very request: nobody else has this id
		r, err = a.Directory.ClientRecord(ctx, n.ID)
		status, secret = http.StatusOK, ""
	}
	if err != nil {
		return nil, err
	}
	note(ctx, "client_id", r.Value.ID)
	note(ctx, "application", r.Value.Name)
	note(ctx, "template", r.Value.Template)
	note(ctx, "method", authMethod(r.Value))
	out, err := a.application(ctx, r)
	return &createdOutput[newApplicationBody]{status, a.location("/applications/%s", r.Value.ID), out.ETag, newApplicationBody{out, secret}}, err
}

func (a *api) readApplication(ctx context.Context, in *ApplicationPath) (*applicationOutput, error) {
	r, err := a.Directory.ClientRecord(ctx, in.ClientID)
	return a.applicationOutput(ctx, r, err)
}

func (a *api) matchingApplication(ctx context.Context, id string, m Precondition) (store.Record[directory.Client], error) {
	r, err := a.Directory.ClientRecord(ctx, id)
	note(ctx, "application", r.Value.Name)
	return matching(m, r, err)
}

func (a *api) updateApplication(ctx context.Context, in *struct {
	ApplicationPath
	Precondition
	Body applicationEdit
}) (*applicationOutput, error) {
	r, err := a.matchingApplication(ctx, in.ClientID, in.Precondition)
	if err != nil {
		return nil, err
	}
	note(ctx, "changes", strings.Join(in.Body.names(), " "))
	r, err = a.Directory.UpdateClient(ctx, in.ClientID, r.Version, in.Body.edit())
	return a.applicationOutput(ctx, r, err)
}

func (a *api) listNamingApplications(ctx context.Context, in *struct {
	ApplicationPath
	ListInput
}) (*listOutput[ApplicationSummary], error) {
	if _, err := a.Directory.ClientRecord(ctx, in.ClientID); err != nil {
		return nil, err
	}
	page, err := a.Directory.ClientsNaming(ctx, in.ClientID, directory.Query{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(page.Items, page.Next, summaryOf)
}

func (a *api) deleteApplication(ctx context.Context, in *struct {
	ApplicationPath
	Precondition
	Cascading
}) (*empty, error) {
	r, err := a.matchingApplication(ctx, in.ClientID, in.Precondition)
	if err == nil {
		err = a.Directory.DeleteClient(ctx, in.ClientID, r.Version, in.Cascade)
	}
	if err == nil { // without the application none of it is good for anything: this only takes it out of the lists
		_, err = a.access.EndGrantsFor(ctx, in.ClientID)
	}
	return nil, tidied(err)
}

type newSecret struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret" doc:"Nobody can see it again."`
}

func (a *api) rotateSecret(ctx context.Context, in *ApplicationPath) (*struct{ Body newSecret }, error) {
	out := &struct{ Body newSecret }{}
	r, err := a.Directory.ClientRecord(ctx, in.ClientID)
	if err != nil {
		return nil, err
	}
	note(ctx, "application", r.Value.Name)
	if !r.Value.Confidential() {
		return nil, conflict("This is a public application: it has no secret.")
	}
	out.Body.ClientID = in.ClientID
	_, out.Body.Secret, err = a.Directory.RotateSecret(ctx, in.ClientID, r.Version)
	if errors.Is(err, store.ErrConflict) { // two at once, and the caller named no version
		err = store.ErrBusy
	}
	return out, err
}

type authorization struct {
	Scopes []string `json:"scopes" nullable:"false" minItems:"1" maxItems:"50"`
}

type AuthorizationPath struct {
	ApplicationPath
	ServerID string `path:"server_id" maxLength:"300"`
}

func (a *api) authorizeApplication(ctx context.Context, in *struct {
	AuthorizationPath
	Precondition
	Body authorization
}) (*applicationOutput, error) {
	return a.setAuthorization(ctx, in.AuthorizationPath, in.Precondition, in.Body.Scopes)
}

func (a *api) unauthorizeApplication(ctx context.Context, in *struct {
	AuthorizationPath
	Precondition
}) (*applicationOutput, error) {
	return a.setAuthorization(ctx, in.AuthorizationPath, in.Precondition, nil)
}

func (a *api) setAuthorization(ctx context.Context, path AuthorizationPath, m Precondition, scopes []string) (*applicationOutput, error) {
	r, err := a.matchingApplication(ctx, path.ClientID, m)
	if err != nil {
		return nil, err
	}
	identifier := identifierOf(path.ServerID)
	note(ctx, "server", identifier)
	note(ctx, "scope", strings.Join(scopes, " "))
	if _, authorized := r.Value.Authorized[identifier]; len(scopes) == 0 && !authorized {
		return nil, errNotFound
	}
	if _, err := a.Directory.ServerRecord(ctx, identifier); len(scopes) > 0 && err != nil {
		return nil, err
	}
	r, err = a.Directory.AuthorizeClient(ctx, path.ClientID, r.Version, identifier, scopes)
	return a.applicationOutput(ctx, r, err)
}
