package admin

import (
	"net/http"

	"github.com/vetassist/vetassist/shared/web"
)

// The scopes of the admin API.
const (
	scopeRead  = "admin:read"
	scopeWrite = "admin:write"
)

// metadataHandler serves the protected resource metadata (RFC 9728 §2): where tokens for the admin API come from.
func metadataHandler(base string) http.HandlerFunc {
	document := struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
		ScopesSupported      []string `json:"scopes_supported"`
		BearerMethods        []string `json:"bearer_methods_supported"`
		ResourceName         string   `json:"resource_name"`
		Documentation        string   `json:"resource_documentation"`
	}{base + apiPath, []string{base}, []string{scopeRead, scopeWrite}, []string{"header"}, "VetAssist Admin API", base + versionPath + "/docs"}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		web.JSON(w, http.StatusOK, document)
	}
}
