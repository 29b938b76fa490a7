package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/config"
)

// registerBy judges the setting of the client id: an id, or one of the words config.AppClient… that say how to get one. An id that is a
// URL is that of a metadata document that somebody publishes for us.
func (a *app) registerBy(setting, secret string) error {
	if wrong := wrongClientID(setting); setting != "" && wrong != "" {
		return fmt.Errorf("the client id %.64q: %s", setting, wrong)
	}
	if a.document == "" {
		a.document = a.base + documentPath
	}
	switch a.setting = setting; {
	case setting == "":
		a.ways = []way{(*app).entered}
	case setting == config.AppClientAuto: // the order of "Client Registration"
		a.ways, a.portable = []way{(*app).entered, (*app).described, (*app).registered}, true
	case setting == config.AppClientRegistered:
		a.ways, a.portable = []way{(*app).registered}, true
	case setting == config.AppClientDocument:
		a.ways, a.portable = []way{(*app).described}, true
	case strings.HasPrefix(setting, "https://"):
		a.ways, a.portable, a.document = []way{(*app).described}, true, setting
	default:
		a.ways, a.clientID, a.secret = []way{(*app).preRegistered}, setting, secret
	}
	if secret != "" && a.clientID == "" {
		return errors.New("a client secret belongs to a client id that an authorization server gave, and there is none")
	}
	return nil
}

// describes and registers tell whether we may be known by our metadata document, and by registering; asks whether a person may enter
// an id, and needs whether nothing goes before one did.
func (a *app) describes() bool { return a.portable && a.setting != config.AppClientRegistered }
func (a *app) registers() bool {
	return a.setting == config.AppClientAuto || a.setting == config.AppClientRegistered
}
func (a *app) asks() bool  { return a.setting == "" || a.setting == config.AppClientAuto }
func (a *app) needs() bool { return a.setting == "" }

// way is one of the ways to be known at an authorization server. It returns the server with what it knows us by, or *noWay.
type way func(*app, context.Context, server) (server, error)

// noWay says for a person why there is no client_id for us at an authorization server.
type noWay struct{ text string }

func (e *noWay) Error() string { return e.text }

// identify finds out what an authorization server knows us by, in the first way that leads there.
func (a *app) identify(ctx context.Context, s server) (server, error) {
	var last error
	for _, w := range a.ways {
		known, err := w(a, ctx, s)
		var none *noWay
		switch {
		case err == nil:
			return known, nil
		case !errors.As(err, &none) && !errors.Is(err, errNotSetUp):
			return s, err
		}
		last = err
	}
	if a.asks() && !a.needs() && a.local && s.Issuer == a.issuer {
		last = &noWay{last.Error() + " An administrator can register it by hand: " + a.base + "/setup says how."}
	}
	return s, last
}

// preRegistered is the id that is a setting.
func (a *app) preRegistered(_ context.Context, s server) (server, error) {
	s.Client, s.AuthMethod = a.clientID, ""
	if a.secret != "" {
		s.AuthMethod = authMethod(s.AuthMethods, methodBasic, methodPost)
	}
	return s, nil
}

// entered is the id that a person entered at the setup page, for one authorization server.
func (a *app) entered(ctx context.Context, s server) (server, error) {
	set, _, err := a.readSetup(ctx)
	if err == nil && (set.ClientID == "" || set.Issuer != s.Issuer) {
		err = errNotSetUp
	}
	s.Client, s.AuthMethod = set.ClientID, ""
	return s, err
}

// described is the URL of our metadata document. It is the same at every authorization server that can read it.
func (a *app) described(_ context.Context, s server) (server, error) {
	if !s.Documents {
		return s, &noWay{"The authorization server at " + hostOf(s.Issuer) + " does not take an application that describes itself at a URL."}
	}
	if u, err := url.Parse(a.document); err != nil || u.Scheme != "https" && a.base != s.Issuer {
		return s, &noWay{"Vet Assist AI describes itself at " + a.document + ", which the authorization server at " + hostOf(s.Issuer) + " cannot read: that takes an https address."}
	}
	s.Client, s.AuthMethod = a.document, ""
	return s, nil
}

// What a token endpoint may want of a client (RFC 7591 §2).
const (
	methodNone  = "none"
	methodBasic = "client_secret_basic"
	methodPost  = "client_secret_post"
)

// authMethod is the first of ours that a server supports; one that does not say supports methodBasic (RFC 8414 §2). Where there is
// none, the first is as good as any.
func authMethod(supported []string, ours ...string) string {
	if len(supported) == 0 {
		supported = []string{methodBasic}
	}
	for _, m := range ours {
		if slices.Contains(supported, m) {
			return m
		}
	}
	return ours[0]
}

// metadata describes us, in the words of RFC 7591 §2.
func (a *app) metadata(method string) oauthex.ClientRegistrationMetadata {
	m := oauthex.ClientRegistrationMetadata{
		ClientName: "Vet Assist AI", ClientURI: a.base, RedirectURIs: []string{a.base + "/callback"},
		GrantTypes:    []string{"authorization_code", "refresh_token"}, // "Refresh Tokens"
		ResponseTypes: []string{"code"}, TokenEndpointAuthMethod: method,
		SoftwareID: softwareID, SoftwareVersion: softwareVersion,
		ApplicationType: "web",
	}
	if a.local { // "Application Type and Redirect URI Constraints": a web application on somebody's own machine is a native one
		m.ApplicationType = "native"
	}
	return m
}
