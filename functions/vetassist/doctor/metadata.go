package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/config"
)

// metadata reads what tells a client where everything is. All of it must name this very address.
func (x *exam) metadata(ctx context.Context) (goOn bool) {
	x.authorizationServer(ctx)
	x.resource(ctx)
	x.forwarded(ctx)
	return true
}

// document reads a JSON object that anybody may read. Without one, the finding has been made.
func (x *exam) document(ctx context.Context, l look, path, rule string) (a answer, members map[string]json.RawMessage, ok bool) {
	a, err := x.get(ctx, path)
	if err != nil {
		l.failed(err)
		return a, nil, false
	}
	const elsewhere = "See that the route exists in what stands in front (template.yaml lists all), and that the request reaches VetAssist."
	switch err := json.Unmarshal(a.body, &members); {
	case a.status >= 300 && a.status < 400:
		l.wrong("It is not served but redirected: "+a.says()+". A client that follows would trust an address that it did not ask.", rule,
			"Serve it at this address itself. If VetAssist's right address is the other one, ask the doctor about that.")
	case a.status != http.StatusOK:
		l.wrong("It is not served: "+a.says()+".", rule, elsewhere)
	case !a.jsonType():
		l.wrong(fmt.Sprintf("It calls itself %q, not application/json.", clip(a.header.Get("Content-Type"))), rule, elsewhere)
	case err != nil:
		l.wrong("It is no JSON object.", rule, elsewhere)
	default:
		return a, members, true
	}
	return a, nil, false
}

func text(members map[string]json.RawMessage, name string) (s string) {
	_ = json.Unmarshal(members[name], &s) // what is no text counts as none
	return s
}

func texts(members map[string]json.RawMessage, name string) (list []string) {
	_ = json.Unmarshal(members[name], &list)
	return list
}

func (x *exam) authorizationServer(ctx context.Context) {
	l := x.look("authorization-server-metadata", x.base+asPath)
	a, m, ok := x.document(ctx, l, asPath, "RFC 8414 §3")
	if !ok {
		return
	}
	l.ok("It is served as JSON.", "RFC 8414 §3.2")

	x.issuer, x.jwks = text(m, "issuer"), text(m, "jwks_uri")
	l = x.look("issuer", "issuer in the metadata")
	if x.issuer == x.base {
		l.ok(x.issuer+", byte for byte the address that was asked.", "RFC 8414 §3.3")
	} else {
		reason, mend := differs(x.issuer, x.base)
		l.wrong(reason+" A client must not use such metadata.", "RFC 8414 §3.3", mend)
	}

	x.endpoints(m)

	l = x.look("pkce", "code_challenge_methods_supported")
	if slices.Contains(texts(m, "code_challenge_methods_supported"), "S256") {
		l.ok("S256 is there; an MCP client goes no further without it.", "RFC 7636 §4.2, MCP Authorization")
	} else {
		l.wrong("S256 is missing, so an MCP client must refuse to go on.", "RFC 7636 §4.2, MCP Authorization", "See which server answers here: VetAssist's metadata has it.")
	}
	l = x.look("iss", "authorization_response_iss_parameter_supported")
	if string(bytes.TrimSpace(m["authorization_response_iss_parameter_supported"])) == "true" {
		l.ok("The answer with the code says who gives it.", "RFC 9207 §3")
	} else {
		l.warning("It is not true: a client with several servers may mix them up.", "RFC 9207 §3, RFC 9700 §4.4", "See which server answers here: VetAssist's metadata has it.")
	}
	x.openID(ctx, a.body)
}

// openID: clients of OpenID Connect look elsewhere, and must find the same.
func (x *exam) openID(ctx context.Context, oauth []byte) {
	l := x.look("openid-configuration", x.base+oidcPath)
	a, _, ok := x.document(ctx, l, oidcPath, "OpenID Connect Discovery §4")
	switch {
	case !ok:
	case !bytes.Equal(a.body, oauth):
		l.wrong("It differs from "+asPath+", so it depends on the client what it finds.", "OpenID Connect Discovery §4.3, RFC 8414 §5",
			"See that both routes lead to the same function and the same version of it.")
	default:
		l.ok("It is the same document, for clients of OpenID Connect.", "OpenID Connect Discovery §4")
	}
}

const maxNamed = 10 // addresses in one finding

// endpoints checks that each address in the metadata is here, and encrypted.
func (x *exam) endpoints(m map[string]json.RawMessage) {
	var missing, elsewhere []string
	mend := ""
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
			continue
		}
		if how := x.ours(text(m, name)); how != "" {
			if len(elsewhere) == maxNamed {
				elsewhere = append(elsewhere, "and others")
				break
			}
			elsewhere = append(elsewhere, clip(name+" ("+text(m, name)+")"))
			mend = how
		}
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		if text(m, name) == "" {
			missing = append(missing, name)
		}
	}
	l := x.look("endpoints", "the addresses in the metadata")
	switch {
	case len(missing) > 0:
		l.wrong("There is no "+strings.Join(missing, " and no ")+".", "RFC 8414 §2", "See which server answers here: VetAssist's metadata has it.")
	case len(elsewhere) > 0:
		l.wrong("Not below "+x.base+": "+strings.Join(elsewhere, ", ")+".", "RFC 8414 §2", mend)
	default:
		l.ok("All are below the issuer.", "RFC 8414 §2")
	}
}

// ours says how to mend an address that is not below the base URL; "" for one that is.
func (x *exam) ours(address string) (mend string) {
	if strings.HasPrefix(address, x.base+"/") {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return "See which server answers here: VetAssist writes whole addresses."
	case u.Scheme != "https" && !config.IsLoopback(u.Hostname()):
		return "Set VETASSIST_BASE_URL to " + x.base + ": the server takes itself for a plain http one, since it does not see the TLS in front of it."
	}
	return "Set VETASSIST_BASE_URL to " + x.base + ", so that the server knows its own address; or ask the doctor about " + clip(u.Scheme+"://"+u.Host) + "."
}

// differs says how an identifier that must be the address that was asked differs from it: clients compare bytes (RFC 3986
// §6.2.1).
func differs(got, want string) (reason, mend string) {
	mend = "Set VETASSIST_BASE_URL to " + strings.TrimSuffix(want, "/mcp") + ", exactly so."
	u, err := url.Parse(got)
	w, werr := url.Parse(want)
	switch {
	case got == "":
		return "It is missing.", "See which server answers here: VetAssist's metadata has it."
	case err != nil || werr != nil || u.Host == "":
		return clip(got) + " is no address.", mend
	case strings.TrimRight(got, "/") == want:
		return "It is " + clip(got) + ", with a slash at the end that the address does not have.", mend
	case strings.EqualFold(got, want):
		return "It is " + clip(got) + ": the same but for capital letters.", mend
	case u.Scheme != w.Scheme && u.Host == w.Host:
		return "It is " + clip(got) + ": the server takes itself for one of plain http, since it does not see the TLS in front of it.", mend
	case u.Hostname() == w.Hostname() && u.Port() != w.Port():
		return "It is " + clip(got) + ", with another port.", mend
	case u.Host == w.Host:
		return "It is " + clip(got) + ", with another path: a stage's name may be in one of the two.", mend + " " + prefixMend
	}
	return "It is " + clip(got) + ", another server's name.", "If people should use this address: s" + mend[1:] + " If they should use the other one, ask the doctor about that."
}

// resource reads the MCP server's own metadata in both forms: the one that RFC 9728 makes of its URL, and the one at the root,
// which clients try when nobody told them an address.
func (x *exam) resource(ctx context.Context) {
	want := x.base + "/mcp"
	var bodies [][]byte
	for _, form := range []struct{ check, path string }{{"resource-metadata", prPath + "/mcp"}, {"resource-metadata-root", prPath}} {
		l := x.look(form.check, x.base+form.path)
		a, m, ok := x.document(ctx, l, form.path, "RFC 9728 §3.1")
		if !ok {
			continue
		}
		bodies = append(bodies, a.body)
		servers := texts(m, "authorization_servers")
		switch resource := text(m, "resource"); {
		case resource != want:
			reason, mend := differs(resource, want)
			l.wrong("Its resource is not the URL of the MCP server. "+reason+" A client must not use such metadata.", "RFC 9728 §3.3", mend)
		case !slices.Contains(servers, x.base):
			said := "none"
			if len(servers) > 0 {
				said = clip(strings.Join(servers, ", "))
			}
			l.wrong("Its authorization_servers do not name "+x.base+", but: "+said+".", "RFC 9728 §2", "Set VETASSIST_BASE_URL to "+x.base+" for the MCP server too, exactly so.")
		case len(texts(m, "scopes_supported")) == 0:
			l.warning("It names no scopes, so a client does not know what to ask for.", "RFC 9728 §2", "See which server answers here: VetAssist's metadata has all six.")
		default:
			l.ok("Its resource is "+resource+", and its authorization server is this one.", "RFC 9728 §3.3")
		}
	}
	if len(bodies) == 2 && !bytes.Equal(bodies[0], bodies[1]) {
		x.look("resource-metadata-forms", "both forms of the MCP server's metadata").wrong("They differ, so it depends on the client what it finds.", "RFC 9728 §3.1",
			"See that both routes lead to the same function and the same version of it.")
	}
}

// forwarded sends a name that is not the server's in a header that proxies set. What the server says of itself must not follow.
func (x *exam) forwarded(ctx context.Context) {
	const stranger = "stranger.invalid"
	l := x.look("forwarded", "the metadata, asked for with X-Forwarded-Host: "+stranger)
	for _, path := range []string{asPath, prPath + "/mcp"} {
		a, err := x.get(ctx, path, "X-Forwarded-Host", stranger, "X-Forwarded-Proto", "http", "Forwarded", "host="+stranger)
		if err != nil {
			l.failed(err)
			return
		}
		if strings.Contains(string(a.body), stranger) {
			l.wrong("The answer names the stranger: whoever can send a header decides where people log in, and a cache keeps it for all.", "RFC 9700 §4.11, RFC 7239 §8.1",
				"Set VETASSIST_BASE_URL, and see what in front of the server rewrites the answer.")
			return
		}
	}
	l.ok("The server does not believe it.", "RFC 7239 §8.1")
}
