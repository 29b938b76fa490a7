package directory

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// What an administrator makes an application from.
const (
	// MCPClientTemplate is for applications that act for a person at an MCP server: public, with codes, PKCE and refresh
	// tokens.
	MCPClientTemplate = "MCP client application"
	// WebTemplate is the same for a server that can keep a secret.
	WebTemplate = "Web application with a secret"
	// MachineTemplate is for programs that act for nobody but themselves: the client credentials grant (RFC 6749 §4.4).
	MachineTemplate = "Machine-to-machine application"
	// DeviceTemplate is for what has no browser, such as a kiosk or a command line: the device authorization grant (RFC 8628). Nothing
	// else has that grant: it can be used to talk people into logging somebody else in.
	DeviceTemplate = "Device or command line"
	// AgentTemplate is for programs that act for users whose tokens they are handed: token exchange (RFC 8693). It is never a user's
	// own application: another names it (Client.MayAct).
	AgentTemplate = "Agent"
)

// Templates are all of them.
var Templates = []string{MCPClientTemplate, WebTemplate, MachineTemplate, DeviceTemplate, AgentTemplate}

// The grant types of templates.
const (
	GrantCode     = "authorization_code"                              // RFC 6749 §4.1.3
	GrantRefresh  = "refresh_token"                                   // RFC 6749 §6
	GrantMachine  = "client_credentials"                              // RFC 6749 §4.4.2
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 §3.4
	GrantExchange = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
	GrantJWT      = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 §2.1
)

var templateGrants = map[string][]string{
	MCPClientTemplate: {GrantCode, GrantRefresh},
	WebTemplate:       {GrantCode, GrantRefresh},
	MachineTemplate:   {GrantMachine},
	DeviceTemplate:    {GrantDevice, GrantRefresh},
	AgentTemplate:     {GrantExchange},
}

// NewClient is what an administrator says of an application to be made.
type NewClient struct {
	ID            string // of a program that may have to repeat this; empty: a new one
	Name          string
	Template      string
	RedirectURIs  []string
	Roles         []string // of a machine-to-machine application
	RequirePushed bool
	BoundTokens   bool
	LogoutURIs    []string
	MayAct        string
	Keys          *PublicKeys // of a confidential one that is to have no secret
}

// confidential reports whether applications of a template prove themselves. The others run where anybody can look.
func confidential(template string) bool {
	return template != MCPClientTemplate && template != DeviceTemplate
}

// AddClient makes an application. It is authorized for nothing yet. secret is that of a confidential one without keys: only its hash
// is kept, so it is known now and never again. The error is store.ErrConflict when the ID is taken, and ErrGone when it
// was.
func (d *Directory) AddClient(ctx context.Context, n NewClient) (r store.Record[Client], secret string, err error) {
	c := Client{ID: n.ID, Name: n.Name, Template: n.Template, RedirectURIs: n.RedirectURIs, Roles: uniqueRoles(n.Roles), Authorized: map[string][]string{},
		RequirePushed: n.RequirePushed, BoundTokens: n.BoundTokens, LogoutURIs: n.LogoutURIs, MayAct: n.MayAct, Source: SourceAdmin, Created: d.moment()}
	if c.GrantTypes = slices.Clone(templateGrants[n.Template]); c.GrantTypes == nil {
		return r, "", &FieldError{"template", "must be one of: " + strings.Join(Templates, ", ")}
	}
	switch {
	case n.ID == "":
		c.ID = strings.ToLower(rand.Text())
	case !cleanID("app-", n.ID): // never as a user's: both are the sub of tokens (RFC 9068 §5)
		return r, "", &FieldError{"client_id", "must be app- and at most 60 of a-z, 0-9 and -"}
	}
	if c, err = d.checkedClient(c); err != nil {
		return r, "", err
	}
	switch {
	case n.Keys != nil:
		err = d.proveBy(&c, *n.Keys)
	case confidential(n.Template):
		secret, err = d.newSecret(&c)
	}
	if err != nil {
		return r, "", err
	}
	r, err = insist(func() (store.Record[Client], error) {
		checks, err := d.clientChecks(ctx, Client{}, c)
		if err != nil {
			return store.Record[Client]{}, err
		}
		unused, err := d.unused(ctx, "client/"+c.ID)
		if err != nil {
			return store.Record[Client]{}, err
		}
		ops := slices.Concat([]store.Op{putClient(c, store.IfAbsent()), unused}, indexOps(nil, c.entries()), checks)
		return store.Record[Client]{Value: d.fillClient(c), Version: 1}, blame(d.store.Write(ctx, ops...), ops)
	})
	return r, secret, err
}

func (d *Directory) newSecret(c *Client) (string, error) {
	secret, err := web.NewSecret(rand.Reader)
	c.AuthMethod, c.JWKS, c.JWKSURI = "", nil, ""
	c.SecretHash, c.SecretChanged = web.Hash(secret), d.moment()
	return secret, err
}

func (d *Directory) moment() time.Time { return d.now().UTC().Truncate(time.Second) }

// RotateSecret gives a confidential application a new secret; what it proved itself with before, a secret or keys, is worth nothing
// from now on.
func (d *Directory) RotateSecret(ctx context.Context, id string, version int64) (r store.Record[Client], secret string, err error) {
	before, err := d.usableClientAt(ctx, id, version)
	if err == nil && before.Value.SelfRegistered() { // whoever runs it could not be told
		err = ErrSelfRegistered
	}
	if err == nil && !before.Value.Confidential() {
		err = &FieldError{"client_id", "is an application without a secret"}
	}
	if err != nil {
		return r, "", err
	}
	c := before.Value
	if secret, err = d.newSecret(&c); err != nil {
		return r, "", err
	}
	r, err = d.replaceClient(ctx, before, c)
	return r, secret, err
}
