// Package nightly is the clinic's nightly job: a program that calls the MCP server with no user, and reminds owners of vaccinations
// that are due soon. It is a stranger to whatever it calls: it knows the MCP server by its URL, and what an administrator registered it
// as; the rest it finds out over HTTP, as any client does (package discovery).
//
//	program.go  who the program is; Connect, the MCP client
//	token.go    a token for itself: client credentials (RFC 6749 §4.4; MCP, OAuth Client Credentials extension)
//	wire.go     what goes over the network, within bounds
//	job.go      which reminders are to be set, and sets them
//	report.go   what was done, for people
//
// It proves itself with a key (private_key_jwt, RFC 7523 §2.2) or with a secret, at the one authorization server where it is registered and
// nowhere else, whoever asks for it. Its roles there stand for those of a user. The token names the program as sub (RFC 9068 §2.2), so
// the clinic takes it for nobody: it can do what its role can do to all pets, and has none of its own.
//
// Not supported: tokens that are bound to a key (DPoP) and mutual TLS.
package nightly
