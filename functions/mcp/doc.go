// Package mcp is the VetAssist MCP server: an OAuth 2.1 resource server that speaks MCP over streamable HTTP.
//
// The way of a request to /mcp, each station in the file that it names:
//
//	origin.go     is this Host ours, may a page of this Origin call us? ─── no ──▶ 403
//	    │         a preflight ends here ────────────────────────────────────────▶ 204
//	bearer.go     is there a token, and is it good? ──────────────────────── no ──▶ 401, challenge: where to get one
//	dpop.go       is it bound to a key, and is there a proof of that key? ── no ──▶ 401, challenge: what is wrong with it
//	rate.go       does this person call too often? ───────────────────────── yes ─▶ 429
//	headers.go    can the headers be read in one way only? ───────────────── no ──▶ 400
//	body.go       is it JSON, a sane size, a message or a batch? ─────────── no ──▶ 400, 413
//	challenge.go  which scopes do the messages need, and has the token them?
//	    │           missing, and the person's roles allow them ────────────────────▶ 403, challenge: what to ask for
//	    │           missing, and no consent can help: go on; the tool will say so
//	direct.go     is it one call of a tool, of the plain shape (plain.go)? ── yes ─▶ straight to the SDK's handler of calls
//	server.go     the SDK: one shared server, no sessions, every revision from 2025-03-26 to 2026-07-28
//	tool.go       the scope once more, then the arguments against the schema
//	tools_*.go    the clinic, as the person whom the token names: only there is it known whose pet is whose. A program that acts for
//	              nobody (its sub is its client_id, RFC 9068 §2.2) is no person there: log (sub and client are the same) and result ("vetassist/machine") say so
//	trace.go      what was decided on the way, for the flight recorder
//	question.go   what a tool must know of the person first goes out as a question, and comes back with the call
//
// The scope of each tool stands in one table, rbac.Tools. The challenge, the tool's own check and the tool's _meta
// ("vetassist/scope") read it there.
//
// A token may say that an agent acts for its user (act, RFC 8693 §4.1). It is still the user whose pets, whose scopes and whose rate count. The
// agent is in the log line of the call, in the result's _meta ("vetassist/agent") and in the record of what it booked.
//
// The short way of direct.go saves what the SDK does around a call: it allocates a seventh as much. It is no second server: the tools, their
// checks, the middleware and the results are the SDK's, and a message that could be read in two ways is not plain, so the SDK judges it.
//
// A challenge is chosen from the body and never from a header such as Mcp-Name, which an intermediary may set
// and which clients of older revisions do not send.
//
// # Left out
//
// Sessions, SSE, GET and DELETE on /mcp (405): every answer is one JSON document, so that a Lambda can give it. With them go
// subscriptions, listChanged, logging, sampling and roots: subscriptions/listen is told that nothing will come, and ends. And the
// elicitation of revisions before 2026-07-28, which takes a stream of a session: there, and wherever the client did not declare it,
// the free slots of a refused booking come back in the result.
package mcp
