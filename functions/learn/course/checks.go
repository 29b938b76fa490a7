package course

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/trace"
)

// Lessons is the course.
var Lessons = []Lesson{
	{"ask", "What happens when Bob asks", "The whole way once: a question, a refusal, a login, a token, an answer.", []Check{
		{ID: "turned-away", Title: "The MCP server turned the app away", How: "The app called the MCP server without a token and got 401.",
			Hint: "Ask the chat about Fido.", find: record(func(_ *Seen, r trace.Record) bool { return from(r, trace.App) && turnedAway(r) })},
		{ID: "connected", Title: "Bob has connected the app", How: "The app exchanged a code for an access token that is about you.",
			Hint: "Choose “Log in and connect” on the card, log in, and choose Allow.", find: record(connected)},
		{ID: "answered", Title: "The question was answered", How: "A tool of the MCP server did its work for the app, with a token.",
			Hint: "After you have allowed it, the question goes on by itself. If it did not, ask again.",
			find: record(func(_ *Seen, r trace.Record) bool { return from(r, trace.App) && worked(r) })},
	}},
	{"discovery", "401, and the way from there", "How an app that knows nothing but an address finds out where to log in.", []Check{
		{ID: "challenge", Title: "The 401 says where to read on", How: "A 401 of the MCP server named its metadata and the first scope in WWW-Authenticate.",
			Hint: "Log out of the chat, and ask again.", find: record(func(_ *Seen, r trace.Record) bool {
				return turnedAway(r) && param(challenges(r), "resource_metadata") != "" && param(challenges(r), "scope") != ""
			})},
		{ID: "resource-metadata", Title: "The app read who issues tokens for this server", How: "In the flow of a 401 the app then read the protected resource metadata.",
			Hint: "Log out of the chat, and ask again.", find: afterRefusal("/.well-known/oauth-protected-resource")},
		{ID: "server-metadata", Title: "The app read what the authorization server offers", How: "In the flow of a 401 the app then read the authorization server's metadata.",
			Hint: "Log out of the chat, and ask again.", find: afterRefusal("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")},
	}},
	{"request", "The request, and what protects it", "PKCE, resource, state and the redirect URI; and what happens with a wrong one.", []Check{
		{ID: "pkce", Title: "A code was worth nothing without its secret", How: "A request came with a code_challenge (S256), and the code of that flow was exchanged with its code_verifier.",
			Hint: "Connect the chat once more: log out of it, and ask again.", find: record(pkce)},
		{ID: "resource", Title: "The request says which server the token is for", How: "The request and the exchange of its code both named the MCP server as resource.",
			Hint: "Connect the chat once more.", find: record(namedResource)},
		{ID: "state", Title: "The answer came back to its own question", How: "The app's callback got a code with the state that the request of the same flow had, and with the issuer's name.",
			Hint: "Connect the chat once more.", find: record(cameBack)},
		{ID: "redirect-broken", Title: "Broken: a wrong redirect URI gets no answer", How: "The authorization server answered a request of a client that it knows with an error page, and sent nobody anywhere.",
			Hint: "Change the redirect URL of Vet Assist AI in the console, then log out of the chat and try to connect.", find: record(nowhere)},
		{ID: "redirect-mended", Title: "Mended: the app gets its code again", How: "After that the app's callback got a code, and a token for it.",
			Hint: "Put the redirect URL back, and connect.", After: "redirect-broken", find: record(connected)},
	}},
	{"login", "The login, and what the role allows", "Four sets, and what is in all of them.", []Check{
		{ID: "logged-in", Title: "You have logged in", How: "The login page of the authorization server took your password or passkey.",
			Hint: "Log out of the authorization server under My account, and connect the chat once more.", find: record(loggedIn)},
		{ID: "role-broken", Title: "Broken: the role has lost a permission", How: "A tool said that your role does not have appointment:write.",
			Hint: "Untick appointment:write in the role Pet Owner, and ask the chat to book something.",
			find: record(func(_ *Seen, r trace.Record) bool { return lacks(r, "appointment:write") })},
		{ID: "role-mended", Title: "Mended: what the role allows can be had again", How: "After that you got an access token with appointment:write.",
			Hint: "Tick appointment:write again, ask the chat to book something, and allow it.", After: "role-broken",
			find: record(func(s *Seen, r trace.Record) bool { c, ok := s.mine(r); return ok && c.has("appointment:write") })},
	}},
	{"consent", "Consent, and taking it back", "The last word is the person's, and it can change.", []Check{
		{ID: "consented", Title: "You have allowed something", How: "You chose Allow on the consent page, and the app was sent a code.",
			Hint: "Connect the chat, and choose Allow.", find: record(func(_ *Seen, r trace.Record) bool { return decided(r, "approve") && answered(r).Get("code") != "" })},
		{ID: "consent-withdrawn", Title: "Broken: you have taken it back", How: "The audit log says that you removed the access of an app.",
			Hint: "Open My account, and choose Remove access.", find: withdrawn},
		{ID: "consent-refused", Title: "The app could not renew its token", How: "After that the authorization server refused a refresh token of the app with invalid_grant.",
			Hint: "Let ten minutes pass, by the clock on this page if it has one, and ask the chat something.", After: "consent-withdrawn", find: record(refusedRefresh)},
		{ID: "consent-mended", Title: "Mended: you have allowed it again", How: "After that you chose Allow once more, and the app was sent a code.",
			Hint: "Connect again with the card in the chat, and choose Allow.", After: "consent-refused",
			find: record(func(_ *Seen, r trace.Record) bool { return decided(r, "approve") && answered(r).Get("code") != "" })},
	}},
	{"token", "The token, and whom it is for", "What stands in an access token, and why it opens one server only.", []Check{
		{ID: "audience", Title: "The token's audience is the MCP server", How: "An access token that you got names the MCP server's URL in aud.",
			Hint: "Connect the chat.", find: record(audienceIsMCP)},
		{ID: "short-lived", Title: "It ends after ten minutes", How: "From iat to exp an access token that you got has 600 seconds at most.",
			Hint: "Connect the chat.", find: record(func(s *Seen, r trace.Record) bool {
				c, ok := s.mine(r)
				return ok && 0 < c.life() && c.life() <= 600
			})},
		{ID: "server-broken", Title: "Broken: the server has another address", How: "A request of yours was answered with invalid_target: nobody is registered under the address that it named as resource.",
			Hint: "Change the URL of the VetAssist MCP Server in the console, then log out of the chat and try to connect.",
			find: record(func(_ *Seen, r trace.Record) bool { return answered(r).Get("error") == "invalid_target" })},
		{ID: "server-mended", Title: "Mended: tokens for the server can be had again", How: "The server is registered under its own address, and after the refusal you got a token with that audience.",
			Hint: "Put the URL back, and connect.", After: "server-broken", find: func(s *Seen, after time.Time) (Pass, bool) {
				if s.Server.URL != s.Base+"/mcp" {
					return Pass{}, false
				}
				return record(audienceIsMCP)(s, after)
			}},
	}},
	{"call", "The tool call: three checks", "The token, the scope, and the owner of the pet.", []Check{
		{ID: "token-check", Title: "The token was good", How: "A tool of the MCP server did its work, with a token about you.",
			Hint: "Ask the chat which pets you have.", find: record(func(s *Seen, r trace.Record) bool { return s.holds(r) && worked(r) })},
		{ID: "scope-check", Title: "The scope was missing", How: "A call with a good token was answered with 403 and insufficient_scope.",
			Hint: "Ask the chat for something that you have not allowed yet, such as a reminder.", find: record(func(s *Seen, r trace.Record) bool { return s.holds(r) && missing(r) != "" })},
		{ID: "owner-check", Title: "The pet was somebody else's, or nobody's", How: "A tool answered a call with your token that there is no such pet for you.",
			Hint: "Ask the chat about Luna, who is Alice's cat.", find: record(func(s *Seen, r trace.Record) bool {
				c, there := call(r)
				return there && s.holds(r) && c.isError && c.code == "not_found" && slices.Contains(petTools, c.name)
			})},
	}},
	{"step-up", "Step-up, and a plain no", "When one more permission helps, and when none can.", []Check{
		{ID: "step-up", Title: "One more permission, and the call went through", How: "A 403 named a scope, and later in the same flow you got a token that has it.",
			Hint: "Ask the chat to book an appointment for Fido, and allow it.", find: record(steppedUp)},
		{ID: "role-refused", Title: "A plain no", How: "A tool said that your role does not have pet-profile:write, so no consent was asked for.",
			Hint: "As Bob, ask the chat to change Fido's weight.", find: record(func(_ *Seen, r trace.Record) bool { return lacks(r, "pet-profile:write") })},
		{ID: "denied", Title: "Broken: you have said no", How: "The app's callback got access_denied.",
			Hint: "Ask for something new, such as a reminder, and choose Deny.", find: record(func(_ *Seen, r trace.Record) bool {
				return to(r, trace.App, http.MethodGet, "/callback") && query(r).Get("error") == "access_denied"
			})},
		{ID: "allowed-after-all", Title: "Mended: you have allowed it after all", How: "After that you chose Allow, and the app was sent a code.",
			Hint: "Ask for the same again, and choose Allow.", After: "denied",
			find: record(func(_ *Seen, r trace.Record) bool { return decided(r, "approve") && answered(r).Get("code") != "" })},
	}},
	{"time", "Expiry, refresh, revocation, keys", "What ends by itself, what is ended, and what goes on.", []Check{
		{ID: "renewed", Title: "A token had ended, and the app got the next one", How: "After the end of an access token of yours, the app got a new one with its refresh token.",
			Hint: "Let ten minutes pass, and ask the chat something.", find: record(renewed)},
		{ID: "rotated", Title: "A refresh token was rotated", How: "The answer to a refresh token held the next refresh token.",
			Hint: "Let ten minutes pass, and ask the chat something.", find: record(func(s *Seen, r trace.Record) bool {
				_, ok := s.mine(r)
				return ok && form(r).Get("grant_type") == "refresh_token" && strings.Contains(r.Response.Body, `"refresh_token"`)
			})},
		{ID: "life-broken", Title: "Broken: a token lasts for a minute only", How: "From iat to exp an access token that you got has less than 600 seconds.",
			Hint: "Start VetAssist with -token-life 1m, and connect the chat.", find: record(func(s *Seen, r trace.Record) bool {
				c, ok := s.mine(r)
				return ok && 0 < c.life() && c.life() < 600
			})},
		{ID: "life-mended", Title: "Mended: tokens last for ten minutes again", How: "After that you got an access token that has 600 seconds.",
			Hint: "Start VetAssist without -token-life, and ask the chat something after a minute.", After: "life-broken", find: record(func(s *Seen, r trace.Record) bool {
				c, ok := s.mine(r)
				return ok && c.life() == 600
			})},
		{ID: "key-broken", Title: "Broken: a token that was not too old was refused", How: "The MCP server refused a token of yours with invalid_token before its end: the key that signed it is published no more.",
			Hint: "Let the chat get a fresh token, rotate the key, wait six minutes, retire the old key, and ask at once.", find: record(keyGone)},
		{ID: "key-mended", Title: "Mended: the new key signs", How: "After that a tool worked with a token that another key signed, one that is published now.",
			Hint: "Ask the chat once more.", After: "key-broken", find: record(func(s *Seen, r trace.Record) bool {
				c, with := bearer(r)
				return with && worked(r) && slices.Contains(s.Keys, c.kid)
			})},
		{ID: "revoked", Title: "You have logged out of the app", How: "When you logged out, the app gave its refresh token back at the revocation endpoint.",
			Hint: "Log out of the chat.", find: record(revoked)},
	}},
	{"clients", "Other clients, and how they get a name", "VS Code, Claude and the Inspector, as seen from our side.", []Check{
		{ID: "foreign", Title: "Another client got a token", How: "A client other than the chat got an access token for the MCP server that is about you.",
			Hint: "Connect a host of your own, or let the walkthrough play one.", find: record(func(s *Seen, r trace.Record) bool {
				c, ok := s.mine(r)
				return ok && r.From == trace.Client && slices.Contains(c.Audience, s.Base+"/mcp")
			})},
		{ID: "foreign-call", Title: "And called a tool with it", How: "A client other than the chat called a tool with a token about you, and it worked.",
			Hint: "Ask your host which pets you have.", find: record(func(s *Seen, r trace.Record) bool { return r.From == trace.Client && s.holds(r) && worked(r) })},
	}},
	{"attacks", "The attack lab", "Many ways to break in, and what stops each of them.", []Check{
		{ID: "code-replay", Title: "A code came twice, and that ended it", How: "The audit log says that a code of yours was used a second time, so what it gave was revoked.",
			Hint: "Run the attack code-replay as you.", find: event(audit.CodeReuse)},
		{ID: "refresh-theft", Title: "A stolen refresh token ended its whole family", How: "The audit log says that a refresh token of yours came again after it was replaced.",
			Hint: "Run the attack refresh-theft as you.", find: event(audit.RefreshReuse)},
	}},
}

// petTools are the tools that are asked about one pet.
var petTools = []string{"get_pet", "get_pet_vaccination_info", "update_pet", "record_vaccination", "book_vet_appointment", "find_appointment_slots", "list_appointments", "set_reminder", "list_reminders"}

func from(r trace.Record, p trace.Party) bool { return r.From == p }

// turnedAway is a 401 to who had no token at all.
func turnedAway(r trace.Record) bool {
	_, with := bearer(r)
	return to(r, trace.MCP, http.MethodPost, "/mcp") && r.Response.Status == http.StatusUnauthorized && !with && r.Request.Header("Authorization") == ""
}

func connected(s *Seen, r trace.Record) bool {
	_, got := s.mine(r)
	return got && r.From == trace.App && form(r).Get("grant_type") == "authorization_code"
}

// afterRefusal finds the reading of metadata in the flow of a 401.
func afterRefusal(paths ...string) func(*Seen, time.Time) (Pass, bool) {
	return record(func(s *Seen, r trace.Record) bool {
		return r.Request.Method == http.MethodGet && ok(r) && r.From != trace.Browser && slices.ContainsFunc(paths, func(p string) bool { return path(r) == p || strings.HasPrefix(path(r), p+"/") }) &&
			s.earlier(r, turnedAway)
	})
}

func pkce(s *Seen, r trace.Record) bool {
	_, got := s.mine(r)
	return got && form(r).Get("code_verifier") != "" && s.earlier(r, func(o trace.Record) bool {
		q, is := request(o)
		return is && q.Get("code_challenge_method") == "S256" && q.Get("code_challenge") != "" && q.Get("client_id") == form(r).Get("client_id")
	})
}

func namedResource(s *Seen, r trace.Record) bool {
	mcp := s.Base + "/mcp"
	_, got := s.mine(r)
	return got && form(r).Get("grant_type") == "authorization_code" && form(r).Get("resource") == mcp && s.earlier(r, func(o trace.Record) bool {
		q, is := request(o)
		return is && q.Get("resource") == mcp
	})
}

// cameBack compares the beginnings of states, which is all that is kept of them.
func cameBack(s *Seen, r trace.Record) bool {
	q := query(r)
	return to(r, trace.App, http.MethodGet, "/callback") && q.Get("code") != "" && q.Get("iss") == s.Base && q.Get("state") != "" &&
		s.earlier(r, func(o trace.Record) bool { asked, is := request(o); return is && asked.Get("state") == q.Get("state") })
}

// nowhere is an error page for a client that is known: what is wrong then is where it wants to be answered (RFC 6749 §4.1.2.1).
func nowhere(_ *Seen, r trace.Record) bool {
	q, is := request(r)
	return is && r.Response.Status == http.StatusBadRequest && r.Response.Header("Location") == "" && q.Get("client_id") == chat && q.Get("redirect_uri") != ""
}

func loggedIn(_ *Seen, r trace.Record) bool {
	if !to(r, trace.OAuth, http.MethodPost, "/oauth/login") {
		return strings.HasPrefix(path(r), "/oauth/passkey/login/finish") && ok(r)
	}
	return r.Response.Status == http.StatusSeeOther
}

func decided(r trace.Record, what string) bool {
	return to(r, trace.OAuth, http.MethodPost, "/oauth/consent") && form(r).Get("decision") == what
}

func withdrawn(s *Seen, _ time.Time) (Pass, bool) {
	for _, e := range s.Events {
		if e.Name == audit.Withdrawal && e.Outcome == audit.OK {
			return Pass{At: e.Time}, true
		}
	}
	return Pass{}, false
}

// event is a check of the audit log: that this happened to the person.
func event(name audit.Name) func(*Seen, time.Time) (Pass, bool) {
	return func(s *Seen, after time.Time) (Pass, bool) {
		for _, e := range s.Events {
			if e.Name == name && e.Time.After(after) {
				return Pass{At: e.Time}, true
			}
		}
		return Pass{}, false
	}
}

func refusedRefresh(_ *Seen, r trace.Record) bool {
	return to(r, trace.OAuth, http.MethodPost, "/oauth/token") && form(r).Get("grant_type") == "refresh_token" &&
		r.Response.Status == http.StatusBadRequest && strings.Contains(r.Response.Body, `"invalid_grant"`)
}

func audienceIsMCP(s *Seen, r trace.Record) bool {
	c, got := s.mine(r)
	return got && slices.Contains(c.Audience, s.Base+"/mcp")
}

// holds tells whether a request to the MCP server came with a token about this person.
func (s *Seen) holds(r trace.Record) bool {
	c, with := bearer(r)
	return with && (s.User == "" || c.Subject == s.User)
}

func steppedUp(s *Seen, r trace.Record) bool {
	c, got := s.mine(r)
	return got && form(r).Get("grant_type") == "authorization_code" && s.earlier(r, func(o trace.Record) bool {
		scopes := strings.Fields(missing(o))
		return len(scopes) > 0 && !slices.ContainsFunc(scopes, func(scope string) bool { return !c.has(scope) })
	})
}

// renewed wants a token before that had ended, of the same client.
func renewed(s *Seen, r trace.Record) bool {
	c, got := s.mine(r)
	return got && form(r).Get("grant_type") == "refresh_token" && slices.ContainsFunc(s.Records, func(o trace.Record) bool {
		before, got := s.mine(o)
		return got && before.Client == c.Client && o.Begin.Before(r.Begin) && before.Expires <= r.Begin.Time.Unix()
	})
}

func keyGone(s *Seen, r trace.Record) bool {
	c, with := bearer(r)
	return with && s.holds(r) && r.Response.Status == http.StatusUnauthorized && param(challenges(r), "error") == "invalid_token" &&
		r.Begin.Time.Unix() < c.Expires && len(s.Keys) > 0 && !slices.Contains(s.Keys, c.kid)
}

// revoked is in the flow of a logout: a step-up gives back what it replaces, too.
func revoked(s *Seen, r trace.Record) bool {
	return to(r, trace.OAuth, http.MethodPost, "/oauth/revoke") && ok(r) && r.From == trace.App &&
		s.earlier(r, func(o trace.Record) bool { return to(o, trace.App, http.MethodPost, "/logout") })
}
