// Package visitor is whoever comes to VetAssist from outside, as a program: a browser without scripts, and an OAuth and MCP client that
// shows every step. Both know VetAssist over HTTP only, so they meet a deployed one as they meet one on this laptop.
//
//	browser.go   Browser: cookies, redirects, forms
//	page.go      Page: what a person would read, and the forms on it
//	chat.go      what a person does at VetAssist: ask the chat, log in, allow, deny
//	client.go    Client: authorization request, tokens, refresh, revocation, introspection
//	discover.go  where a client finds all that
//	mcp.go       messages to the MCP server
//
// An error means that there was no answer, or a page without what was looked for. A refusal is an answer like another.
package visitor
