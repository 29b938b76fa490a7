package doctor

import (
	"context"
	"net/http"
	"strings"
)

// stranger is an origin that nobody can own (RFC 2606 §2), so nobody has allowed it either.
const stranger = "https://stranger.invalid"

const corsMend = "Switch CORS off in what stands in front (API Gateway's own CORS settings, a CloudFront response headers policy): VetAssist answers preflights itself, each path in its own way."

// cors looks at which pages of other origins may read what. Browser-based clients, the MCP Inspector among them, need it.
func (x *exam) cors(ctx context.Context) (goOn bool) {
	x.publicCORS(ctx)
	x.mcpOwn(ctx)
	x.mcpStranger(ctx)
	x.closedPages(ctx)
	return true
}

func (x *exam) preflight(ctx context.Context, path, origin, method string) (answer, error) {
	return x.send(ctx, http.MethodOptions, x.base+path, "", "Origin", origin, "Access-Control-Request-Method", method,
		"Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version")
}

// publicCORS: metadata, keys, tokens and revocation are for any page. They take no cookie, so none may be sent.
func (x *exam) publicCORS(ctx context.Context) {
	bad := 0
	for _, p := range []struct{ method, path string }{
		{"GET", asPath}, {"GET", oidcPath}, {"GET", prPath}, {"GET", prPath + "/mcp"}, {"GET", keysPath}, {"POST", "/oauth/token"}, {"POST", "/oauth/revoke"},
	} {
		l := x.look("cors", "preflight of "+p.method+" "+p.path+" from another origin")
		a, err := x.preflight(ctx, p.path, stranger, p.method)
		if err != nil {
			l.failed(err)
			return
		}
		problem := ""
		switch {
		case a.status >= 300:
			problem = "It is answered with " + a.says() + "; a browser wants 2xx."
		case a.header.Get("Access-Control-Allow-Origin") != "*":
			problem = "Pages of other origins may not read it: Access-Control-Allow-Origin is " + said(a, "Access-Control-Allow-Origin") + ", not *."
		case len(a.header.Values("Access-Control-Allow-Origin")) > 1:
			problem = "Access-Control-Allow-Origin comes twice, which browsers refuse."
		case a.header.Get("Access-Control-Allow-Credentials") != "":
			problem = "It allows cookies, which no other origin's page may send."
		case !listed(a, "Access-Control-Allow-Methods", p.method):
			problem = "Access-Control-Allow-Methods is " + said(a, "Access-Control-Allow-Methods") + "."
		case !listed(a, "Access-Control-Allow-Headers", "content-type"), !listed(a, "Access-Control-Allow-Headers", "mcp-protocol-version"):
			problem = "Access-Control-Allow-Headers is " + said(a, "Access-Control-Allow-Headers") + ", and lacks what MCP clients send."
		}
		if problem == "" && p.method == http.MethodGet {
			if a, err = x.get(ctx, p.path, "Origin", stranger); err != nil {
				l.failed(err)
				return
			}
			if values := a.header.Values("Access-Control-Allow-Origin"); len(values) != 1 || values[0] != "*" {
				problem = "The preflight is right, but the answer itself says " + said(a, "Access-Control-Allow-Origin") + "."
			}
		}
		if problem != "" {
			l.wrong(problem, "Fetch §3.3, RFC 9728 §3.1", corsMend)
			bad++
		}
	}
	if bad == 0 {
		x.look("cors", "metadata, keys, token and revocation from another origin").ok("Any page may read them, and none with cookies.", "Fetch §3.3")
	}
}

// mcpOwn: a page that may call the MCP server must be able to read why it was refused.
func (x *exam) mcpOwn(ctx context.Context) {
	l := x.look("cors-mcp", "preflight of POST /mcp from its own origin")
	origin := originOf(x.base)
	a, err := x.preflight(ctx, "/mcp", origin, http.MethodPost)
	if err != nil {
		l.failed(err)
		return
	}
	missing := ""
	for _, name := range []string{"Authorization", "Content-Type", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"} {
		if missing == "" && !listed(a, "Access-Control-Allow-Headers", name) {
			missing = name
		}
	}
	switch {
	case a.status == http.StatusForbidden:
		l.wrong("It is answered with "+a.says()+": the server does not know that this is its own origin.", "Fetch §3.3", "Set VETASSIST_BASE_URL to "+x.base+" for the MCP server, exactly so.")
		return
	case a.status >= 300:
		l.wrong("It is answered with "+a.says()+"; a browser wants 2xx.", "Fetch §3.3", corsMend)
	case a.header.Get("Access-Control-Allow-Origin") != origin:
		l.wrong("Access-Control-Allow-Origin is "+said(a, "Access-Control-Allow-Origin")+", not "+origin+".", "Fetch §3.3", corsMend)
	case missing != "":
		l.wrong("A page may not send "+missing+", which MCP needs: Access-Control-Allow-Headers is "+said(a, "Access-Control-Allow-Headers")+".", "MCP Streamable HTTP", corsMend)
	default:
		l.ok("It may call, with every header that MCP has.", "Fetch §3.3")
	}

	l = x.look("cors-exposed", "POST /mcp from its own origin, without a token")
	if a, err = x.ask(ctx, "Origin", origin); err != nil {
		l.failed(err)
		return
	}
	session := a.header.Get("Mcp-Session-Id") != ""
	switch {
	case a.header.Get("Access-Control-Allow-Origin") != origin:
		l.wrong("The answer itself says "+said(a, "Access-Control-Allow-Origin")+", so the page cannot read it.", "Fetch §3.3", corsMend)
	case !listed(a, "Access-Control-Expose-Headers", "WWW-Authenticate"):
		l.wrong("WWW-Authenticate is not exposed: a page sees that it was refused, but not where to log in.", "Fetch §3.3.4, RFC 9728 §5.1", corsMend)
	case session && !listed(a, "Access-Control-Expose-Headers", "Mcp-Session-Id"):
		l.wrong("There is a session, and Mcp-Session-Id is not exposed: a page loses it.", "MCP Streamable HTTP", corsMend)
	case !listed(a, "Access-Control-Expose-Headers", "Retry-After"), !listed(a, "Access-Control-Expose-Headers", "X-Request-Id"):
		l.warning("Retry-After or X-Request-Id is not exposed: a page cannot say when to try again, or which request it was.", "Fetch §3.3.4", corsMend)
	default:
		l.ok("A page may read WWW-Authenticate, Retry-After and X-Request-Id.", "Fetch §3.3.4")
	}
}

// mcpStranger: a page of any other origin may not call the MCP server at all.
func (x *exam) mcpStranger(ctx context.Context) {
	l := x.look("origin", "POST /mcp from another origin")
	a, err := x.ask(ctx, "Origin", stranger)
	switch {
	case err != nil:
		l.failed(err)
	case a.header.Get("Access-Control-Allow-Origin") != "":
		l.wrong("A page of a stranger may read the answer: Access-Control-Allow-Origin is "+said(a, "Access-Control-Allow-Origin")+".", "MCP Streamable HTTP, Security Warning", corsMend)
	case a.status != http.StatusForbidden:
		l.wrong("It is answered with "+a.says()+", not with 403: the Origin is not checked, or does not arrive.", "MCP Streamable HTTP, Security Warning",
			"Let what stands in front pass the header Origin on, and list origins that may call in VETASSIST_ALLOWED_ORIGINS.")
	default:
		l.ok("Refused with 403.", "MCP Streamable HTTP, Security Warning")
	}
}

// closedPages: no other origin's script may read a page that belongs to a person.
func (x *exam) closedPages(ctx context.Context) {
	l := x.look("cors-pages", "login, account, console and chat from another origin")
	for _, path := range []string{"/oauth/login", "/oauth/account", "/admin/", "/"} {
		a, err := x.get(ctx, path, "Origin", stranger)
		if err != nil {
			l.failed(err)
			return
		}
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			l.wrong(path+" may be read by pages of strangers: Access-Control-Allow-Origin is "+said(a, "Access-Control-Allow-Origin")+".", "RFC 9700 §2.6", corsMend)
			return
		}
	}
	l.ok("No script of a stranger may read them.", "RFC 9700 §2.6")
}

func originOf(base string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// said is a header's value, for a sentence.
func said(a answer, header string) string {
	if v := strings.Join(a.header.Values(header), ", "); v != "" {
		return clip(v)
	}
	return "missing"
}

// listed tells whether a header that is a list has the value, or * (without cookies that means all but Authorization).
func listed(a answer, header, value string) bool {
	for line := range strings.SplitSeq(strings.Join(a.header.Values(header), ","), ",") {
		line = strings.TrimSpace(line)
		if strings.EqualFold(line, value) || line == "*" && !strings.EqualFold(value, "Authorization") {
			return true
		}
	}
	return false
}
