// Package rbac decides what a token may do. It is pure data and functions: no store, no clock, no HTTP.
//
//	granted = requested ∩ authorized for the client ∩ allowed by the user's roles ∩ consented
//
// Evaluate is that formula, and it tells for each scope that dropped out which of the sets lacked it. Tools is the
// policy of the MCP server's tools: which scope each of them needs.
package rbac
