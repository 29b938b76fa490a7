package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/functions/jwks"
	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// newHandler puts every function on one mux. client is what they reach each other with, over HTTP like strangers.
func newHandler(o *Options, db store.Store, client *http.Client) (http.Handler, error) {
	authorization, err := newOAuth(o, db)
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	resource, err := newMCP(o, db, client)
	if err != nil {
		return nil, fmt.Errorf("MCP server: %w", err)
	}
	chat, err := app.New(app.Config{
		BaseURL: o.BaseURL, Store: store.Restrict(db, app.Partitions...), HTTP: client, Now: o.Now, Rand: o.Rand, Log: o.Log,
		ClientID: chatClientID(o), Console: o.BaseURL + "/admin/",
	})
	if err != nil {
		return nil, err
	}
	administration, err := newAdmin(o, db, client)
	if err != nil {
		return nil, fmt.Errorf("administration: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/oauth/", authorization)
	mux.Handle("/.well-known/oauth-authorization-server", authorization)
	mux.Handle(jwks.Path, jwks.New(store.Restrict(db, jwks.Partitions...), o.Log))
	mux.Handle("/mcp", resource)
	mux.Handle("/.well-known/oauth-protected-resource", resource)
	mux.Handle("/.well-known/oauth-protected-resource/", resource)
	mux.Handle("/admin", administration)
	mux.Handle("/admin/", administration)
	mux.Handle("/.well-known/oauth-protected-resource/admin/", administration)
	mux.Handle("/", chat)
	return web.Observe(o.Log, http.MaxBytesHandler(home(o, mux), maxBody)), nil
}

// demoClientID is the chat app in seed/policy.json.
const demoClientID = "vet-assist-ai"

// chatClientID is the setting; the demo needs none. Empty: the chat asks for it.
func chatClientID(o *Options) string {
	if o.AppClientID == "" && o.Seed != config.SeedNone {
		return demoClientID
	}
	return o.AppClientID
}

func newOAuth(o *Options, db store.Store) (http.Handler, error) {
	// One handle for all three: a consent is written together with the code that it permits.
	own := store.Restrict(db, oauth.Partitions...)
	c := oauth.Config{
		BaseURL:   o.BaseURL,
		Store:     own,
		Directory: directory.New(own, o.BaseURL, o.Local(), o.Now),
		Keys:      token.NewKeyring(o.BaseURL, own, o.Now, o.Rand),
		Now:       o.Now, Rand: o.Rand, Log: o.Log,
	}
	if o.Local() && o.Seed != config.SeedNone {
		people, err := directory.DemoPeople(seed.Files)
		if err != nil {
			return nil, err
		}
		c.Demo = people
	}
	return oauth.New(c)
}

func newMCP(o *Options, db store.Store, client *http.Client) (http.Handler, error) {
	pets, err := clinic.New(clinic.Config{Store: store.Restrict(db, clinic.RecordPartitions...), Files: seed.Files, Now: o.Now, Rand: o.Rand})
	if err != nil {
		return nil, err
	}
	articles, err := knowledge.Load(seed.Files)
	if err != nil {
		return nil, err
	}
	policy := directory.New(store.Restrict(db, directory.PolicyPartitions...), o.BaseURL, o.Local(), o.Now)
	keys := token.RemoteKeys(o.BaseURL+jwks.Path, client, o.Now)
	return mcp.New(mcp.Config{
		BaseURL: o.BaseURL, AllowedOrigins: o.AllowedOrigins,
		Verifier: token.NewVerifier(o.BaseURL, []string{o.BaseURL + "/mcp", mcp.Identifier}, keys, o.Now),
		Roles:    policy, Clinic: pets, Knowledge: articles,
		Now: o.Now, Log: o.Log,
	})
}

func newAdmin(o *Options, db store.Store, client *http.Client) (http.Handler, error) {
	own := store.Restrict(db, admin.Partitions...)
	keys := token.RemoteKeys(o.BaseURL+jwks.Path, client, o.Now)
	return admin.New(admin.Config{
		BaseURL: o.BaseURL, Store: own,
		Directory: directory.New(own, o.BaseURL, o.Local(), o.Now),
		Keys:      token.NewKeyring(o.BaseURL, own, o.Now, o.Rand),
		Verifier:  token.NewVerifier(o.BaseURL, admin.Audience, keys, o.Now),
		Seed:      seed.Files,
		Now:       o.Now, Rand: o.Rand, Log: o.Log,
	})
}

// home guards a server on somebody's own machine. The names of the machine are many and cookies belong to one, so
// a person who comes by 127.0.0.1 is sent to the address that the links use. A name that is not of this
// machine means a page that made its own name point here (DNS rebinding); nothing is said to it. A deployed server
// leaves names to the proxy in front.
func home(o *Options, next http.Handler) http.Handler {
	if !o.Local() {
		return next
	}
	_, own, _ := strings.Cut(o.BaseURL, "://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.EqualFold(r.Host, own):
			next.ServeHTTP(w, r)
		case !config.IsLoopbackHost(r.Host):
			http.Error(w, "This VetAssist answers at "+o.BaseURL+" only. Start it with -base-url to give it another address.", http.StatusMisdirectedRequest)
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, o.BaseURL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
