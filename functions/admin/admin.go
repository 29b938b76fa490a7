package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// The paths under which everything here is served.
const (
	apiPath      = "/admin/api"
	versionPath  = apiPath + "/v1"
	metadataPath = "/.well-known/oauth-protected-resource" + apiPath
)

// Audience is the name by which a token says that it is for the admin API. A token names the URL too, but only the
// identifier is ours for ever: another server may have been registered with a URL that became ours when we moved.
var Audience = []string{directory.AdminServer}

// Verifier checks access tokens. The error wraps token.ErrInvalid, with a reason that may be shown, or it is a failure.
type Verifier interface {
	Verify(ctx context.Context, raw string) (token.Claims, error)
}

// Config is what administration needs.
type Config struct {
	BaseURL      string      // scheme and host; also the issuer of tokens
	Store        store.Store // needs Partitions only
	Directory    *directory.Directory
	Keys         *token.Keyring
	Verifier     Verifier // of tokens for Audience
	Registration string   // who may register a client: as in shared/config; only to be told. Empty: nobody
	Seed         fs.FS    // the clinic, and the demo's data to reset it to
	Now          func() time.Time
	Rand         io.Reader
	Log          *slog.Logger
}

// New is the handler of the admin API, its metadata and the console.
func New(c Config) (http.Handler, error) {
	if c.Store == nil || c.Directory == nil || c.Keys == nil || c.Verifier == nil || c.Seed == nil || c.Now == nil || c.Rand == nil || c.Log == nil {
		return nil, errors.New("admin: Config lacks something")
	}
	log := audit.New(c.Store, c.Now, c.Rand, c.Log)
	pets, err := clinic.New(clinic.Config{Store: c.Store, Files: c.Seed, Now: c.Now, Rand: c.Rand})
	if err != nil {
		return nil, err
	}
	a := &api{Config: c, access: access.New(c.Store, c.Now), audit: log, clinic: pets}
	// The API with its description is by far the largest thing here: it is made when it is first asked for, so that a function that starts
	// for the console's page does not wait for it.
	operations := sync.OnceValue(a.routes)
	docs := newDocs(c.BaseURL, sync.OnceValues(func() ([]byte, error) { operations(); return json.Marshal(a.huma.OpenAPI()) }), c.Log)
	console, err := newConsole(c.BaseURL, c.Log)
	if err != nil {
		return nil, err
	}
	guard := &guard{verifier: c.Verifier, directory: c.Directory, audit: log, metadata: c.BaseURL + metadataPath, log: c.Log}

	mux := http.NewServeMux()
	mux.Handle(versionPath+"/", guard.wrap(later(operations)))
	mux.Handle(versionPath+"/me", guard.anyBearer(later(operations)))
	mux.HandleFunc("GET "+versionPath+"/openapi.json", docs.document)
	mux.HandleFunc("GET "+versionPath+"/docs", docs.page)
	mux.Handle(apiPath+"/", http.NotFoundHandler()) // not the console's
	mux.Handle(metadataPath, web.Public("GET", metadataHandler(c.BaseURL)))
	mux.Handle("/admin/", console)
	mux.Handle("/admin", http.RedirectHandler("/admin/", http.StatusPermanentRedirect))
	return mux, nil
}

// later is a handler that is made for the first request.
func later(handler func() http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler().ServeHTTP(w, r) })
}
