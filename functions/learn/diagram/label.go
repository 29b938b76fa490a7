package diagram

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

const (
	maxLabel = 90 // characters
	maxQuote = 60 // of what somebody said
)

// grants are the grant types (RFC 6749 §1.3 and extensions) in words.
var grants = map[string]string{
	"authorization_code": "authorization code",
	"refresh_token":      "refresh token",
	"client_credentials": "client credentials",
	"urn:ietf:params:oauth:grant-type:device_code":    "device code",
	"urn:ietf:params:oauth:grant-type:jwt-bearer":     "JWT assertion",
	"urn:ietf:params:oauth:grant-type:token-exchange": "token exchange",
}

// identityScopes stand outside the permissions: they ask who somebody is.
var identityScopes = []string{"openid", "profile", "email", "offline_access"}

// requestLabel is what stands on the arrow of a request: method, path, and what tells it from others like it.
func requestLabel(r trace.Record) string {
	label := r.Request.Method + " " + clip(pathOf(r), maxQuote)
	if about := requestAbout(r); about != "" {
		label += " · " + about
	}
	return clip(label, maxLabel)
}

func requestAbout(r trace.Record) string {
	query, form := queryOf(r), formOf(r)
	switch path := pathOf(r); {
	case r.To == trace.MCP:
		switch calls := callsOf(r); len(calls) {
		case 0:
			return ""
		case 1:
			return clip(calls[0].String(), maxQuote)
		default:
			return "batch of " + strconv.Itoa(len(calls)) + ", first " + clip(calls[0].String(), maxQuote)
		}
	case path == "/oauth/authorize":
		return asks(query)
	case path == "/oauth/par", path == "/oauth/device_authorization":
		return asks(form)
	case path == "/oauth/token":
		grant := form.Get("grant_type")
		if words, ok := grants[grant]; ok {
			return words
		}
		return clip(grant, maxQuote)
	case path == "/oauth/login" && r.Request.Method == "POST": // which name is not kept: people type passwords there
		return "name and password"
	case path == "/oauth/consent", path == "/oauth/device":
		switch d := form.Get("decision"); d {
		case "approve":
			return "allow"
		default:
			return clip(d, maxQuote)
		}
	case path == "/oauth/revoke":
		switch form.Get("token_type_hint") {
		case "refresh_token":
			return "refresh token"
		case "access_token":
			return "access token"
		}
	case r.To == trace.App && path == "/chat":
		if said := said(r); said != "" {
			return "“" + clip(said, maxQuote) + "”"
		}
	case r.To == trace.App && path == "/callback":
		switch {
		case query.Get("error") != "":
			return clip(query.Get("error"), maxQuote)
		case query.Get("code") != "":
			return "with the code"
		}
	}
	return ""
}

// said is the message of a request to the chat, "" for one of nothing but white space.
func said(r trace.Record) string {
	if form := formOf(r); form != nil {
		return strings.TrimSpace(form.Get("message"))
	}
	return strings.TrimSpace(text(object(r.Request), "message"))
}

// asks tells which permissions a request asks for.
func asks(q url.Values) string {
	scopes := strings.Fields(q.Get("scope"))
	permissions := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(identityScopes, s) })
	switch {
	case len(permissions) > 2:
		return "asks for " + strconv.Itoa(len(permissions)) + " permissions"
	case len(permissions) > 0:
		return "asks for " + clip(strings.Join(permissions, " "), maxQuote)
	case len(scopes) > 0:
		return "asks who it is"
	}
	return ""
}

// responseLabel is what stands on the arrow of an answer: status, and what it means.
func responseLabel(r trace.Record) string {
	if r.Response.Status == 0 {
		return "no answer"
	}
	status := strconv.Itoa(r.Response.Status)
	if to := r.Response.Header("Location"); to != "" && r.Response.Status/100 == 3 {
		return clip(status+" → "+destination(to), maxLabel)
	}
	if about := responseAbout(r); about != "" {
		status += " · " + about
	}
	return clip(status, maxLabel)
}

// destination is where a redirect leads, in the words of a newcomer.
func destination(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return clip(location, maxQuote)
	}
	q := u.Query()
	switch {
	case q.Get("error") != "":
		return clip(u.Path, 30) + " with " + clip(q.Get("error"), 40)
	case q.Get("code") != "":
		return clip(cmpOr(u.Path, u.Scheme+":"), 30) + " with the code"
	case u.Path == "/oauth/login":
		return "login"
	case u.Path == "/oauth/consent":
		return "consent"
	case u.Path == "/oauth/authorize":
		return "authorize"
	case u.Path == "/" && u.Host == "":
		return "the chat"
	}
	return clip(u.Host+u.Path, maxQuote)
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func responseAbout(r trace.Record) string {
	m := r.Response
	members := object(m)
	params, challenged := challenge(m)
	path := pathOf(r)
	switch {
	case challenged:
		return challengeWords(params)
	case text(members, "error") != "":
		return errorWords(text(members, "error"))
	case r.To == trace.MCP && path == "/mcp":
		return replyWords(r)
	case strings.HasPrefix(m.Body, "Page: ") && m.Type == "text/html":
		title, _, _ := strings.Cut(strings.TrimPrefix(m.Body, "Page: "), " · ")
		return "page “" + clip(title, maxQuote) + "”"
	case m.Status/100 != 2:
		return ""
	case strings.HasPrefix(path, "/.well-known/"):
		return wellKnown(path, members)
	case r.To == trace.App && path == "/chat":
		switch {
		case text(members, "authorize_url") != "" && string(members["connected"]) == "true":
			return "please allow more"
		case text(members, "authorize_url") != "":
			return "please connect"
		default:
			return clip(text(members, "reply"), maxQuote)
		}
	case path == "/oauth-client.json":
		return "client metadata document"
	}
	switch path {
	case "/oauth/token":
		got := []string{}
		for _, t := range []struct{ member, words string }{{"access_token", "access token"}, {"refresh_token", "refresh token"}, {"id_token", "ID token"}} {
			if text(members, t.member) != "" {
				got = append(got, t.words)
			}
		}
		return strings.Join(got, ", ")
	case "/oauth/par":
		return "request_uri"
	case "/oauth/register":
		return "client_id"
	case "/oauth/device_authorization":
		return "user code"
	case "/oauth/revoke":
		return "revoked"
	case "/oauth/introspect":
		if string(members["active"]) == "true" {
			return "active"
		}
		return "not active"
	case "/oauth/userinfo":
		return "who it is"
	}
	return ""
}

func challengeWords(params map[string]string) string {
	switch code := params["error"]; code {
	case "":
		return "needs a token"
	case "insufficient_scope":
		return "insufficient_scope: " + clip(params["scope"], maxQuote)
	default:
		return errorWords(code)
	}
}

// waiting are the errors that only ask to come back.
var waiting = map[string]string{
	"use_dpop_nonce":        "wants a proof with this nonce",
	"authorization_pending": "not decided yet",
	"slow_down":             "not so often",
}

func errorWords(code string) string {
	if words, ok := waiting[code]; ok {
		return words
	}
	return clip(code, maxQuote)
}

// replyWords are those of a JSON-RPC answer.
func replyWords(r trace.Record) string {
	switch a := replyOf(r); {
	case a.Error != nil:
		return "error " + strconv.Itoa(a.Error.Code) + ": " + clip(a.Error.Message, maxQuote)
	case a.Result == nil:
		if r.Response.Cut && len(callsOf(r)) == 1 {
			return "result"
		}
		return ""
	case a.Result.ResultType == "input_required":
		return "asks the person"
	case len(a.Result.Tools) > 0:
		return strconv.Itoa(len(a.Result.Tools)) + " tools"
	case len(a.Result.Content) > 0:
		line, _, _ := strings.Cut(a.Result.Content[0].Text, "\n")
		if a.Result.IsError {
			return "refused: " + clip(line, maxQuote)
		}
		return clip(line, maxQuote)
	}
	return "result"
}

func wellKnown(path string, members map[string]json.RawMessage) string {
	switch {
	case strings.HasPrefix(path, "/.well-known/oauth-protected-resource"):
		return "resource metadata"
	case strings.HasPrefix(path, "/.well-known/oauth-authorization-server"):
		return "server metadata"
	case strings.HasPrefix(path, "/.well-known/openid-configuration"):
		return "OpenID metadata"
	}
	var keys []json.RawMessage
	if json.Unmarshal(members["keys"], &keys) == nil && len(keys) > 0 {
		if len(keys) == 1 {
			return "1 public key"
		}
		return strconv.Itoa(len(keys)) + " public keys"
	}
	return ""
}

// failed tells whether an exchange ended in a refusal or an error, as its reader would say it.
func failed(r trace.Record) bool {
	if r.Response.Status == 0 || r.Response.Status >= 400 {
		return true
	}
	if u, err := url.Parse(r.Response.Header("Location")); err == nil && u.Query().Get("error") != "" {
		return true
	}
	a := replyOf(r)
	return a.Error != nil || a.Result != nil && a.Result.IsError
}
