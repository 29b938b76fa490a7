// Package directory knows who is who: MCP servers and their scopes, roles, client applications, users and their
// consents. Records and the rules about them live here; the store below knows neither.
//
// Partitions, which are also what a function may be allowed to open:
//
//	policy/…       MCP servers, roles           read by the MCP server too, which sees nothing else of this package
//	client/…       one application each
//	user/…         one person each: profile, password, passkeys, consents
//	username/…     from the name that a person types to the user's id
//	directory/…    the indexes, which list users and applications in order, whose each passkey is, and what has been seeded
//	registration/… initial access tokens, and how many clients registered themselves lately
//	trust/…        issuers elsewhere whose word counts here, who of their people is whom, and servers that take our word
//
// A record and its index items are written together or not at all. What an administrator edits is read with a version, and
// written only over that version.
//
// What is in use is deleted in steps, each of which may be the last: first the record is marked, and from then on nobody
// sees it as valid or can begin to use it; then it is taken out of what uses it; then it goes. Doing it again goes on
// where it stopped. Not cleaned up are consents to a server that is gone: they lie with each user, and allow nothing, not
// even when a server with the same identifier is registered again.
//
// URLs are kept with {base} in place of the deployment's own address, so that a database file can be served from
// another port or host; they are filled in when a record is read.
package directory
