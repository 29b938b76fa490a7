package admin

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/vetassist/vetassist/shared/directory"
)

// aboutTemplates is what a program's author needs to know to choose one.
const aboutTemplates = "MCP client application: an app on a person's machine, or in a browser; it keeps no secret. Web application with a secret: the same, on a server that can keep one. " +
	"Machine-to-machine application: a program that acts for nobody but itself. Device or command line: what has no browser of its own. Agent: a program that acts for the users of another application, with tokens that " +
	"it is handed. What can keep a secret gets one, unless it comes with public keys: jwks or jwks_uri."

// jwkSet are public keys (RFC 7517 §5).
type jwkSet struct {
	Keys []map[string]any `json:"keys" nullable:"false" minItems:"1" maxItems:"20" doc:"Each a public key as a JWK, such as one on the curve P-256."`
}

// jwkSetOf are the keys of a client; nil when it has none here.
func jwkSetOf(raw json.RawMessage) *jwkSet {
	var set jwkSet
	if json.Unmarshal(raw, &set) != nil || len(set.Keys) == 0 {
		return nil
	}
	return &set
}

// clientKeys are what a request says of keys; nil: nothing.
func clientKeys(set *jwkSet, uri *string) *directory.PublicKeys {
	if set == nil && uri == nil {
		return nil
	}
	keys := &directory.PublicKeys{}
	if set != nil {
		keys.JWKS, _ = json.Marshal(set) // it was JSON before
	}
	if uri != nil {
		keys.URI = *uri
	}
	return keys
}

type newApplicationInput struct {
	Name          string   `json:"name"`
	Template      string   `json:"template" enum:"MCP client application,Web application with a secret,Machine-to-machine application,Device or command line,Agent"`
	RedirectURIs  []string `json:"redirect_uris,omitempty" nullable:"false" maxItems:"10" doc:"Where people come back to, of an application that sends them here with their browser."`
	Roles         []string `json:"roles,omitempty" nullable:"false" maxItems:"3" doc:"Of a machine-to-machine application."`
	RequirePushed bool     `json:"require_pushed_authorization_requests,omitempty" doc:"It must push its authorization requests (RFC 9126)."`
	BoundTokens   bool     `json:"dpop_bound_access_tokens,omitempty" doc:"It gets no token that is not bound to a key of its own (DPoP, RFC 9449)."`
	LogoutURIs    []string `json:"post_logout_redirect_uris,omitempty" nullable:"false" maxItems:"10" doc:"Where it may send people after a logout."`
	MayAct        string   `json:"may_act,omitempty" maxLength:"300" doc:"The id of the agent that may act for its users."`
	JWKS          *jwkSet  `json:"jwks,omitempty" doc:"Its public keys, in place of a secret. Not together with jwks_uri."`
	JWKSURI       *string  `json:"jwks_uri,omitempty" doc:"The https address where its public keys are."`
}

func (in newApplicationInput) client() directory.NewClient {
	return directory.NewClient{Name: in.Name, Template: in.Template, RedirectURIs: in.RedirectURIs, Roles: in.Roles, RequirePushed: in.RequirePushed,
		BoundTokens: in.BoundTokens, LogoutURIs: in.LogoutURIs, MayAct: in.MayAct, Keys: clientKeys(in.JWKS, in.JWKSURI)}
}

type applicationEdit struct {
	Name          *string   `json:"name,omitempty"`
	RedirectURIs  *[]string `json:"redirect_uris,omitempty" nullable:"false" maxItems:"10"`
	Roles         *[]string `json:"roles,omitempty" nullable:"false" maxItems:"3"`
	RequirePushed *bool     `json:"require_pushed_authorization_requests,omitempty" doc:"It must push its authorization requests (RFC 9126)."`
	BoundTokens   *bool     `json:"dpop_bound_access_tokens,omitempty" doc:"It gets no token that is not bound to a key of its own (DPoP, RFC 9449)."`
	LogoutURIs    *[]string `json:"post_logout_redirect_uris,omitempty" nullable:"false" maxItems:"10" doc:"Where it may send people after a logout."`
	MayAct        *string   `json:"may_act,omitempty" maxLength:"300" doc:"The id of the agent that may act for its users; empty: none."`
	JWKS          *jwkSet   `json:"jwks,omitempty" doc:"Its public keys, in place of its secret or of other keys. Not together with jwks_uri."`
	JWKSURI       *string   `json:"jwks_uri,omitempty" doc:"The https address where its public keys are."`
	Disabled      *bool     `json:"disabled,omitempty" doc:"A disabled application gets no tokens, new or refreshed."`
}

func (in applicationEdit) edit() directory.ClientEdit {
	return directory.ClientEdit{Name: in.Name, RedirectURIs: in.RedirectURIs, Roles: in.Roles, RequirePushed: in.RequirePushed, BoundTokens: in.BoundTokens,
		LogoutURIs: in.LogoutURIs, MayAct: in.MayAct, Keys: clientKeys(in.JWKS, in.JWKSURI), Disabled: in.Disabled}
}

// names are the fields that it changes, for the audit log.
func (in applicationEdit) names() (names []string) {
	v := reflect.ValueOf(in)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}
