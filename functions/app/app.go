package app

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

//go:embed pages static
var files embed.FS

// Config is what the app needs. BaseURL and Store have no default.
type Config struct {
	BaseURL   string              // public origin of the app, such as http://localhost:8080; its callback is BaseURL/callback
	MCPURL    string              // the MCP server; default BaseURL/mcp
	ClientID  string              // a client id, or how to get one: see registration.go; empty: a person enters it, see setup
	Secret    string              // that goes with ClientID, if the authorization server gave one
	Document  string              // URL of our client ID metadata document; default BaseURL/oauth-client.json, which is served here
	Console   string              // where an administrator registers this app, for a link; empty: not known
	Flows     string              // where what happens is drawn, on this origin: its panel.js and its pages are there; empty: nowhere
	Issuer    string              // the authorization server that ClientID is registered with; default the origin of MCPURL
	Store     store.Store         // needs Partitions only
	HTTP      *http.Client        // for calls to BaseURL, MCPURL and Issuer; default a client with a timeout of 10 seconds
	Outside   *http.Client        // for calls to wherever these lead; default none are made
	Assistant assistant.Assistant // default assistant.Offline()
	Now       func() time.Time    // default time.Now
	Rand      io.Reader           // default crypto/rand
	Log       *slog.Logger        // default slog.Default()
}

type app struct {
	base, mcpURL, issuer string
	setting              string // how we get our client_id; see registerBy
	clientID, secret     string // where the setting is an id
	document             string // URL
	ways                 []way  // to get a client_id, in order
	portable             bool   // they lead to other authorization servers than issuer too
	consoleURL           string
	flows                string // URL of the folder, with the last slash
	local                bool   // the base URL is a loopback address
	store                store.Store
	http                 *http.Client // see outgoing
	assistant            assistant.Assistant
	now                  func() time.Time
	rand                 io.Reader
	log                  *slog.Logger
	pages                *web.Pages
	cookie               web.Cookie
	toolCache            toolCache
	keyCache             keyCache
	turns                *turns
	newSessions          *rate.Limiter
	registrations        *rate.Limiter
	nonces               nonces
	callTime             time.Duration // for one tool call with its connection, or one token request
	pause                func(context.Context, time.Duration) error
}

// New returns the handler of the chat app. The error says which setting is wrong.
func New(cfg Config) (http.Handler, error) {
	a, err := newApp(cfg)
	if err != nil {
		return nil, fmt.Errorf("chat app: %w", err)
	}
	return a.routes()
}

// routes is everything that the app answers.
func (a *app) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)                                     // the conversation
	mux.HandleFunc("POST /chat", a.chat)                                   // one message, as JSON or as a form
	mux.HandleFunc("POST /answer", a.answerQuestion)                       // to a question of the MCP server, as a form
	mux.HandleFunc("GET /connect", a.connect)                              // to the authorization server; ?for=exchange, ?switch=1
	mux.HandleFunc("GET /callback", a.callback)                            // back from it
	mux.HandleFunc("POST /logout", a.logout)                               // revoke and forget
	mux.HandleFunc("GET /logged-out", a.loggedOut)                         // what that did and did not do
	mux.HandleFunc("POST /new", a.startOver)                               // a new conversation, same connection
	mux.HandleFunc("GET /setup", a.setup)                                  // our client_id; ?unknown
	mux.HandleFunc("POST /setup", a.saveSetup)                             // the one that a person entered
	mux.HandleFunc("GET "+documentPath, a.describe)                        // who we are, for authorization servers
	for _, path := range []string{"/chat", "/answer", "/logout", "/new"} { // somebody reloads the address of a form
		mux.Handle("GET "+path, http.RedirectHandler("/", http.StatusSeeOther))
	}
	mux.HandleFunc("GET /", a.nothingHere)
	mux.Handle(a.pages.AssetsPattern(), a.pages.Assets())

	csrf := http.NewCrossOriginProtection()
	if err := csrf.AddTrustedOrigin(a.base); err != nil { // behind a proxy the Host header need not be ours
		return nil, err
	}
	csrf.SetDenyHandler(http.HandlerFunc(a.crossOrigin))
	return csrf.Handler(mux), nil
}

func newApp(cfg Config) (*app, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || strings.HasSuffix(cfg.BaseURL, "/") {
		return nil, fmt.Errorf("the base URL %q is not scheme and host", cfg.BaseURL)
	}
	if cfg.Store == nil {
		return nil, errors.New("no store")
	}
	if cfg.MCPURL == "" {
		cfg.MCPURL = cfg.BaseURL + "/mcp"
	}
	mcpURL, err := url.Parse(cfg.MCPURL)
	if err != nil || mcpURL.Host == "" || mcpURL.Fragment != "" {
		return nil, fmt.Errorf("the MCP server's URL %q is not a URL", cfg.MCPURL)
	}
	if cfg.Issuer == "" {
		cfg.Issuer = mcpURL.Scheme + "://" + mcpURL.Host
	}
	a := &app{
		base: cfg.BaseURL, mcpURL: cfg.MCPURL, issuer: cfg.Issuer, document: cfg.Document, consoleURL: cfg.Console, flows: cfg.Flows,
		local: config.IsLoopback(base.Hostname()),
		store: cfg.Store, http: outgoing(cfg), cookie: web.NewCookie("vetassist_app", cfg.BaseURL),
		assistant: cfg.Assistant, now: cfg.Now, rand: cfg.Rand, log: cfg.Log, callTime: 8 * time.Second, pause: pause,
		turns: newTurns(maxTurns, maxTurnsWait), newSessions: rate.NewLimiter(sessionsPerSecond, sessionsAtOnce),
		registrations: rate.NewLimiter(rate.Every(registrationEvery), registrationsAtOnce),
	}
	if err := a.registerBy(cfg.ClientID, cfg.Secret); err != nil {
		return nil, err
	}
	if a.assistant == nil {
		a.assistant = assistant.Offline()
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	a.pages, err = web.NewPages("", files)
	return a, err
}
