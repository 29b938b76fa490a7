package doctor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const (
	question = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`
	renamed  = "X-Amzn-Remapped-Www-Authenticate" // what API Gateway may make of WWW-Authenticate
)

// ask posts a message to the MCP server.
func (x *exam) ask(ctx context.Context, headers ...string) (answer, error) {
	return x.send(ctx, http.MethodPost, x.base+"/mcp", question, append([]string{"Content-Type", "application/json",
		"Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-11-25"}, headers...)...)
}

// mcp looks at how strangers are turned away: a client without a token learns from that where to get one.
func (x *exam) mcp(ctx context.Context) (goOn bool) {
	x.challenge(ctx)
	x.badTokens(ctx)
	x.admin(ctx)
	return true
}

func (x *exam) challenge(ctx context.Context) {
	l := x.look("unauthenticated", "POST "+x.base+"/mcp without a token")
	a, err := x.ask(ctx)
	if err != nil {
		l.failed(err)
		return
	}
	if a.status != http.StatusUnauthorized {
		mend := "See that the route POST /mcp exists in what stands in front, and leads to VetAssist."
		if a.status < 300 {
			mend = "Take the server off the net: see which server answers here, and who lets requests without a token pass."
		}
		l.wrong("It is answered with "+a.says()+", not with 401, so a client does not know that it has to log in.", "RFC 6750 §3, RFC 9728 §5.1", mend)
		return
	}
	l.ok("401.", "RFC 6750 §3")

	l = x.look("challenge", "WWW-Authenticate of that answer")
	metadata := x.base + prPath + "/mcp"
	var body struct {
		Metadata string `json:"resource_metadata"`
		Scope    string `json:"scope"`
	}
	_ = json.Unmarshal(a.body, &body) // what is not there is empty
	header := a.header.Get("WWW-Authenticate")
	const unname = "API Gateway does this to answers of Lambda functions, and has no switch for it. Put CloudFront in front, with a function at viewer response that copies the header " +
		"back, or an Application Load Balancer in its place."
	switch {
	case header == "" && a.header.Get(renamed) != "" && body.Metadata == metadata && body.Scope != "":
		l.warning("It comes as "+strings.ToLower(renamed)+". The body repeats what it says, and VetAssist's own app reads both; a foreign client finds the metadata by its well-known "+
			"address, but not the scope that a step-up needs.", "RFC 9110 §11.6.1, RFC 9728 §5.1", unname)
	case header == "" && a.header.Get(renamed) != "":
		l.wrong("It comes as "+strings.ToLower(renamed)+", and the body does not repeat what it says.", "RFC 9110 §11.6.1, RFC 9728 §5.1", unname)
	case header == "":
		l.wrong("There is none.", "RFC 9110 §11.6.1, RFC 9728 §5.1", "Something in front takes it away, or answers itself: let it pass the header on.")
	case !strings.HasPrefix(strings.ToLower(header), "bearer "):
		l.wrong("It is not for Bearer: "+clip(header)+".", "RFC 6750 §3", "Something in front asks for a login of its own. Take its authorizer off /mcp: VetAssist checks tokens itself.")
	case !strings.Contains(header, fmt.Sprintf("resource_metadata=%q", metadata)):
		l.wrong("It does not point to "+metadata+", but says: "+clip(header)+".", "RFC 9728 §5.1", "Set VETASSIST_BASE_URL to "+x.base+" for the MCP server, exactly so.")
	case !strings.Contains(header, "scope="):
		l.warning("It names no scope to ask for.", "RFC 6750 §3", "See which server answers here: VetAssist names one.")
	default:
		l.ok("It points to the metadata, and names a scope.", "RFC 9728 §5.1")
	}
}

// badTokens sends what must not pass: no token at all, and one that its bearer wrote without a signature.
func (x *exam) badTokens(ctx context.Context) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	now := x.now().Unix()
	unsigned := part(`{"alg":"none","typ":"at+jwt"}`) + "." + part(fmt.Sprintf(`{"iss":%q,"sub":"user-bob","aud":%q,"iat":%d,"exp":%d,"jti":"doctor","client_id":"vet-assist-ai","scope":"pet-profile:read","roles":["Vet Staff"]}`,
		x.base, x.base+"/mcp", now, now+300)) + "."
	for _, c := range []struct{ check, what, token string }{
		{"bad-token", "a token that is none", "not-a-token"},
		{"unsigned-token", "a token without a signature (alg none)", unsigned},
	} {
		l := x.look(c.check, "POST "+x.base+"/mcp with "+c.what)
		a, err := x.ask(ctx, "Authorization", "Bearer "+c.token)
		switch {
		case err != nil:
			l.failed(err)
		case a.status < 300:
			l.wrong("It is let in: "+a.says()+".", "RFC 9068 §4, RFC 8725 §3.1", "Take the server off the net. See which server answers here: VetAssist's verifier accepts ES256 signatures of its own keys only.")
		case a.status != http.StatusUnauthorized:
			l.wrong("It is answered with "+a.says()+", not with 401, so a client does not know that it needs another token.", "RFC 6750 §3.1",
				"If the status is 503, the MCP server cannot read the keys: see that it reaches "+x.base+keysPath+". If it is 403, something in front checks tokens in its own way.")
		case !strings.Contains(a.header.Get("WWW-Authenticate")+a.header.Get(renamed), `error="invalid_token"`):
			l.warning("It is refused, but the answer does not say invalid_token.", "RFC 6750 §3.1", "See what in front of the server writes this answer.")
		default:
			l.ok("Refused with 401.", "RFC 6750 §3.1")
		}
	}
}

func (x *exam) admin(ctx context.Context) {
	path := "/admin/api/v1/users"
	l := x.look("admin-api", "GET "+x.base+path+" without a token")
	a, err := x.get(ctx, path)
	switch {
	case err != nil:
		l.failed(err)
	case a.status < 300:
		l.wrong("It is let in: "+a.says()+".", "RFC 6750 §3", "Take the server off the net, and see which server answers here.")
	case a.status != http.StatusUnauthorized:
		l.wrong("It is answered with "+a.says()+", not with 401.", "RFC 6750 §3", "See that the routes below /admin/ exist in what stands in front.")
	default:
		l.ok("401.", "RFC 6750 §3")
	}
}
