package mcp

import (
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
)

// checkKey lets a token that is bound to a key pass with a proof of that key, under the scheme DPoP, and one that is bound to none as a
// bearer token (RFC 9449 §7.1, §7.2). What it refuses it has answered.
func (g *guard) checkKey(w http.ResponseWriter, r *http.Request, scheme, raw string, claims token.Claims) (proof dpop.Proof, ok bool) {
	why := ""
	switch bound := claims.Key() != ""; {
	case !bound && scheme == bearerScheme:
		return dpop.Proof{}, true
	case bound && scheme == bearerScheme:
		why = "it is bound to a key, so it comes under the scheme DPoP, with a proof"
	case !bound:
		why = "it is bound to no key, so it comes under the scheme Bearer"
	}
	if why != "" {
		g.refuse(w, r, trace.ProofCheck, scheme, "invalid_token", tokenRefused+why+".")
		return dpop.Proof{}, false
	}
	nonce, err := g.proofs.Nonce(r.Context())
	if err != nil {
		g.cannotCheck(w, r, err)
		return dpop.Proof{}, false
	}
	w.Header().Set(possession.NonceHeader, nonce) // RFC 9449 §8.2, §9
	proof, err = g.proofs.Check(r.Context(), r, g.url, raw)
	if err != nil {
		g.refuseProof(w, r, err)
		return dpop.Proof{}, false
	}
	if !dpop.SameKey(proof.Key, claims.Key()) { // the last line of RFC 9449 §4.3
		g.refuse(w, r, trace.ProofCheck, scheme, "invalid_token", tokenRefused+"it is bound to another key than that of the proof.")
		return dpop.Proof{}, false
	}
	return proof, true
}

// useProof takes the proof of a request, which may come once.
func (g *guard) useProof(w http.ResponseWriter, r *http.Request, proof dpop.Proof) bool {
	if proof.Key == "" {
		return true
	}
	err := g.proofs.Use(r.Context(), proof)
	if err != nil {
		g.refuseProof(w, r, err)
	}
	return err == nil
}

func (g *guard) refuseProof(w http.ResponseWriter, r *http.Request, err error) {
	var wrong *dpop.Error
	if !errors.As(err, &wrong) {
		g.cannotCheck(w, r, err)
		return
	}
	g.refuse(w, r, trace.ProofCheck, proofScheme, wrong.Code, wrong.Description+".")
}
