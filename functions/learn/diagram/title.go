package diagram

import (
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// Title is what a flow is called in a list: what a person asked, or else what a client did.
func Title(records []trace.Record) string {
	for _, r := range records {
		if r.To == trace.App && pathOf(r) == "/chat" {
			if said := said(r); said != "" {
				return clip(said, 80)
			}
		}
	}
	who := ""
	for _, lane := range Lanes(records) {
		if lane.Party == trace.Client && lane.Title != "MCP client" {
			who = lane.Title
		}
	}
	did := did(records)
	switch {
	case who == "":
		return did
	case did == "":
		return who
	}
	return who + ": " + strings.ToLower(did[:1]) + did[1:]
}

// did is the most telling thing that happened.
func did(records []trace.Record) string {
	has := func(what func(trace.Record) bool) bool { return slices.ContainsFunc(records, what) }
	path := func(path string) bool { return has(func(r trace.Record) bool { return pathOf(r) == path }) }
	grant := func(name string) bool {
		return has(func(r trace.Record) bool { return pathOf(r) == "/oauth/token" && formOf(r).Get("grant_type") == name })
	}
	switch {
	case path("/oauth/authorize"), path("/connect"), grant("authorization_code"):
		return "Connects"
	case path("/oauth/device_authorization"), path("/oauth/device"), grant("urn:ietf:params:oauth:grant-type:device_code"):
		return "Connects a device"
	case path("/answer"):
		return "Answers a question"
	case grant("urn:ietf:params:oauth:grant-type:token-exchange"):
		return "Token exchange"
	case grant("urn:ietf:params:oauth:grant-type:jwt-bearer"):
		return "Token for an assertion"
	case grant("client_credentials"):
		return "Token of its own"
	case path("/logout"), path("/oauth/logout"):
		return "Logout"
	case path("/oauth/revoke"):
		return "Revocation"
	case grant("refresh_token"):
		return "Refresh"
	case path("/oauth/register"):
		return "Registers"
	case path("/oauth/login"), has(func(r trace.Record) bool { return strings.HasPrefix(pathOf(r), "/oauth/passkey/") }):
		return "Login"
	}
	for _, r := range records {
		for _, c := range callsOf(r) {
			if c.Method == "tools/call" {
				return "Calls " + clip(c.Params.Name, 60)
			}
		}
	}
	switch {
	case path("/oauth/introspect"):
		return "Introspection"
	case has(func(r trace.Record) bool { return r.To == trace.MCP && pathOf(r) == "/mcp" }):
		return "Asks the MCP server"
	case has(func(r trace.Record) bool { return strings.HasPrefix(pathOf(r), "/.well-known/") }):
		return "Reads metadata"
	}
	if len(records) > 0 {
		if label := clip(requestLabel(records[0]), 80); label != "" {
			return label
		}
	}
	return "Nothing"
}
