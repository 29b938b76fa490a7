package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// openIDPath is where clients of OpenID Connect look for the same document (Discovery §4).
const openIDPath = "/.well-known/openid-configuration"

// metadata is the authorization server metadata document (RFC 8414 §2, §3), and that of the OpenID provider (Discovery §3), which has all its
// fields and more: one document at both places. It names what is served, and no more.
type metadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	PushedRequestEndpoint    string   `json:"pushed_authorization_request_endpoint"` // RFC 9126 §5
	RequirePushedRequests    bool     `json:"require_pushed_authorization_requests"` // of every client
	DeviceEndpoint           string   `json:"device_authorization_endpoint"`         // RFC 8628 §4
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RegistrationEndpoint     string   `json:"registration_endpoint,omitempty"` // RFC 7591
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	ScopesSupported          []string `json:"scopes_supported"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	ResponseModesSupported   []string `json:"response_modes_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	GrantProfiles            []string `json:"authorization_grant_profiles_supported"`            // draft-ietf-oauth-identity-assertion-authz-grant,
	IssuedForOthers          []string `json:"identity_chaining_requested_token_types_supported"` // "Authorization Server Metadata"
	TokenEndpointAuth        []string `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAlgs        []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationEndpointAuth   []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationEndpointAlgs   []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth        []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgs        []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`               // RFC 7636
	ProofAlgs                []string `json:"dpop_signing_alg_values_supported"`              // RFC 9449 §5.1
	AuthorizationResponseIss bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	ProtectedResources       []string `json:"protected_resources"`                            // RFC 9728 §4
	UserinfoEndpoint         string   `json:"userinfo_endpoint"`                              // from here on OpenID Connect Discovery §3
	EndSessionEndpoint       string   `json:"end_session_endpoint"`                           // RP-Initiated Logout §2.1
	SubjectTypes             []string `json:"subject_types_supported"`
	IDTokenAlgs              []string `json:"id_token_signing_alg_values_supported"`
	Claims                   []string `json:"claims_supported"`
	ClaimsParameter          bool     `json:"claims_parameter_supported"`
	RequestParameter         bool     `json:"request_parameter_supported"`
	RequestURIParameter      bool     `json:"request_uri_parameter_supported"`       // left out it would mean true
	Prompts                  []string `json:"prompt_values_supported"`               // Initiating User Registration §2.1
	ClientDocuments          bool     `json:"client_id_metadata_document_supported"` // draft-ietf-oauth-client-id-metadata-document-00 §5
}

// metadata answers with the document, which changes with the MCP servers alone.
func (s *server) metadata(w http.ResponseWriter, r *http.Request) {
	d, err := s.document.Get(r.Context(), s.Store, directory.PolicyPartition, s.Now(), func(ctx context.Context) (*web.Document, time.Time, error) {
		m, err := s.describeItself(ctx)
		if err != nil {
			return nil, time.Time{}, err
		}
		body, err := json.Marshal(m)
		return web.NewDocument(append(body, '\n'), 5*time.Minute), time.Time{}, err
	})
	if err != nil {
		web.Fail(w, r, s.Log, err)
		return
	}
	d.ServeHTTP(w, r)
}

func (s *server) describeItself(ctx context.Context) (metadata, error) {
	servers, err := s.Directory.Servers(ctx)
	if err != nil {
		return metadata{}, err
	}
	m := metadata{
		Issuer:                   s.BaseURL,
		AuthorizationEndpoint:    s.BaseURL + "/oauth/authorize",
		TokenEndpoint:            s.BaseURL + "/oauth/token",
		PushedRequestEndpoint:    s.BaseURL + "/oauth/par",
		DeviceEndpoint:           s.BaseURL + "/oauth/device_authorization",
		RevocationEndpoint:       s.BaseURL + "/oauth/revoke",
		IntrospectionEndpoint:    s.BaseURL + "/oauth/introspect",
		JWKSURI:                  s.BaseURL + token.JWKSPath,
		ResponseTypesSupported:   []string{"code"},
		ResponseModesSupported:   []string{"query"},
		GrantTypesSupported:      s.grantTypes(),
		GrantProfiles:            []string{idJAGProfile},
		IssuedForOthers:          []string{tokenTypeIDJAG},
		TokenEndpointAuth:        authMethods,
		TokenEndpointAlgs:        assertionAlgs,
		RevocationEndpointAuth:   authMethods,
		RevocationEndpointAlgs:   assertionAlgs,
		IntrospectionAuth:        provingMethods,
		IntrospectionAlgs:        assertionAlgs,
		CodeChallengeMethods:     []string{"S256"},
		ProofAlgs:                dpop.Algs,
		AuthorizationResponseIss: true,
		ClientDocuments:          s.describesItself(),
		ScopesSupported:          []string{offlineAccess, openID, profile},
		UserinfoEndpoint:         s.BaseURL + userinfoPath,
		EndSessionEndpoint:       s.BaseURL + logoutPath,
		SubjectTypes:             []string{"public"},
		IDTokenAlgs:              []string{"ES256"},
		Claims:                   []string{"iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "amr", "at_hash", "name", "preferred_username"},
		Prompts:                  prompts,
		ProtectedResources:       []string{},
	}
	if s.mayRegister() {
		m.RegistrationEndpoint = s.BaseURL + "/oauth/register"
	}
	for _, rs := range servers {
		m.ScopesSupported = append(m.ScopesSupported, rs.ScopeNames()...)
		m.ProtectedResources = append(m.ProtectedResources, rs.URL)
	}
	slices.Sort(m.ScopesSupported)
	m.ScopesSupported = slices.Compact(m.ScopesSupported)
	return m, nil
}
