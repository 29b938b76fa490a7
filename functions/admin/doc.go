// Package admin is the administrator's half: the admin API under /admin/api/v1 and the console, which is one of its
// clients.
//
//	browser: console           this package                            authorization server
//	  | GET /admin/                 | console.go: one page, its scripts        |
//	  |---------------------------->|                                         |
//	  | /oauth/authorize?client_id=vetassist-console&resource={base}/admin/api |
//	  |---------------------------------------------------------------------->|
//	  |<----------------------------------------------- code, then a token ---|
//	  | GET /admin/api/v1/users, Authorization: Bearer …                       |
//	  |---------------------------->| guard.go: whose token is it, for whom, may they still?
//	  |                             | api.go: every operation, one list; huma checks what is sent
//	  |                             | users.go, roles.go, …: one resource a file
//	  |<----------------------------| problem.go: every error, as RFC 9457 says
//
// The API is a resource server like the MCP server: tokens come from the authorization server, for the audience
// {base}/admin/api and no other. Beyond the token it asks the directory what its bearer may do now: taking a role, a consent or an
// application away, disabling a user or signing one out everywhere ends administration at once, not when the token does.
//
// Applications that registered themselves, or describe themselves at a URL, are shown as they say they are; they can be disabled, enabled and
// deleted. In addresses every application has its id; its client_id, what it sends, is that or its URL.
//
// An application proves itself with a secret or with a key, never with both: giving it keys ends its secret, and a new secret its keys. An agent is
// named by the applications for whose users it may act, and is in use by them.
//
// What is edited has an ETag; a change names the one it was made from (If-Match) and is refused when somebody else was
// faster. Making a server, role, user or application again that is there already is no error (create.go). Every change and
// every refusal is in the audit log (changes.go).
//
// Types that others here embed have names in capitals: huma looks into no others.
//
// OpenAPI is generated from the Go types of this package by huma, served at /admin/api/v1/openapi.json, and as a page to read at
// /admin/api/v1/docs.
package admin
