package walkthrough

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
)

// The revisions of MCP that this server speaks. Their names are dates, so later ones compare as greater.
const (
	march2025    = "2025-03-26"
	june2025     = "2025-06-18"
	november2025 = "2025-11-25"
	july2026     = "2026-07-28"
)

// Revisions is one login as a client of each revision would do it that does what its text says, and no more. Where a text leaves it open,
// the client does the least. Each comes as a stranger, whom nobody registered.
func Revisions() Tale {
	return Tale{Name: "revisions", Title: "One login as a client of each revision of MCP", Variants: []string{march2025, june2025, november2025, july2026},
		prepare: func(s *scene) { s.app.Revision = s.variant }, Steps: []Step{
			{"ask", "The first request", "Until 2025-11-25 a client begins with initialize, and says only in there which revision it speaks. Since 2026-07-28 there is no such handshake: each request says it in headers and in _meta, and server/discover is there for those who want to know first. " +
				"Without a token, all of them get 401.", "MCP, Lifecycle and Versioning", firstRequest},
			{"find", "Where the authorization server is", "In 2025-03-26 the MCP server was its own authorization server: a client looks at the same origin and knows no other place. Since 2025-06-18 the MCP server names its authorization server in a document of its own (RFC 9728), " +
				"so the two may be anywhere. Since 2025-11-25 that document is also looked for where no challenge names it.", "MCP, Authorization Server Discovery", find},
			{"known", "What the client is called", "The first two revisions have clients register themselves. 2025-11-25 prefers a client ID metadata document, and 2026-07-28 calls registering oneself outdated; whoever does it must say what kind of application it is.",
				"MCP, Client Registration", knownIn},
			{"send", "The authorization request", "2025-03-26 does not say for which server a token is to be; since 2025-06-18 a client must (resource, RFC 8707). Until 2025-06-18 nothing tells a client which scopes to ask for: ours leaves the choice to the server, or asks for all in the metadata. " +
				"Since 2025-11-25 it asks for what the challenge named, which is the least.", "MCP, Resource Parameter Implementation, Scope Selection Strategy", requestIn},
			{"consent", "Bob logs in and is asked", "Here the scopes show: who asks for everything makes Bob decide about everything. What his role does not have is not offered, whoever asks.", "", consentIn},
			{"answer", "The answer comes back", "All revisions have PKCE, and this server sends iss to all of them. Only since 2026-07-28 must a client compare iss with the issuer that it read before, so that a code does not go to the wrong server (mix-up).",
				"RFC 9207 §2.4", answerIn},
			{"token", "The token", "Where no resource was named, the server had to work out which one is meant; it could, since the scopes are those of one server only. The audience is the same then, and a token for anybody is never given.",
				"RFC 8707 §2.2", tokenIn},
			{"begin", "The handshake", "Now initialize goes through, and a notification says that the client is ready. Since 2025-06-18 each request after it carries MCP-Protocol-Version. This server keeps no sessions, so there is no Mcp-Session-Id in any revision; since 2026-07-28 there is no such thing at all.",
				"MCP, Streamable HTTP", begin},
			{"call", "The tool call", "The same question and the same answer. 2025-03-26 knows text only, structured output came with 2025-06-18. Since 2026-07-28 headers repeat method and name, so that a gateway need not read the body, and each result says whether it is complete.",
				"MCP, Tools", callIn},
			{"more", "A call that takes more", "The older two asked for all in the beginning, so nothing is missing. Since 2025-11-25 a client asks Bob for more when it is told so (step-up). That text has it ask for what the challenge names, so it may lose what it had; 2026-07-28 has it ask for both.",
				"MCP, Step-Up Authorization Flow", more},
		}}
}

// firstRequest is what a client of the revision says before it has a token.
func firstRequest(ctx context.Context, s *scene) error {
	method, params := "initialize", map[string]any{"protocolVersion": s.variant, "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "vetassist-walkthrough", "version": "1.0"}}
	if s.variant >= july2026 {
		method, params = "server/discover", nil
	}
	s.app.Revision = s.spoken(method)
	a, err := s.app.Call(ctx, "", method, params)
	s.app.Revision = s.variant
	if err != nil {
		return err
	}
	if a.Status != http.StatusUnauthorized {
		return surprise("401 without a token", "%d %.200s", a.Status, a.Body)
	}
	s.found.First, s.found.Challenge = a, discovery.ReadChallenge(a.Header)
	s.fact("it says", "%s", method)
	metadata, scope := "not looked at", "not looked at"
	if s.variant >= june2025 {
		metadata = "resource_metadata"
	}
	if s.variant >= november2025 {
		scope = strings.Join(s.found.Challenge.Scopes, " ")
	}
	s.fact("read from the challenge", "%s", metadata)
	s.fact("scope in the challenge", "%s", scope)
	return nil
}

// spoken is what the header says with a message: 2025-03-26 has no such header, and initialize comes before it.
func (s *scene) spoken(method string) string {
	if s.variant == march2025 || method == "initialize" {
		return ""
	}
	return s.variant
}

func find(ctx context.Context, s *scene) (err error) {
	if err := s.lookBefore(ctx, "bob"); err != nil {
		return err
	}
	issuer, resource := s.base, ""
	if s.variant > march2025 {
		if s.found.Resource, err = s.app.ReadResource(ctx, s.found.Challenge.Metadata); err != nil {
			return err
		}
		if len(s.found.Resource.Issuers) == 0 {
			return surprise("an authorization server", "none in the document")
		}
		issuer, resource = s.found.Resource.Issuers[0], s.found.Resource.Resource
	}
	if s.app.Server, err = s.app.ReadServer(ctx, issuer); err != nil {
		return err
	}
	s.found.Server, s.app.Resource = s.app.Server, resource
	s.fact("how", "%s", map[bool]string{true: "the origin of the MCP server", false: "the MCP server names it"}[s.variant == march2025])
	s.fact("issuer", "%s", s.app.Server.Issuer)
	return nil
}

func knownIn(ctx context.Context, s *scene) error {
	if s.variant >= november2025 && s.app.Server.Documents {
		if err := s.describe(ctx); err != nil {
			return err
		}
		if s.ended == "" {
			s.fact("way", "metadata document")
			s.fact("client_id", "%s", s.app.ID)
			return nil
		}
		s.ended = ""
	}
	if s.app.Server.Registration == "" {
		s.end("this server knows no way for a stranger of this revision")
		return nil
	}
	if err := s.register(ctx, s.variant); err != nil || s.ended != "" {
		return err
	}
	s.fact("way", "it registers itself")
	s.fact("client_id", "%s", s.app.ID)
	return nil
}

func requestIn(ctx context.Context, s *scene) error {
	changes := url.Values{"prompt": {"consent"}}
	switch {
	case s.variant == march2025:
		changes["scope"] = []string{}
	case s.variant == june2025:
		changes.Set("scope", strings.Join(s.found.Resource.Scopes, " "))
	default:
		changes.Set("scope", strings.Join(s.found.Challenge.Scopes, " "))
	}
	s.request = s.app.Request(changes)
	b := s.browser("bob")
	b.StopAt(s.app.Redirect)
	p, err := b.Open(ctx, s.request.URL)
	if err != nil {
		return err
	}
	if !p.Has("password") {
		return surprise("a login page", "%d %s", p.Status, notice(p))
	}
	s.fact("scope", "%s", orNone(s.request.Query.Get("scope")))
	s.fact("resource", "%s", orNone(s.request.Query.Get("resource")))
	s.fact("code_challenge_method", "%s", s.request.Query.Get("code_challenge_method"))
	return nil
}

func consentIn(ctx context.Context, s *scene) error {
	p, err := s.consentPage(ctx)
	if err != nil || s.ended != "" {
		return err
	}
	offered := p.Offered("scope")
	if slices.Contains(offered, petWrite) {
		return surprise("a page without "+petWrite+", which Bob's role lacks", "%v", offered)
	}
	s.fact("it asks for", "%s", orNone(strings.Join(offered, " ")))
	s.fact("whose the app is", "%s", known(p.Text()))
	return nil
}

func answerIn(ctx context.Context, s *scene) error {
	if err := s.allow(ctx, "bob"); err != nil {
		return err
	}
	checked := "no"
	if s.variant >= july2026 {
		if iss := s.answer.Get("iss"); s.app.Server.SaysIssuer && iss == "" || iss != "" && iss != s.app.Server.Issuer {
			return surprise("iss "+s.app.Server.Issuer, "%q", iss)
		}
		checked = "yes, before the code goes anywhere"
	}
	s.fact("state", "compared")
	s.fact("iss", "%s", orNone(s.answer.Get("iss")))
	s.fact("iss must be compared", "%s", checked)
	return nil
}

func tokenIn(ctx context.Context, s *scene) error {
	if err := s.redeem(ctx, "bob"); err != nil {
		return err
	}
	c := s.tokens["bob"].Claims()
	if aud := list(c["aud"]); !strings.Contains(aud, s.base+"/mcp") {
		return surprise("the audience "+s.base+"/mcp", "%s", aud)
	}
	s.fact("resource in the request", "%s", orNone(s.app.Resource))
	s.fact("aud", "%s", list(c["aud"]))
	s.fact("scope", "%s", s.tokens["bob"].Scope)
	return nil
}

func begin(ctx context.Context, s *scene) error {
	method, params := "initialize", map[string]any{"protocolVersion": s.variant, "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "vetassist-walkthrough", "version": "1.0"}}
	if s.variant >= july2026 {
		method, params = "server/discover", nil
	}
	access, err := s.fresh(ctx, "bob")
	if err != nil {
		return err
	}
	s.app.Revision = s.spoken(method)
	a, err := s.app.Call(ctx, access, method, params)
	s.app.Revision = s.variant
	if err != nil {
		return err
	}
	var got struct {
		Result struct {
			Version   string   `json:"protocolVersion"`
			Supported []string `json:"supportedVersions"`
		} `json:"result"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != http.StatusOK {
		return surprise("an answer to "+method, "%d %.300s", a.Status, a.Body)
	}
	said := got.Result.Version
	if s.variant >= july2026 {
		said = strings.Join(got.Result.Supported, ", ")
	}
	if !strings.Contains(said, s.variant) {
		return surprise("a server that speaks "+s.variant, "%s", said)
	}
	s.fact("method", "%s", method)
	s.fact("the server speaks", "%s", said)
	if s.variant < july2026 {
		s.app.Revision = s.spoken("notifications/initialized")
		a, err := s.app.MCP(ctx, access, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		s.app.Revision = s.variant
		if err != nil {
			return err
		}
		if a.Status != http.StatusAccepted {
			return surprise("202 for notifications/initialized", "%d %.200s", a.Status, a.Body)
		}
		s.fact("then", "notifications/initialized")
	}
	return nil
}

func callIn(ctx context.Context, s *scene) error {
	s.app.Revision = s.spoken("tools/call")
	a, r, err := s.call(ctx, "bob", vaccination, fido, http.StatusOK)
	s.app.Revision = s.variant
	if err != nil {
		return err
	}
	if r.Result.IsError || len(r.Result.Structured) == 0 {
		return surprise("a result", "%s", r.Text())
	}
	var kind struct {
		Result struct {
			Type string `json:"resultType"`
		} `json:"result"`
	}
	_ = json.Unmarshal(a.Body, &kind)
	if (kind.Result.Type == "complete") != (s.variant >= july2026) {
		return surprise("resultType since "+july2026+" only", "%q", kind.Result.Type)
	}
	headers := "none"
	switch {
	case s.variant >= july2026:
		headers = "MCP-Protocol-Version, Mcp-Method, Mcp-Name"
	case s.variant > march2025:
		headers = "MCP-Protocol-Version"
	}
	s.fact("headers of MCP", "%s", headers)
	s.fact("resultType", "%s", orNone(kind.Result.Type))
	s.fact("Bob reads", "%s", firstSentence(r.Text()))
	return nil
}

// more calls what the token may not allow yet. The two older clients asked for everything in the beginning.
func more(ctx context.Context, s *scene) error {
	s.app.Revision = s.spoken("tools/call")
	defer func() { s.app.Revision = s.variant }()
	if s.variant <= june2025 {
		if _, _, err := s.call(ctx, "bob", booking, s.atThree(), http.StatusOK); err != nil {
			return err
		}
		s.fact("what happens", "it goes through: Bob had to decide about it in the beginning")
		return nil
	}
	a, _, err := s.call(ctx, "bob", booking, s.atThree(), http.StatusForbidden)
	if err != nil {
		return err
	}
	challenge := discovery.ReadChallenge(a.Header)
	if challenge.Code != "insufficient_scope" {
		return surprise("insufficient_scope", "%+v", challenge)
	}
	s.fact("what happens", "403 insufficient_scope, scope=%q", strings.Join(challenge.Scopes, " "))
	// 2025-11-25 has the client ask for what the challenge names, and advises servers to repeat there what it had; 2026-07-28 has the client
	// ask for both, and servers repeat nothing, as ours.
	wish := strings.Join(challenge.Scopes, " ")
	if s.variant >= july2026 {
		wish = s.tokens["bob"].Scope + " " + wish
	}
	if err := s.connect(ctx, "bob", url.Values{"scope": {wish}, "prompt": {"consent"}}); err != nil {
		return err
	}
	if _, _, err := s.call(ctx, "bob", booking, s.atThree(), http.StatusOK); err != nil {
		return err
	}
	s.fact("the client asks for", "%s", wish)
	s.fact("the same call then", "goes through")
	reads := http.StatusOK
	if s.variant < july2026 {
		reads = http.StatusForbidden
	}
	if _, _, err := s.call(ctx, "bob", vaccination, fido, reads); err != nil {
		return err
	}
	s.fact("the call before it", "%s", map[bool]string{true: "goes through still", false: "would take another step-up: the new token lacks " + petRead}[reads == http.StatusOK])
	return nil
}
