package federation

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
)

// Names of token exchange (RFC 8693 §3; the draft, "OAuth URI Registration").
const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	idJAGToken    = "urn:ietf:params:oauth:token-type:id-jag"
	idTokenToken  = "urn:ietf:params:oauth:token-type:id_token"
)

// Enterprise is a company's own login, where the client is registered too, under another id.
type Enterprise struct {
	TokenEndpoint string
	ID, Secret    string
	IDToken       func(ctx context.Context) (string, error) // of the employee, from the login there
	HTTP          *http.Client                              // as that of Client
}

// Word exchanges the employee's ID token for the company's word at another authorization server (MCP, Enterprise-Managed Authorization §4).
func (e Enterprise) Word(ctx context.Context, at Place) (string, error) {
	if !discovery.Encrypted(e.TokenEndpoint) {
		return "", fmt.Errorf("%.200q is no address to send an ID token to", e.TokenEndpoint)
	}
	idToken, err := e.IDToken(ctx)
	if err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {exchangeGrant}, "requested_token_type": {idJAGToken}, "audience": {at.Issuer}, "resource": {at.Resource},
		"subject_token": {idToken}, "subject_token_type": {idTokenToken}}
	if len(at.Scopes) > 0 {
		form.Set("scope", strings.Join(at.Scopes, " "))
	}
	a, err := post(ctx, safe(e.HTTP), e.TokenEndpoint, form, e.ID, e.Secret, nil)
	if err == nil && a.IssuedType != idJAGToken { // RFC 8693 §2.2.1: required
		err = fmt.Errorf("the company's login gave something else: %.100q", a.IssuedType)
	}
	return a.Token, err
}
