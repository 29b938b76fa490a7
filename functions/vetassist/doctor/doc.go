// Package doctor examines a VetAssist from outside, as any stranger could: over HTTP, with no account and no key. What it
// looks for is what goes wrong between a server that works and the clients that cannot use it: an address that the server does
// not know to be its own, a gateway that renames or drops headers, a certificate, a clock.
//
//	doctor.go      Examine: the parts in their order; findings
//	address.go     what somebody types, as a base URL
//	visit.go       one request, bounded; redirects are shown, never followed
//	connection.go  reachability, TLS, plain http, clock, how fast
//	prefix.go      a stage's name in front of every path
//	metadata.go    RFC 8414 and RFC 9728: both forms, and who they say they are
//	keys.go        the public keys, and for how long they may be remembered
//	mcp.go         how the MCP server turns strangers away
//	cors.go        which pages of other origins may read what
//	pages.go       headers and cookies of the pages; the demo's passwords
//	text.go        the report, for people
//
// Everything is read, nothing is changed, with one exception: away from this machine it tries the demo's passwords, each
// once, which must be refused.
package doctor
