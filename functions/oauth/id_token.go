package oauth

import (
	"context"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/token"
)

type idClaims = token.IDClaims

// verifyIDToken checks an ID token of ours that a client sends back to us: current, and made for this client alone (OpenID Connect Core
// §3.1.3.7). The error is a *token.InvalidError, with a reason that may be told, or says that we cannot tell now.
func (s *server) verifyIDToken(ctx context.Context, raw string, client directory.Client) (idClaims, error) {
	return s.verifier.VerifyID(ctx, raw, client.ClientID())
}
