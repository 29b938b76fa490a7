package oauth

import (
	"context"
	"slices"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

type idClaims = token.IDClaims

// idToken tells a client who has logged in (OpenID Connect Core §2, §3.1.3.3). At a refresh it tells the same login, without the nonce (§12.2). Its id
// begins with the grant's, as an access token's does (grantOf), so that it can be known what became of that.
func (s *server) idToken(ctx context.Context, g access.Grant, client directory.Client, now standing, accessToken string) (string, error) {
	unique, err := web.NewSecret(s.Rand)
	if err != nil {
		return "", err
	}
	id := token.ID{ID: g.ID + "." + unique, Subject: now.user.ID, ClientID: client.ClientID(), AuthTime: g.AuthTime, Nonce: g.Nonce, Methods: methods(g.Method), Access: accessToken}
	if slices.Contains(now.scopes, profile) {
		id.Name, id.Username = now.user.Name, now.user.Username
	}
	return s.Keys.MintID(ctx, id)
}

// methods are how somebody logged in, in the words of RFC 8176 §2.
func methods(method string) []string {
	switch method {
	case access.Password:
		return []string{"pwd"}
	case access.Passkey:
		return []string{"pop"} // proof of a key, wherever it is kept
	}
	return nil
}

// verifyIDToken checks an ID token of ours that a client sends back to us: current, and made for this client alone (OpenID Connect Core
// §3.1.3.7). The error is a *token.InvalidError, with a reason that may be told, or says that we cannot tell now.
func (s *server) verifyIDToken(ctx context.Context, raw string, client directory.Client) (idClaims, error) {
	return s.verifier.VerifyID(ctx, raw, client.ClientID())
}
