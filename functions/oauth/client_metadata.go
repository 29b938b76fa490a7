package oauth

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json" // names exactly as written and none twice: nobody may read another client than we do

	"github.com/vetassist/vetassist/shared/directory"
)

// clientMetadata is what a client says of itself (RFC 7591 §2, OpenID Connect Registration §2), in its own document or in a registration.
// What we have no use for is ignored, as both allow.
type clientMetadata struct {
	ClientID                string             `json:"client_id"` // of a document
	ClientName              string             `json:"client_name"`
	RedirectURIs            []string           `json:"redirect_uris"`
	GrantTypes              []string           `json:"grant_types"`
	ResponseTypes           []string           `json:"response_types"`
	TokenEndpointAuthMethod string             `json:"token_endpoint_auth_method"`
	ApplicationType         string             `json:"application_type"` // see Directory.located
	ClientURI               string             `json:"client_uri"`
	JWKS                    stdjson.RawMessage `json:"jwks"`
	JWKSURI                 string             `json:"jwks_uri"`
	RequirePushed           bool               `json:"require_pushed_authorization_requests"` // RFC 9126 §6
	BoundTokens             bool               `json:"dpop_bound_access_tokens"`              // RFC 9449 §5.2
	LogoutURIs              []string           `json:"post_logout_redirect_uris"`             // OpenID Connect RP-Initiated Logout §3.1
	ClientSecret            stdjson.RawMessage `json:"client_secret"`
	ClientSecretExpiresAt   stdjson.RawMessage `json:"client_secret_expires_at"`
}

// metadataError says what is wrong with a client's metadata (RFC 7591 §3.2.2).
type metadataError struct {
	Code        string
	Description string
}

func (e *metadataError) Error() string { return e.Code + ": " + e.Description }

func wrongMetadata(format string, values ...any) *metadataError {
	return &metadataError{"invalid_client_metadata", fmt.Sprintf(format, values...)}
}

// parseClientMetadata reads the JSON of a client. How long it may be is for the caller to say.
func parseClientMetadata(body []byte) (m clientMetadata, err error) {
	err = json.Unmarshal(body, &m)
	var wrong *json.SemanticError
	switch {
	case errors.As(err, &wrong) && wrong.JSONPointer != "":
		return m, wrongMetadata("%.100s is of the wrong type", strings.TrimPrefix(string(wrong.JSONPointer), "/"))
	case err != nil:
		return m, wrongMetadata("this is not a JSON object with each name once, in UTF-8")
	}
	m.ClientName = strings.TrimSpace(m.ClientName)
	return m, nil
}

// judge says what we cannot do for such a client. The error is a *metadataError.
func (m clientMetadata) judge() error {
	if err := directory.CheckRedirects(m.redirects()); err != nil {
		return &metadataError{"invalid_redirect_uri", fieldProblem(err)}
	}
	if err := directory.CheckLogouts(m.logouts(), m.redirects()); err != nil {
		return wrongMetadata("%s", fieldProblem(err))
	}
	if err := directory.CheckName(m.name()); err != nil {
		return wrongMetadata("client_%s", fieldProblem(err))
	}
	switch {
	case len(m.grants()) == 0 || m.grants()[0] != directory.GrantCode:
		return wrongMetadata("grant_types must hold authorization_code")
	case len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, "code"):
		return wrongMetadata("response_types must hold code") // RFC 7591 §2.1
	case m.TokenEndpointAuthMethod != "" && !slices.Contains(authMethods, m.TokenEndpointAuthMethod): // empty is for the caller to fill in
		return wrongMetadata("token_endpoint_auth_method must be one of: %s", strings.Join(authMethods, ", "))
	}
	return m.judgeKeys()
}

// judgeKeys: a client that signs says with which keys, in one of two ways (RFC 7591 §2).
func (m clientMetadata) judgeKeys() error {
	if m.TokenEndpointAuthMethod != directory.PrivateKeyJWT {
		return nil
	}
	if err := m.keys().Check(); err != nil {
		return wrongMetadata("%s", fieldProblem(err))
	}
	return nil
}

// keys are its public keys. The null that some write for what they do not have is nothing.
func (m clientMetadata) keys() directory.PublicKeys {
	if string(m.JWKS) == "null" {
		m.JWKS = nil
	}
	return directory.PublicKeys{JWKS: m.JWKS, URI: m.JWKSURI}
}

// redirects are the redirect URIs, each once.
func (m clientMetadata) redirects() []string { return eachOnce(m.RedirectURIs) }

// logouts are the addresses after a logout, each once.
func (m clientMetadata) logouts() []string { return eachOnce(m.LogoutURIs) }

func eachOnce(given []string) (uris []string) {
	for _, uri := range given {
		if !slices.Contains(uris, uri) {
			uris = append(uris, uri)
		}
	}
	return uris
}

// name is what the client calls itself, or where it is.
func (m clientMetadata) name() string {
	if m.ClientName == "" && len(m.RedirectURIs) > 0 {
		return hostOf(m.RedirectURIs[0])
	}
	return m.ClientName
}

// grants are those of the grant types that such a client can have here. Hosts list some that other servers have: Claude the JWT bearer
// grant, VS Code the device grant. RFC 7591 §3.2.1 lets us leave them out. None named means the code (§2).
func (m clientMetadata) grants() []string {
	if len(m.GrantTypes) == 0 {
		return []string{directory.GrantCode}
	}
	var grants []string
	for _, grant := range []string{directory.GrantCode, directory.GrantRefresh} {
		if slices.Contains(m.GrantTypes, grant) {
			grants = append(grants, grant)
		}
	}
	return grants
}

// fill writes into a client what it says of itself. It was judged before. The application type is not among it: it follows from the
// redirect URIs, see Directory.located.
func (m clientMetadata) fill(c *directory.Client) {
	c.Name, c.RedirectURIs, c.GrantTypes = m.name(), m.redirects(), m.grants()
	c.RequirePushed, c.BoundTokens, c.LogoutURIs = m.RequirePushed, m.BoundTokens, m.logouts()
	c.AuthMethod, c.JWKS, c.JWKSURI, c.ClientURI = "", nil, "", ""
	if m.TokenEndpointAuthMethod == directory.PrivateKeyJWT {
		keys := m.keys()
		c.AuthMethod, c.JWKS, c.JWKSURI = directory.PrivateKeyJWT, keys.JWKS, keys.URI
	}
	if isPlainHTTPS(m.ClientURI) {
		c.ClientURI = m.ClientURI
	}
}

// maxURI bounds addresses that a client names, in bytes.
const maxURI = 512

// isPlainHTTPS reports whether a string is an https URL without surprises.
func isPlainHTTPS(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && directory.PlainHost(u) && u.User == nil &&
		!strings.Contains(uri, "#") && len(uri) <= maxURI && !strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' })
}

// fieldProblem is what a *directory.FieldError says, in words for whoever wrote the field.
func fieldProblem(err error) string {
	var field *directory.FieldError
	if errors.As(err, &field) {
		return field.Field + " " + field.Message
	}
	return err.Error()
}
