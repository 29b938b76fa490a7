// Package federation is an MCP client whose identity comes from elsewhere: an employee's login at the company (MCP, Enterprise-Managed
// Authorization), or the platform that a program runs on (MCP, SEP-1933). It is a stranger to whatever it calls: it knows the MCP server by its
// URL and the authorization server where it is registered; the rest it finds out over HTTP (package discovery).
//
//	client.go      Connect, the MCP client, and when it gets a token
//	token.go       an assertion becomes a token (RFC 7523 §2.1)
//	enterprise.go  an ID token becomes an assertion for another server (RFC 8693; draft-ietf-oauth-identity-assertion-authz-grant)
//
// A refusal is final: it asks neither again nor by another grant, and shows the assertion to nobody but the authorization server that it is for.
//
// Not supported: tokens that are bound to a key (DPoP), private_key_jwt for the client itself, and a refresh token in place of the ID token.
package federation
