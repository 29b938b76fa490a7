package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/tokenrequest"
)

const jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523 §2.1

// ask brings an assertion and gets a token for the MCP server (RFC 7521 §4.1).
func (h *handler) ask(ctx context.Context) error {
	assertion, err := h.client.Word(ctx, Place{h.place.Issuer, h.place.Resource, h.place.Scopes})
	if err == nil && assertion == "" {
		err = errors.New("there is no assertion")
	}
	if err != nil {
		h.stopped = fmt.Errorf("nobody vouches for this client: %w", err)
		return h.stopped
	}
	form := url.Values{"grant_type": {jwtGrant}, "assertion": {assertion}, "resource": {h.place.Resource}}
	if len(h.place.Scopes) > 0 {
		form.Set("scope", strings.Join(h.place.Scopes, " "))
	}
	a, err := post(ctx, h.http, h.place.Endpoint, form, h.client.ID, h.client.Secret, h.place.Methods)
	if err == nil {
		h.token, err = a.Bearer(h.client.Now())
	}
	if err != nil { // a refusal is final
		h.stopped = err
	}
	return err
}

// post sends a form to a token endpoint, with who we are. A client without a secret says its id, if it has one.
func post(ctx context.Context, client *http.Client, endpoint string, form url.Values, id, secret string, methods []string) (tokenrequest.Answer, error) {
	var header http.Header
	switch {
	case secret != "":
		var err error
		if header, err = tokenrequest.Secret(form, methods, id, secret); err != nil {
			return tokenrequest.Answer{}, err
		}
	case id != "":
		form.Set("client_id", id)
	}
	return tokenrequest.Send(ctx, client, endpoint, form, header)
}
