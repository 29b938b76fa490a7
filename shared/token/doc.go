// Package token mints and verifies access tokens: JWTs after RFC 9068, signed with ES256, ten minutes long.
//
//	Keyring   makes signing keys and signs (the authorization server), access tokens
//	          and ID tokens, which tell a client who logged in (OpenID Connect Core §2)
//	Published lists the public halves (the JWKS endpoint)
//	Verifier  checks a token against a JWKS read over HTTP (every resource server)
//
// A key is published five minutes before it signs (Keyring.Rotate), signs until its successor does, and stays published
// until the last token that it signed has expired. Its private half is gone when it signs no more.
//
// The three meet only in the store and in the JWKS document: a private key is never where a token is verified.
package token
