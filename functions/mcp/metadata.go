package mcp

import (
	"net/http"

	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/web"
)

// scopes are all that this server knows, in the order in which people should read them.
var scopes = []string{rbac.PetProfileRead, rbac.PetProfileWrite, rbac.AppointmentRead, rbac.AppointmentWrite, rbac.ReminderRead, rbac.ReminderWrite}

// resourceMetadata is the document of RFC 9728 §2.
type resourceMetadata struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	ScopesSupported      []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	ResourceName         string   `json:"resource_name"`
	ProofAlgs            []string `json:"dpop_signing_alg_values_supported"`
	BoundTokensRequired  bool     `json:"dpop_bound_access_tokens_required"`
}

// metadataHandler serves it at the path form (RFC 9728 §3.1) and, for clients that try the root, there too.
func metadataHandler(base, issuer string) http.HandlerFunc {
	doc := resourceMetadata{
		Resource: base + "/mcp", AuthorizationServers: []string{issuer}, ScopesSupported: scopes,
		BearerMethods: []string{"header"}, ResourceName: "VetAssist MCP Server",
		ProofAlgs: dpop.Algs, BoundTokensRequired: false, // tokens that are bound to no key are taken too
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		web.JSON(w, http.StatusOK, doc)
	}
}
