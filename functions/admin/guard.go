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
			g.log.ErrorContext(r.Context(), "cannot verify tokens", "err", err)
			w.Header().Set("Retry-After", "5")
			writeProblem(w, &problem{Status: http.StatusServiceUnavailable, Detail: "Tokens cannot be checked right now. Please try again."})
		case err != nil:
			web.Fail(w, r, g.log, err)
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
	return claims, nil, err
}

// check asks besides whether the bearer may administer, and whether the token says so.
func (g *guard) check(r *http.Request) (token.Claims, *refusal, error) {
	claims, no, err := g.verify(r)
	if no != nil || err != nil {
		return claims, no, err
	}
	scope := needed(r.Method)
	if why, err := g.unfit(r.Context(), claims); why != "" || err != nil {
		return claims, &refusal{http.StatusForbidden, "", "", why}, err
	}
	if !rbac.Satisfies(claims.Scopes(), []string{scope}) {
		return claims, &refusal{http.StatusForbidden, "insufficient_scope", scope, "This needs the scope " + scope + "."}, nil
	}
	return claims, nil, nil
}

// unfit tells why the bearer of a good token is no administrator now, whatever the token says; empty: is one.
func (g *guard) unfit(ctx context.Context, c token.Claims) (string, error) {
	const role = "Only the role " + directory.AdministratorRole + " may do this. Another administrator can give it to you."
	var roles []string
	if userID(c) == "" {
		client, err := g.directory.Client(ctx, c.ClientID)
		if err != nil && !errors.Is(err, directory.ErrNotFound) {
			return "", err
		}
		roles = client.Roles
	} else {
		user, err := g.directory.ActiveUser(ctx, c.Subject)
		switch {
		case errors.Is(err, directory.ErrNotFound):
			return "This user can no longer log in.", nil
		case err != nil:
			return "", err
		case user.SignedOutSince(c.IssuedAt.Time): // in whole seconds: a token of the same second is refused, rather than let pass
			return "You were signed out everywhere. Please log in again.", nil
		}
		roles = user.Roles
	}
	if !slices.Contains(roles, directory.AdministratorRole) || !slices.Contains(c.Roles, directory.AdministratorRole) {
		return role, nil
	}
	return "", nil
}

// refuse tells the client what to do next (RFC 6750 §3, RFC 9728 §5.1), and notes who was refused what. Where no other
// token would help there is no challenge: it would send the client round in circles.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, c token.Claims, no *refusal) {
	g.audit.Record(r.Context(), audit.Event{Name: audit.Administration, Outcome: audit.Refused, UserID: userID(c), ClientID: c.ClientID,
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
