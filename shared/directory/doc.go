// Package directory knows who is who: MCP servers and their scopes, roles, client applications, users and their
// consents. Records and the rules about them live here; the store below knows neither.
//
// Partitions, which are also what a function may be allowed to open:
//
//	policy/…    MCP servers, roles           read by the MCP server too, which sees nothing else of this package
//	client/…    one application each
//	user/…      one person each: profile, password, consents
//	username/…  from the name that a person types to the user's id
//	directory/… the indexes, which list users and applications in order, and what has been seeded
//
// A record and its index items are written together or not at all.
//
// URLs are kept with {base} in place of the deployment's own address, so that a database file can be served from
// another port or host; they are filled in when a record is read.
package directory
