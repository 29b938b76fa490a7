// Package workshop prepares a VetAssist for a class, shows its leader who got how far, and cleans up. It knows VetAssist from outside: over
// the admin API, as an administrator who logs in like at the console, and over MCP, as a program with the role Vet Staff that it makes for as long as it
// needs one. So it works at a deployed stack as on a laptop.
//
//	attendee.go  who the attendees are, and by what they are known as a workshop's
//	make.go      makes what is missing: users, customers, applications, pets
//	registrar.go the program of the staff that enters pets
//	reset.go     takes back what attendees did; removes what the workshop made
//	cards.go     the join cards; cards.html is how they are printed
//	board.go     who passed which check
//	admin.go     the admin API
//	login.go     an administrator's token: a file, the demo's administrator, or a person's browser
//	listen.go    where that browser comes back to
//	patience.go  waits where a server asks for that
//	crew.go      a few at a time
//
// Everything may be run again: what is there is left as it is, and what failed is made then. A password is known when it is made and never again.
package workshop
