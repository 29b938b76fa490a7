package mcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// guard stands between the network and the SDK.
type guard struct {
	verifier Verifier
	proofs   Proofs
	policy   policy
	issuer   string
	url      string // of this server, as clients know it, whatever Host says
	metadata string
	limit    *limiter
	direct   func() *direct // made for the first request that it could be for; nil: every message goes to the SDK
	log      *slog.Logger
}

// caller is who a token speaks for.
type caller struct{ token.Claims }

type callerKey struct{}

// callerFrom returns the caller whom bearer has put into the context. Without one it is nobody, with no scope.
func callerFrom(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// machine tells whether no user is behind a token: its sub is the client itself (RFC 9068 §2.2).
func (c caller) machine() bool { return c.Subject == c.ClientID }

// actor is the caller as the clinic knows people. A machine is none of them, whatever its client id looks like (RFC 9068 §5).
func (c caller) actor() clinic.Actor {
	a := clinic.Actor{ID: c.Subject, Staff: slices.Contains(c.Roles, rbac.StaffRole), Agent: c.agent()}
	if c.machine() {
		a.ID = ""
	}
	return a
}

// agent is who acts for the user with this token; empty: nobody, it is the user's own application. Of several only the current one counts
// (RFC 8693 §4.1); all of them are in the log.
func (c caller) agent() string {
	if c.Claims.Actor == nil {
		return ""
	}
	return c.Claims.Actor.Subject
}

// The schemes that an access token comes under: the second one when it is bound to a key (RFC 9449 §7.1). They are the names of its type,
// too.
const (
	bearerScheme = "Bearer"
	proofScheme  = possession.Scheme
)

const tokenRefused = "The access token was refused: "

// bearer lets requests with a good access token pass.
func (g *guard) bearer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, raw, err := web.AccessToken(r, bearerScheme, proofScheme)
		switch {
		case errors.Is(err, web.ErrNoBearer):
			// No error code: the client did not try to authenticate (RFC 6750 §3.1).
			g.refuse(w, r, trace.TokenCheck, "", "", "An access token is needed.")
			return
		case err != nil:
			g.challenge(w, r, trace.TokenCheck, http.StatusBadRequest, nil, "", "invalid_request", []string{rbac.PetProfileRead}, "The request has several Authorization headers.")
			return
		}
		claims, err := g.verifier.Verify(r.Context(), raw)
		switch {
		case errors.Is(err, token.ErrInvalid):
			reason := "it is not valid"
			var invalid *token.InvalidError
			if errors.As(err, &invalid) {
				reason = invalid.Reason
			}
			g.refuse(w, r, trace.TokenCheck, scheme, "invalid_token", tokenRefused+reason+".")
			return
		case err != nil:
			g.cannotCheck(w, r, err)
			return
		}
		g.traceToken(r.Context(), claims)
		proof, ok := g.checkKey(w, r, scheme, raw, claims)
		if !ok {
			return
		}
		if !g.limit.allow(claims.Subject, 1) { // after the proof, so that a thief without the key does not use up what the owner may
			tooMany(w, r)
			return
		}
		if !g.useProof(w, r, proof) {
			return
		}
		traceProof(r.Context(), proof.Key, claims.Key())
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{claims})))
	})
}

// cannotCheck is for when it is not the client's fault.
func (g *guard) cannotCheck(w http.ResponseWriter, r *http.Request, err error) {
	web.LogFailure(r, g.log, err)
	rpcError(w, web.FailureStatus(err), nil, codeBusy, "Tokens cannot be checked right now. Please try again. "+web.ReportNumber(r.Context()), nil)
}

// refuse is the challenge to a request without a token that is good.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, kind trace.Kind, scheme, code, description string) {
	g.challenge(w, r, kind, http.StatusUnauthorized, nil, scheme, code, []string{rbac.PetProfileRead}, description)
}

func tooMany(w http.ResponseWriter, r *http.Request) {
	traceRefused(r.Context(), trace.ClientCheck, "Too many requests came for one caller, whoever sent them.")
	w.Header().Set("Retry-After", web.RetryAfter)
	rpcError(w, http.StatusTooManyRequests, nil, codeTooMany, "Too many requests. Please wait a moment.", nil)
}
