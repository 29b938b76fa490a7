// Package rbac decides what a token may do. It is pure data and functions: no store, no clock, no HTTP.
//
//	granted = requested ∩ authorized for the client ∩ allowed by the user's roles ∩ consented
//
// Where somebody whom an administrator trusts vouches for the user, the scopes that they vouched for stand for the consent; the other sets
// stay what they are. Where there is no user, the application's own roles stand for both the user's roles and the consent. Package
// directory fills in the sets: Why, WhyVouched, WhyMachine.
//
// Evaluate is that formula, and it tells for each scope that dropped out which of the sets lacked it. Tools is the
// policy of the MCP server's tools: which scope each of them needs.
package rbac
