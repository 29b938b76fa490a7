package admin

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2" // OpenAPI 3.1 from Go types, and the validation that it promises
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/web"
)

// api holds what the operations share.
type api struct {
	Config
	access *access.Registry
	audit  *audit.Log
	clinic *clinic.Clinic
	huma   huma.API
}

// maxBody bounds a request, in bytes.
const maxBody = 64 << 10

// routes are all operations. The OpenAPI document that describes them is made beside, in a.huma.
func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("VetAssist Admin API", "1")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // docs.go serves them
	config.CreateHooks = nil                                             // no links to schemas in answers
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{ours}
	config.Info.Description = about
	config.Servers = []*huma.Server{{URL: a.BaseURL + versionPath}}
	config.Tags = tags
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"oauth": {Type: "oauth2", Flows: &huma.OAuthFlows{
		AuthorizationCode: &huma.OAuthFlow{AuthorizationURL: a.BaseURL + "/oauth/authorize", TokenURL: a.BaseURL + "/oauth/token",
			Scopes: map[string]string{scopeRead: "see everything here", scopeWrite: "change it"}}}}}
	a.huma = humago.NewWithPrefix(mux, versionPath, config)
	a.huma.UseMiddleware(a.record)

	a.meRoutes()
	a.serverRoutes()
	a.roleRoutes()
	a.userRoutes()
	a.applicationRoutes()
	a.registrationRoutes()
	a.issuerRoutes()
	a.relyingRoutes()
	a.consentRoutes()
	a.sessionRoutes()
	a.keyRoutes()
	a.auditRoutes()
	a.whyRoutes()
	a.clinicRoutes()

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.nothing(w, r, mux) })
	return mux
}

// nothing is for addresses that no operation has, or none with this method (RFC 9110 §15.5.6).
func (a *api) nothing(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	allowed := web.Allowed(mux, r, "/")
	seen := " " + a.BaseURL + versionPath + "/docs lists all that there is."
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, &problem{Status: http.StatusMethodNotAllowed, Detail: "This address does not take " + r.Method + "." + seen})
		return
	}
	writeProblem(w, &problem{Status: http.StatusNotFound, Detail: "There is no such address." + seen})
}

const about = `Everything that an administrator of VetAssist can do. The console at /admin/ uses this API and nothing else.

Get a token from the authorization server for the resource {base}/admin/api, with the scope admin:read (to look) or admin:write (to change, which includes looking). Its bearer must have the role Administrator at this moment, not only when it was issued.

Lists come in pages: next is the cursor of the page after. A record has an ETag; a change names it in If-Match. What is in use is not deleted unless cascade=true says so.`

var tags = []*huma.Tag{
	{Name: "MCP servers", Description: "Resource servers that tokens are issued for, and their scopes."},
	{Name: "Roles", Description: "Named sets of permissions, given to users."},
	{Name: "Users", Description: "People who can log in."},
	{Name: "Applications", Description: "OAuth clients: what asks for tokens."},
	{Name: "Registration", Description: "Initial access tokens: who may register clients where not everybody may."},
	{Name: "Trust", Description: "Issuers elsewhere whose word for people or programs counts here, and authorization servers that take our word."},
	{Name: "Consents and sessions", Description: "What is open: what people allowed, what applications hold, who is logged in."},
	{Name: "Signing keys", Description: "The keys that sign access tokens."},
	{Name: "Audit log", Description: "Who did what, for ninety days."},
	{Name: "Why", Description: "The formula of a token's scopes, explained."},
	{Name: "Clinic", Description: "The clinic's data, for demos and workshops."},
}

// register adds an operation. Each can be refused in the same ways, so these are told once, here.
func register[I, O any](a *api, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	wrong := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	op.Responses = map[string]*huma.Response{}
	for _, status := range append([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity}, op.Errors...) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status),
			Content: map[string]*huma.MediaType{"application/problem+json": {Schema: wrong}}}
	}
	op.Responses["default"] = &huma.Response{Description: "Any other failure", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: wrong}}}
	op.Errors = nil
	op.MaxBodyBytes = maxBody
	op.Security = []map[string][]string{{"oauth": {needed(op.Method)}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		return out, a.problem(ctx, err)
	})
	if op.DefaultStatus == http.StatusCreated { // or it was there already
		there := *op.Responses["201"]
		there.Description = "It was there already"
		op.Responses["200"] = &there
	}
}

// location is the address of a thing that was made.
func (a *api) location(format string, parts ...any) string {
	return a.BaseURL + versionPath + fmt.Sprintf(format, parts...)
}
