package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// Identifier names this server in the directory, and in the audience of tokens beside its URL.
const Identifier = "mcp://vetassist"

// Verifier checks access tokens. The error wraps token.ErrInvalid, with a reason that may be shown, or it is a failure.
type Verifier interface {
	Verify(ctx context.Context, raw string) (token.Claims, error)
}

// Proofs checks that whoever sends a token that is bound to a key has that key (RFC 9449). An error is a *dpop.Error, or a failure.
type Proofs interface {
	Check(ctx context.Context, r *http.Request, target, access string) (dpop.Proof, error)
	Use(ctx context.Context, p dpop.Proof) error
	Nonce(ctx context.Context) (string, error)
}

// Roles tells which scopes a server's roles allow: what consent can ever give.
type Roles interface {
	RoleScopes(ctx context.Context, roles []string, server string) ([]string, error)
}

// Config is what the server needs.
type Config struct {
	BaseURL        string // scheme and host; this server is {BaseURL}/mcp
	Issuer         string // authorization server; empty: BaseURL
	AllowedOrigins []string
	Verifier       Verifier
	Proofs         Proofs
	Roles          Roles
	Clinic         *clinic.Clinic
	Knowledge      *knowledge.Library
	Secret         *secret.Key // signs what a question remembers, see question.go
	Rate           float64     // requests a second of one person, four seconds' worth at once; 0: 50
	Now            func() time.Time
	Log            *slog.Logger
}

// revisions of MCP that this server speaks, the newest first. The SDK knows an older one too, which had another transport.
var revisions = []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"}

const instructions = `VetAssist is the assistant of a veterinary clinic. Its tools read and change real records of the user's pets.
- Pets are named by name; ask which pet is meant only if the user has several and did not say.
- Dates are days at the clinic (YYYY-MM-DD), times are clinic local time (HH:MM). Work out "next Tuesday" before you call.
- Answer only with what the tools return. A pet that is not found may not exist or may belong to somebody else; do not guess which.
- Book, cancel or change something only when the user asked for it.
- For general health questions use search_pet_health; it is information, not a diagnosis. In an emergency send the user to a vet at once.`

// New returns the handler of the MCP server and of its metadata.
func New(c Config) (http.Handler, error) { return open(c, true) }

func open(c Config, short bool) (http.Handler, error) {
	if c.Roles == nil || c.Clinic == nil || c.Knowledge == nil || c.Secret == nil || c.Log == nil {
		return nil, errors.New("mcp: Config lacks something")
	}
	t := &tools{clinic: c.Clinic.Watched(traceOwner), lib: c.Knowledge, policy: policy{c.Roles}, secret: c.Secret, log: c.Log}
	return guarded(c, func() *sdk.Server { return newServer(t) }, short)
}

// Guarded puts an MCP server behind all that stands before ours: hosts and origins, tokens, limits, challenges, deadlines. New has it
// guard the clinic's; the official conformance suite, which knows tools of its own only, brings a server of its fixtures
// (scripts/conformance/server). Of c it needs neither Clinic, Knowledge nor Secret.
func Guarded(c Config, server *sdk.Server) (http.Handler, error) {
	return guarded(c, func() *sdk.Server { return server }, false)
}

// guarded makes the server for the first request that the guard lets through: the schemas of its tools take longer than all else, and the
// first request of a new process is often a stranger's, who is sent to the authorization server.
func guarded(c Config, newServer func() *sdk.Server, short bool) (http.Handler, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("mcp: base URL %q", c.BaseURL)
	}
	if c.Verifier == nil || c.Proofs == nil || c.Roles == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("mcp: Config lacks something")
	}
	if c.Issuer == "" {
		c.Issuer = c.BaseURL
	}
	if c.Rate == 0 {
		c.Rate = 50
	}
	made := sync.OnceValues(func() (*sdk.Server, *direct) {
		s := newServer()
		s.AddReceivingMiddleware(survive(c.Log))
		if !short {
			return s, nil
		}
		d, err := newDirect(context.Background(), s)
		if err != nil { // then all go the long way
			c.Log.Error("mcp: there is no short way", "err", err)
		}
		return s, d
	})
	rpc := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { s, _ := made(); return s }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true,
		MaxRequestBodyBytes:        maxBody,
		DisableLocalhostProtection: true, // origin.go knows our public name, which the SDK cannot
	})
	metadataURL := c.BaseURL + "/.well-known/oauth-protected-resource/mcp"
	guard := &guard{verifier: c.Verifier, proofs: c.Proofs, policy: policy{c.Roles}, issuer: c.Issuer, url: c.BaseURL + "/mcp", metadata: metadataURL, limit: newLimiter(c.Rate, c.Now), log: c.Log,
		direct: func() *direct { _, d := made(); return d }}
	mcp := newOrigins(base, c.AllowedOrigins).wrap(guard.bearer(guard.headers(guard.scopes(rpc))))
	metadata := web.Public("GET", metadataHandler(c.BaseURL, c.Issuer))

	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp)
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		mux.Handle(path, metadata)
	}
	return mux, nil
}

// Options are those of a server without sessions: what it promises, and what it lets be cached.
func Options() *sdk.ServerOptions {
	return &sdk.ServerOptions{
		// Said explicitly: inferred capabilities would promise listChanged, which nobody could receive.
		Capabilities: &sdk.ServerCapabilities{
			Tools: &sdk.ToolCapabilities{}, Resources: &sdk.ResourceCapabilities{}, Prompts: &sdk.PromptCapabilities{},
			Completions: &sdk.CompletionCapabilities{},
		},
		SupportedProtocolVersions: revisions,
		SetCacheable:              cacheable,
	}
}

// implementation is what this server says of itself.
var implementation = &sdk.Implementation{Name: "vetassist", Title: "VetAssist MCP Server", Version: "1.0.0"}

// newServer makes the one MCP server that every request shares.
func newServer(t *tools) *sdk.Server {
	options := Options()
	options.Instructions, options.CompletionHandler = instructions, t.complete
	s := sdk.NewServer(implementation, options)
	t.addPetReaders(s)
	t.addPetWriters(s)
	t.addAppointments(s)
	t.addReminders(s)
	t.addCare(s)
	t.addResources(s)
	t.addPrompts(s)
	s.AddReceivingMiddleware(t.listResources)
	return s
}

const cacheTime = 5 * time.Minute

// cacheable marks what is the same for every valid token as public (MCP, Caching); reads say it themselves.
func cacheable(_ context.Context, req sdk.Request, c *sdk.Cacheable) {
	if _, read := req.(*sdk.ReadResourceRequest); read {
		return
	}
	c.CacheScope, c.TTLMs = "public", int(cacheTime.Milliseconds())
}

// deadlineKey is where a request's deadline goes along: the SDK hands on a context's values, but not its end.
type deadlineKey struct{}

// answerTime is how much earlier a handler's time ends than the request's, whose end the SDK answers with nothing.
const answerTime = 100 * time.Millisecond

// survive turns a panic into an error: handlers run on goroutines of the SDK, where it would end the process. And it gives them the
// deadline of the request.
func survive(log *slog.Logger) sdk.Middleware {
	return func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, req sdk.Request) (res sdk.Result, err error) {
			if deadline, ok := ctx.Value(deadlineKey{}).(time.Time); ok {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, deadline)
				defer cancel()
			}
			defer func() {
				if p := recover(); p != nil {
					log.ErrorContext(ctx, "panic", "method", method, "panic", p, "stack", string(debug.Stack()))
					res, err = nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: web.Sorry(ctx, http.StatusInternalServerError)}
				}
			}()
			res, err = next(ctx, method, req)
			return res, readable(req, err)
		}
	}
}

// readable mends an error whose data is no JSON, since then nothing at all would be answered: go-sdk v1.8.0 quotes the URI of a resource
// that it does not find as Go does (a DEL character as \x7f).
func readable(req sdk.Request, err error) error {
	var wire *jsonrpc.Error
	if !errors.As(err, &wire) || len(wire.Data) == 0 || json.Valid(wire.Data) {
		return err
	}
	mended := *wire
	mended.Data = nil
	if read, ok := req.(*sdk.ReadResourceRequest); ok {
		mended.Data, _ = json.Marshal(map[string]string{"uri": read.Params.URI}) // of a text
	}
	return &mended
}
