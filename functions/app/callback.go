package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// callback is where the authorization server sends the person back to. Nothing of the answer is used before its state and
// its issuer are known to be right.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := web.Finish(r.Context()) // a code works once: what has begun is finished even if the browser leaves
	defer cancel()
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || repeated(q) || q.Get("state") == "" {
		a.badCallback(w, r, "This address is for answers of the authorization server, and this was not one.")
		return
	}
	b, _, err := a.open(r)
	if errors.Is(err, errNoSession) {
		a.badCallback(w, r, "This answer belongs to a conversation that this browser does not have, or no longer has.")
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	rec, err := a.takeAuthorization(ctx, b, q.Get("state"))
	if errors.Is(err, errNotOurs) {
		a.badCallback(w, r, "This answer was used already, came too late, or belongs to another browser.")
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	err = checkIssuer(rec.Server, q)
	traceState(ctx, rec, q, err)
	if err != nil {
		a.log.WarnContext(ctx, "authorization response refused", "err", err)
		a.giveUp(ctx, w, r, b, rec, toneProblem, "I stopped: the answer to your login did not come from the server that I sent you to. Nothing was connected.")
		return
	}
	if code := q.Get("error"); code != "" || q.Get("code") == "" {
		traceNoCode(ctx, code)
		tone, text := a.refusal(rec, code, q.Get("error_description"))
		a.log.InfoContext(ctx, "authorization not given", "error", clip(code, 60))
		a.giveUp(ctx, w, r, b, rec, tone, text)
		return
	}
	if b.session.Login != nil && !rec.Switch && len(without(b.session.Requested, rec.Scopes)) > 0 {
		a.askForBoth(ctx, w, r, b, rec)
		return
	}
	if err := a.redeem(ctx, w, b, rec, q.Get("code")); err != nil {
		a.log.WarnContext(ctx, "code not redeemed", "err", err)
		if refusalCode(err) == "invalid_client" {
			a.forgetRegistration(ctx, rec.Server)
		}
		a.giveUp(ctx, w, r, b, rec, toneProblem, a.noToken(err))
		return
	}
	http.Redirect(w, r, anchor(rec.Exchange), http.StatusSeeOther)
}

// repeated tells whether a parameter comes twice, which is never right (RFC 6749 §3.1).
func repeated(q url.Values) bool {
	for _, v := range q {
		if len(v) > 1 {
			return true
		}
	}
	return false
}

var errNotOurs = errors.New("no authorization request of this browser has this state")

// takeAuthorization returns the request that a state belongs to, once. The state of another browser is not used up.
func (a *app) takeAuthorization(ctx context.Context, b *browser, state string) (authorization, error) {
	key := authorizationPartition + web.Hash(state)
	rec, err := store.Read[authorization](ctx, a.store, key, authorizationSort)
	if errors.Is(err, store.ErrNotFound) {
		return authorization{}, errNotOurs
	}
	if err != nil {
		return authorization{}, err
	}
	if rec.Value.Family != web.Hash(b.family) { // login CSRF (RFC 6749 §10.12)
		return authorization{}, errNotOurs
	}
	err = a.store.Write(ctx, store.Delete(key, authorizationSort, store.IfVersion(rec.Version)))
	if errors.Is(err, store.ErrConflict) {
		return authorization{}, errNotOurs
	}
	return rec.Value, err
}

// checkIssuer is the table of "Authorization Response Validation": an iss must be there when it was promised, and be the recorded
// issuer, byte for byte, whenever it is there (RFC 9207 §2.4). It holds for error responses too.
func checkIssuer(s server, q url.Values) error {
	switch {
	case q.Has("iss") && q.Get("iss") != s.Issuer:
		return fmt.Errorf("iss is %q, not %q", clip(q.Get("iss"), 200), s.Issuer)
	case !q.Has("iss") && s.IssPromised:
		return errors.New("iss is missing")
	}
	return nil
}

// refusal words an error response (RFC 6749 §4.1.2.1). Its texts are from elsewhere and shown as a quotation.
func (a *app) refusal(rec authorization, code, description string) (tone, text string) {
	quote := ""
	if d := clip(description, maxDescription); d != "" {
		quote = " The authorization server says: “" + d + "”"
	}
	switch code {
	case "access_denied":
		// The person said no, or the server did, for want of anything to allow: only the quotation tells.
		return "", denial(rec) + ", so I left it there. Ask again when you want." + quote
	case "invalid_scope":
		return toneRefusal, "The authorization server does not give Vet Assist AI this permission." + quote
	case "invalid_target": // RFC 8707 §2
		return toneProblem, "The authorization server gives Vet Assist AI no token for " + hostOf(rec.Server.Resource) + ". Either that MCP server is not registered there yet, " +
			"or this application is not authorized for it. An administrator can change both." + quote
	case "unauthorized_client":
		return toneProblem, "The authorization server knows Vet Assist AI as an application that may not log people in. It must be registered as an MCP client application." + quote
	case "server_error", "temporarily_unavailable":
		return toneProblem, "The authorization server has a problem of its own. Please try again in a moment." + quote
	case "":
		return toneProblem, "The authorization server's answer held no code. Please try again."
	}
	return toneProblem, "The authorization server refused the request (" + clip(code, 60) + ")." + quote
}

// noToken says why the token endpoint gave none, as far as a person can do something about it (RFC 6749 §5.2).
func (a *app) noToken(err error) string {
	const sorry = "Connecting did not work: "
	if errors.Is(err, errIdentity) {
		return sorry + "what the authorization server says of you did not check out, so I use nothing of it. Please try again."
	}
	switch code := refusalCode(err); {
	case errors.Is(err, errNotBound):
		return sorry + "the authorization server gave me a token that would work for whoever finds it, although it says that it binds them. I did not keep it. Whoever runs that server can look at its settings for DPoP."
	case code == "invalid_client" && a.portable:
		return sorry + "the authorization server does not know Vet Assist AI any more. Please try again, and it will introduce itself anew."
	case code == "invalid_client":
		return sorry + "the authorization server wants a secret from Vet Assist AI, or does not know it any more. It must be registered as an MCP client application, which has none."
	case code == "unauthorized_client":
		return sorry + "the authorization server does not allow this application to log people in. It must be registered as an MCP client application."
	case code == "invalid_target":
		return sorry + "the authorization server gives this application no token for that MCP server. An administrator can authorize it."
	}
	return sorry + "the authorization server did not give me a token. Please try again."
}

func denial(rec authorization) string {
	return "Vet Assist AI was not allowed to " + scopeWords(rec.New)
}

// askForBoth is for an answer that another tab has overtaken: a token has the scopes of one request only, and those that the
// other tab was given meanwhile would be lost. The person has allowed both, so asking for both needs no click.
func (a *app) askForBoth(ctx context.Context, w http.ResponseWriter, r *http.Request, b *browser, rec authorization) {
	n := &need{Server: rec.Server, Scopes: union(b.session.Requested, rec.Scopes), New: rec.New}
	to, err := a.authorizeURL(ctx, b, n, rec.Exchange, false)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	web.SecurePage(w)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// redeem exchanges the code, moves the session to a new cookie, and lets what waited go on.
func (a *app) redeem(ctx context.Context, w http.ResponseWriter, b *browser, rec authorization, code string) error {
	family, err := newSealer(b.family, a.rand)
	if err != nil {
		return err
	}
	verifier, err := family.open("code verifier", rec.Verifier)
	if err != nil {
		return err
	}
	key, err := openKey(family, rec.Key)
	if err != nil {
		return err
	}
	t, err := a.requestToken(ctx, rec.Server, key, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"redirect_uri": {a.base + "/callback"}, "resource": {rec.Server.Resource},
	}, rec.Scopes)
	if err != nil {
		return err
	}
	who, err := a.whoIs(ctx, rec, t, verifier)
	var signedIn *browser
	var other bool
	if err == nil {
		signedIn, other, err = a.signIn(ctx, w, b, rec, t, who)
	}
	if err != nil {
		if t.Refresh != "" && rec.Server.Revoke != "" { // logged out meanwhile: nobody will hold these tokens
			err = errors.Join(err, a.revoke(ctx, rec.Server.Revoke, rec.Server.client(), t.Refresh))
		}
		return err
	}
	a.prove(ctx, rec.Server)
	a.revokeReplaced(ctx, signedIn)
	note := "Connected to VetAssist. "
	if other {
		note = "Connected to VetAssist. As far as I can tell you are not who was connected before, so this is a new conversation. "
	}
	if len(rec.New) < len(rec.Scopes) && !other {
		note = "" // a step-up
	}
	missing := without(rec.New, t.Scopes)
	if given := without(rec.New, missing); len(given) > 0 {
		note += "You allowed Vet Assist AI to " + scopeWords(given) + ". "
	}
	if len(missing) > 0 {
		note += "Not given: " + scopeWords(missing) + ". "
	}
	note = strings.TrimSpace(note)
	if err := a.resume(ctx, signedIn, rec.Exchange, note); err != nil {
		a.log.ErrorContext(ctx, "connected, but the question did not go on", "err", err) // the page shows it as interrupted
	}
	return nil
}

// badCallback answers what is not the answer to a question of this browser: an error page, and no trace anywhere.
func (a *app) badCallback(w http.ResponseWriter, r *http.Request, text string) {
	traceStray(r.Context(), text)
	a.log.InfoContext(r.Context(), "callback refused", "why", text)
	err := a.pages.RenderError(w, http.StatusBadRequest, web.ErrorPage{
		Title: "That did not fit", Message: text,
		Next: "Nothing was changed. If you still need the connection, go back to the chat and use its button again.",
		Link: "/", Label: "Back to the chat",
	})
	if err != nil {
		a.fail(w, r, err)
	}
}
