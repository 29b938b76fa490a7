package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// guard lets nobody but administrators near the API.
type guard struct {
	verifier  Verifier
	directory *directory.Directory
	audit     *audit.Log
	metadata  string
	log       *slog.Logger
}

type callerKey struct{}

// callerFrom is whose token the request came with; guard has checked it.
func callerFrom(ctx context.Context) token.Claims {
	c, _ := ctx.Value(callerKey{}).(token.Claims)
	return c
}

// userID is the caller as the audit log knows users: empty for an application that acts for itself.
func userID(c token.Claims) string {
	if c.Subject == c.ClientID {
		return ""
	}
	return c.Subject
}

// refusal is why a request goes no further.
type refusal struct {
	status int
	code   string // of RFC 6750 §3.1; empty when the client did not try to authenticate
	scope  string // that would do
	reason string
}

// wrap lets administrators pass.
func (g *guard) wrap(next http.Handler) http.Handler { return g.pass(g.check, next) }

// anyBearer lets everybody pass who has a token for this API, administrator or not.
func (g *guard) anyBearer(next http.Handler) http.Handler { return g.pass(g.verify, next) }

func (g *guard) pass(check func(*http.Request) (token.Claims, *refusal, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		claims, no, err := check(r)
		switch {
		case errors.Is(err, token.ErrUnavailable):
			web.LogFailure(r, g.log, err)
			writeProblem(w, &problem{Status: web.FailureStatus(err), Detail: "Tokens cannot be checked right now. Please try again. " + web.ReportNumber(r.Context())})
		case err != nil:
			web.LogFailure(r, g.log, err)
			status := web.FailureStatus(err)
			writeProblem(w, &problem{Status: status, Detail: web.Sorry(r.Context(), status)})
		case no != nil:
			g.refuse(w, r, claims, no)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, claims)))
		}
	})
}

// needed is the scope that a method needs.
func needed(method string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return scopeRead
	}
	return scopeWrite
}

// verify finds out whose token it is.
func (g *guard) verify(r *http.Request) (token.Claims, *refusal, error) {
	scope := needed(r.Method)
	raw, err := web.Bearer(r)
	switch {
	case errors.Is(err, web.ErrNoBearer):
		return token.Claims{}, &refusal{http.StatusUnauthorized, "", scope, "An access token is needed."}, nil
	case err != nil:
		return token.Claims{}, &refusal{http.StatusBadRequest, "invalid_request", scope, "The request has several Authorization headers."}, nil
	}
	claims, err := g.verifier.Verify(r.Context(), raw)
	var invalid *token.InvalidError
	if errors.As(err, &invalid) {
		return token.Claims{}, &refusal{http.StatusUnauthorized, "invalid_token", scope, "The access token was refused: " + invalid.Reason + "."}, nil
	}
	if err == nil && claims.Key() != "" { // RFC 9449 §7.2: as a bearer token it would be worth stealing
		return token.Claims{}, &refusal{http.StatusUnauthorized, "invalid_token", scope,
			"The access token was refused: it is bound to a key, and this API takes bearer tokens only. Ask for one without a DPoP proof."}, nil
	}
	return claims, nil, err
}

// check asks besides what the bearer may do now, whatever the token says: it may be ten minutes old, and here that is long.
func (g *guard) check(r *http.Request) (token.Claims, *refusal, error) {
	claims, no, err := g.verify(r)
	if no != nil || err != nil {
		return claims, no, err
	}
	decision, no, err := g.standing(r.Context(), claims)
	if no != nil || err != nil {
		return claims, no, err
	}
	scope := needed(r.Method)
	switch {
	case !rbac.Satisfies(claims.Scopes(), []string{scope}):
		return claims, &refusal{http.StatusForbidden, "insufficient_scope", scope, "This needs the scope " + scope + "."}, nil
	case !rbac.Satisfies(decision.Granted, []string{scope}):
		return claims, revoked(scope, "The scope "+scope+" was taken back since this token was issued."), nil
	}
	return claims, nil, nil
}

// revoked is for a token that was good once: its client may try to get another (RFC 6750 §3.1).
func revoked(scope, reason string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_token", scope, reason}
}

// notAdministrator has no challenge: no token that the bearer can get would help.
var notAdministrator = &refusal{http.StatusForbidden, "", "", "Only the role " + directory.AdministratorRole + " may do this. Another administrator can give it to you."}

// standing is what the token's scopes would be if it were issued now; the refusal says why it would not be at all.
func (g *guard) standing(ctx context.Context, c token.Claims) (rbac.Decision, *refusal, error) {
	client, err := g.directory.Client(ctx, c.ClientID)
	if errors.Is(err, directory.ErrNotFound) {
		return rbac.Decision{}, revoked(scopeRead, "The application that this token was issued to is disabled or deleted."), nil
	}
	if err != nil {
		return rbac.Decision{}, nil, err
	}
	server, err := g.directory.Server(ctx, directory.AdminServer)
	if err != nil {
		return rbac.Decision{}, nil, err
	}
	var user directory.User
	roles := client.Roles
	if userID(c) == "" {
		if c.IssuedAt.Before(client.SecretChanged) {
			return rbac.Decision{}, revoked(scopeRead, "The application has another secret, or other keys, since this token was issued."), nil
		}
	} else {
		user, err = g.directory.ActiveUser(ctx, c.Subject)
		switch {
		case errors.Is(err, directory.ErrNotFound):
			return rbac.Decision{}, revoked(scopeRead, "This user can no longer log in."), nil
		case err != nil:
			return rbac.Decision{}, nil, err
		case user.SignedOutSince(c.IssuedAt.Time): // in whole seconds: a token of the same second is refused, rather than let pass
			return rbac.Decision{}, revoked(scopeRead, "You were signed out everywhere. Please log in again."), nil
		}
		roles = user.Roles
	}
	if !slices.Contains(roles, directory.AdministratorRole) || !slices.Contains(c.Roles, directory.AdministratorRole) {
		return rbac.Decision{}, notAdministrator, nil
	}
	var decision rbac.Decision
	if userID(c) == "" {
		decision, err = g.directory.WhyMachine(ctx, client, server, c.Scopes())
	} else {
		decision, err = g.directory.Why(ctx, user, client, server, c.Scopes())
	}
	return decision, nil, err
}

// refuse tells the client what to do next (RFC 6750 §3, RFC 9728 §5.1), and notes who was refused what. Where no other
// token would help there is no challenge: it would send the client round in circles.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, c token.Claims, no *refusal) {
	g.audit.Record(r.Context(), audit.Event{Name: audit.Administration, Outcome: audit.Refused, UserID: userID(c), ClientID: c.ClientID, Proven: c.Subject != "",
		Details: map[string]string{"action": r.Method + " " + r.URL.Path, "reason": no.reason}})
	if no.scope != "" {
		challenge := fmt.Sprintf("Bearer resource_metadata=%q, scope=%q", g.metadata, no.scope)
		if no.code != "" {
			challenge = fmt.Sprintf("Bearer error=%q, error_description=%q, resource_metadata=%q, scope=%q", no.code, no.reason, g.metadata, no.scope)
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	writeProblem(w, &problem{Status: no.status, Detail: no.reason})
}
