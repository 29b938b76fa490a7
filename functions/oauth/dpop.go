package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
)

// checkProof checks the DPoP proof of a request to an endpoint of ours, where it has one (RFC 9449 §5), and hands out the nonce for
// the next (§8.2). It comes before the client is authenticated: a client that has to come again with a nonce has spent nothing.
func (s *server) checkProof(w http.ResponseWriter, r *http.Request, path string) (dpop.Proof, error) {
	if !dpop.Sent(r) {
		return dpop.Proof{}, nil
	}
	nonce, err := s.proofs.Nonce(r.Context())
	if err != nil {
		return dpop.Proof{}, err
	}
	w.Header().Set(possession.NonceHeader, nonce)
	proof, err := s.proofs.Check(r.Context(), r, s.BaseURL+path, "")
	err = proofError(err)
	traceProof(r.Context(), proof, err)
	return proof, err
}

// useProof takes a proof, where there is one. It comes when all else is right, so that strangers do not make us remember theirs.
func (s *server) useProof(ctx context.Context, proof dpop.Proof) error {
	if proof.Key == "" {
		return nil
	}
	err := proofError(s.proofs.Use(ctx, proof))
	if err != nil {
		traceProof(ctx, proof, err)
	}
	return err
}

// heldProof is the proof of a token request, on its way through a grant. It goes along in the context, so that no grant can forget it.
type heldProof struct {
	dpop.Proof
	used bool // a grant that reads anew because others wrote in between comes by more than once
}

type heldProofKey struct{}

func holdProof(ctx context.Context, proof dpop.Proof) context.Context {
	return context.WithValue(ctx, heldProofKey{}, &heldProof{Proof: proof})
}

// useHeldProof is useProof for the proof of the token request. A token is signed when its grant was found good and before anything is spent
// for it, so that is when it comes.
func (s *server) useHeldProof(ctx context.Context) error {
	held, ok := ctx.Value(heldProofKey{}).(*heldProof)
	if !ok || held.used {
		return nil
	}
	held.used = true
	return s.useProof(ctx, held.Proof)
}

// pushKey has a pushed authorization request be as if it had named the key of its proof as dpop_jkt (RFC 9449 §10.1).
func pushKey(proof dpop.Proof, params url.Values) error {
	switch {
	case proof.Key == "":
		return nil
	case params.Has("dpop_jkt") && !dpop.SameKey(params.Get("dpop_jkt"), proof.Key):
		return &tokenError{dpop.InvalidProof, "dpop_jkt is not the key of the DPoP proof"}
	}
	params.Set("dpop_jkt", proof.Key)
	return nil
}

// proofError makes what is wrong with a proof an answer of ours.
func proofError(err error) error {
	var wrong *dpop.Error
	if errors.As(err, &wrong) {
		return &tokenError{wrong.Code, wrong.Description}
	}
	return err
}

// checkKey: what was bound to a key is good for requests with a proof of that key only (RFC 9449 §5, §10). bound and proven are
// thumbprints, empty: none.
func checkKey(bound, proven string) error {
	switch {
	case bound == "" || dpop.SameKey(bound, proven):
		return nil
	case proven == "":
		return &tokenError{dpop.InvalidProof, "this grant is bound to a key: send a DPoP proof that is signed with it"}
	}
	return &tokenError{"invalid_grant", "this grant is bound to another key than that of the DPoP proof"}
}
