package mcp

import (
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// Partitions are all that the MCP server opens: its own, the clinic's records and the policy, so no person's login and no key that signs tokens.
var Partitions = slices.Concat([]string{"mcp-secret/", "mcp-dpop/"}, clinic.RecordPartitions, directory.PolicyPartitions)

// Routes are the paths that the MCP server answers.
var Routes = []string{"/mcp", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/"}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	own := store.Restrict(h.Store, Partitions...)
	pets, err := clinic.New(clinic.Config{Store: own, Files: h.Files, Now: h.Now, Rand: h.Rand})
	if err != nil {
		return nil, err
	}
	keys := token.RemoteKeys(h.BaseURL+token.JWKSPath, h.HTTP, h.Now)
	return New(Config{
		BaseURL: h.BaseURL, AllowedOrigins: h.AllowedOrigins,
		Verifier: token.NewVerifier(h.BaseURL, []string{h.BaseURL + "/mcp", Identifier}, keys, h.Now),
		Proofs:   dpop.NewChecker(own, "mcp-dpop/", "mcp-secret/dpop", h.Now, h.Rand),
		Roles:    directory.New(own, h.BaseURL, h.Local(), h.Now), Clinic: pets, Knowledge: knowledge.Later(h.Files),
		Secret: secret.At(own, h.Rand, "mcp-secret/questions"), Now: h.Now, Log: h.Log,
	})
}
