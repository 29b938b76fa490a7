package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/functions/jwks"
	"github.com/vetassist/vetassist/functions/learn"
	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/egress"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// functions are all parties. Each knows its own paths; the chat app has what nobody else answers.
var functions = []struct {
	name   string
	party  trace.Party // empty: none of a flow
	routes []string
	open   func(host.Host) (http.Handler, error)
}{
	{"authorization server", trace.OAuth, oauth.Routes, oauth.Open},
	{"keys", trace.JWKS, jwks.Routes, jwks.Open},
	{"MCP server", trace.MCP, mcp.Routes, mcp.Open},
	{"administration", "", admin.Routes, admin.Open},
	{"chat app", trace.App, app.Routes, app.Open},
	{"course", "", learn.Routes, learn.Open},
}

// newHandler puts every function on one mux. client is what they reach each other with, over HTTP like strangers.
// recorder may be nil: it is off.
func newHandler(o *Options, db store.Store, client *http.Client, recorder *trace.Recorder) (http.Handler, error) {
	outside := o.Outside
	if outside == nil {
		outside = egress.Client(o.ClientDomains, nil)
	}
	h := host.Host{Config: o.Config, Store: db, HTTP: client, Outside: outside, Files: seed.Files, Now: o.Now, Clock: o.clock, Rand: o.Rand, Log: o.Log}
	mux := http.NewServeMux()
	for _, f := range functions {
		h := h
		if f.party != "" {
			h.HTTP, h.Outside = recorder.Client(f.party, h.HTTP), recorder.Strangers(f.party, h.Outside)
		}
		handler, err := f.open(h)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if f.party != "" {
			handler = recorder.Handler(f.party, handler)
		}
		for _, route := range f.routes {
			mux.Handle(route, handler)
		}
	}
	return home(o, mux), nil
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
		case r.Method == http.MethodGet && web.WantsPage(r):
			http.Redirect(w, r, o.BaseURL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
