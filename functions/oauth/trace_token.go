package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// What is decided where clients come for tokens, and for what becomes of them: see trace.go.

// traceClient tells how a client proved who it is (RFC 6749 §2.3).
func traceClient(r *http.Request, params url.Values, client directory.Client, err error) {
	ctx := r.Context()
	if err != nil {
		traceRefusal(ctx, err)
		return
	}
	if !trace.On(ctx) {
		return
	}
	trace.ClientID(ctx, client.ClientID())
	how := "It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it."
	switch {
	case isWorkload(r, params):
		how = "The platform on which it runs vouches for it."
	case params.Has("client_assertion"):
		how = "It has proved that with a JWT that it signed."
	case client.HasSecret():
		how = "It has proved that with its secret."
	}
	trace.Decide(ctx, trace.Decision{Kind: trace.ClientCheck, Outcome: trace.Allowed, Text: "The client is " + client.Name + ". " + how,
		Compared: []trace.Compared{{What: "client_id", Wanted: "a client that is known", Got: client.ClientID(), OK: true}}})
}

// traceRegistered tells who has registered itself (RFC 7591 §3).
func traceRegistered(ctx context.Context, c directory.Client) {
	if trace.On(ctx) {
		trace.ClientID(ctx, c.ClientID())
		trace.Decide(ctx, trace.Decision{Kind: trace.ClientCheck, Outcome: trace.Allowed, Text: "The client is known from now on, by a name that it chose itself: nobody here vouches for it."})
	}
}

// traceProof tells of a proof of possession (RFC 9449). One that lacks a nonce, as every first one does, is asked for again.
func traceProof(ctx context.Context, proof dpop.Proof, err error) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.ProofCheck, Outcome: trace.Allowed, Text: "The sender has proved to have a key, to which the tokens will be bound.",
		Compared: []trace.Compared{{What: "key (jkt)", Wanted: "that which signed the proof", Got: proof.Key, OK: true}}}
	var refusal *tokenError
	if err != nil {
		if !errors.As(err, &refusal) {
			return
		}
		d.Outcome, d.Text, d.Compared = trace.Refused, refused(refusal.Code, refusal.Description), nil
		if refusal.waiting() {
			d.Outcome = trace.Asked
		}
	}
	trace.Decide(ctx, d)
}

// traceCode tells of a code what it was compared with. The code verifier itself is a secret, what it hashes to is not.
func (s *server) traceCode(ctx context.Context, r tokenRequest, c code, err error) {
	if !trace.On(ctx) {
		return
	}
	trace.Subject(ctx, c.UserID)
	use := trace.Compared{What: "uses of the code before", Wanted: "none", Got: "none", OK: c.GrantID == ""}
	if !use.OK {
		use.Got = "one"
	}
	redirect, verifier := r.params.Get("redirect_uri"), r.params.Get("code_verifier")
	sent := redirect
	if redirect == "" {
		redirect, sent = c.RedirectURI, "left out, as OAuth 2.1 lets it be"
	}
	hash := "none was sent"
	if verifier != "" {
		hash = web.Hash(verifier)
	}
	compared := []trace.Compared{
		{What: "client", Wanted: "the one that it was issued to", Got: r.client.ID, OK: r.client.ID == c.ClientID}, use,
		{What: "expires", Wanted: "later than now", Got: c.Expires.UTC().Format(time.RFC3339), OK: s.Now().Before(c.Expires)},
		{What: "redirect_uri", Wanted: c.RedirectURI, Got: sent, OK: redirect == c.RedirectURI},
		{What: "code_verifier, hashed", Wanted: "the code_challenge " + c.Challenge, Got: hash, OK: verifierFits(verifier, c.Challenge)},
	}
	traceGrant(ctx, "The code is good: it is this client's, was not used before, and the code verifier fits the challenge.", err, compared...)
}

// traceGrant tells of what a client came with for a token: a code, a device code, a refresh token, another token.
func traceGrant(ctx context.Context, good string, err error, compared ...trace.Compared) {
	d := trace.Decision{Kind: trace.ClientCheck, Outcome: trace.Allowed, Text: good, Compared: upTo(compared...)}
	wrong := len(d.Compared) > 0 && !d.Compared[len(d.Compared)-1].OK
	var refusal *tokenError
	switch {
	case err == nil || !wrong: // then it was refused for something else, which is told elsewhere
	case errors.As(err, &refusal):
		d.Outcome, d.Text = trace.Refused, refused(refusal.Code, refusal.Description)
	default:
		return
	}
	trace.Decide(ctx, d)
}

// traceRefresh tells of a refresh token whether it may be rotated (RFC 9700 §4.14.2).
func traceRefresh(ctx context.Context, r tokenRequest, t access.RefreshToken, g access.Grant, err error) {
	if !trace.On(ctx) {
		return
	}
	trace.Subject(ctx, g.UserID)
	good, use := "The refresh token is good. It is replaced by its successor, and good no more.", trace.Compared{What: "uses of the refresh token before", Wanted: "none", Got: "none", OK: true}
	if !t.Rotated.IsZero() {
		good, use.Wanted, use.Got, use.OK = "The refresh token was used a moment ago, so the answer was lost: the client gets the same successor once more.", "none, or one a moment ago", "one", err == nil
	}
	traceGrant(ctx, good, err, trace.Compared{What: "client", Wanted: "the one that it was issued to", Got: r.client.ID, OK: r.client.ID == g.ClientID}, use)
}

// traceDevice tells of a device code what the person has answered (RFC 8628 §3.5).
func traceDevice(ctx context.Context, r tokenRequest, d deviceRecord, err error) {
	if !trace.On(ctx) {
		return
	}
	trace.Subject(ctx, d.UserID)
	var refusal *tokenError
	t := trace.Decision{Kind: trace.Consent, Outcome: trace.Allowed, Text: "The person has allowed it."}
	switch {
	case r.client.ID != d.ClientID || d.GrantID != "":
		return // which is told where the error is answered
	case errors.As(err, &refusal) && refusal.waiting():
		t.Outcome, t.Text = trace.Asked, refused(refusal.Code, refusal.Description)
	case d.Denied:
		t.Outcome, t.Text = trace.Refused, "The person has denied it."
	case err != nil:
		return
	}
	trace.Decide(ctx, t)
}

// traceMint tells by which sets the scopes of a token were decided, once more.
func traceMint(ctx context.Context, userID string, why rbac.Decision, err error) {
	if !trace.On(ctx) {
		return
	}
	trace.Subject(ctx, userID)
	d := trace.Decision{Kind: trace.Mint, Outcome: trace.Allowed, Text: "The token gets what is in all four sets at this moment: " + rbac.JoinScope(why.Granted) + "."}
	if d.Sets, d.Compared = setsOf(why); d.Sets == nil {
		d.Text = "The token says who the person is, and gives no permission."
	}
	if userID == "" {
		d.Text += " There is no user, so the roles of the application stand for role and consent."
	}
	var refusal *tokenError
	if err != nil {
		if !errors.As(err, &refusal) {
			return
		}
		d.Outcome, d.Text = trace.Refused, refused(refusal.Code, refusal.Description)
	}
	trace.Decide(ctx, d)
}

// traceMayAct tells whether the token that an agent was handed names it (RFC 8693 §4.4).
func traceMayAct(ctx context.Context, r tokenRequest, subject token.Claims, err error) {
	if !trace.On(ctx) {
		return
	}
	if _, users := grantOf(subject); users {
		trace.Subject(ctx, subject.Subject)
	}
	named := "nobody"
	if subject.MayAct != nil {
		named = subject.MayAct.Subject
	}
	traceGrant(ctx, "The token names this agent as one who may act for its user.", err,
		trace.Compared{What: "may_act", Wanted: r.client.ID, Got: named, OK: named == r.client.ID})
}

// traceActing tells what an agent's token is good for: no more than the token that it was handed, and than the agent is authorized for.
func traceActing(ctx context.Context, r tokenRequest, g token.Grant, subject token.Claims, now standing) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.Mint, Outcome: trace.Allowed, Text: "The new token is still about " + g.Subject + ", and says in act that " + g.Actor.Subject + " acts. It does not outlive the token that was handed over.",
		Compared: []trace.Compared{{What: "scopes of the token that was handed over", Wanted: rbac.JoinScope(g.Scopes), Got: subject.Scope, OK: true}}}
	if d.Sets, _ = setsOf(now.why); d.Sets != nil {
		d.Sets.Client, d.Sets.Granted = within(d.Sets.Client, r.client.AuthorizedAt(now.server)), g.Scopes
	}
	trace.Decide(ctx, d)
}

// traceRevoked tells the person whose grant it is that it has ended. Of a token that is nobody's there is nothing to tell, as in the answer.
func traceRevoked(ctx context.Context, userID, text string) {
	if trace.On(ctx) {
		trace.Subject(ctx, userID)
		trace.Decide(ctx, trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Allowed, Text: text})
	}
}

// traceIntrospection tells what the answer tells: of a token that is not active not even why (RFC 7662 §2.2).
func traceIntrospection(ctx context.Context, a introspection) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Refused, Text: "The token is not active, or not one of which this client may know."}
	if a.Active {
		d.Outcome, d.Text = trace.Allowed, "The token is active: it was not taken back, and it is good for "+a.Scope+" now."
		if a.Subject != a.ClientID {
			trace.Subject(ctx, a.Subject)
		}
	}
	trace.Decide(ctx, d)
}

// traceUserinfo tells whether a token is good for learning who somebody is.
func traceUserinfo(ctx context.Context, now standing, err error) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Allowed, Text: "The token stands, and has the scope openid.",
		Compared: []trace.Compared{{What: "scope", Wanted: openID, Got: rbac.JoinScope(now.scopes), OK: true}}}
	var refusal *userinfoError
	switch {
	case errors.As(err, &refusal) && refusal.Code == "":
		d.Outcome, d.Text, d.Compared = trace.Asked, "There is no access token.", nil
	case errors.As(err, &refusal):
		d.Outcome, d.Text, d.Compared = trace.Refused, refused(refusal.Code, refusal.Reason), nil
	case err != nil:
		return
	}
	trace.Subject(ctx, now.user.ID)
	trace.Decide(ctx, d)
}
