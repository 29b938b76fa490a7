// Package attack is the attack lab: for each attack of shared/attacks a small program that really tries it over HTTP, at a VetAssist on this
// laptop or anywhere else.
//
//	lab.go, people.go   what runs them; who logs in, and what is put back afterwards
//	try.go, oauth.go, calls.go, admin.go, holder.go, forge.go   what the programs are written with
//	codes.go, redirects.go, browsers.go, chats.go, tokens.go, keys.go, mcp.go, tools.go, bodies.go, directory.go, last.go   the programs, by theme
//	report.go           what a person reads; wire.go: requests and answers for -v, with secrets shortened
//
// A program ends in one of four ways. Refused: the attacker really got nothing, and was told so in the words that the rule has, not by
// accident. Succeeded: they got something. Failed: a control did, which is the honest variant of the same request, or what was refused
// was so for another reason than the rule's; so nothing is known of the defence. Not tried: this server does not offer what is attacked, or
// the lab lacks a login for it.
//
// From outside nobody can make a token that is signed and too old, or not valid yet. So the forged ones are refused for their signature
// (token-edited), and a real one that is too old takes the virtual clock of a local server (token-expired). Nobody can redirect a metadata
// document to a private address without a host on the Internet; on a local server an address of its own that redirects stands for it.
// Whether two answers take equally long is not measured: over a network that would say little.
//
// What the lab makes it takes away again: bookings and reminders are cancelled, applications and users of its own deleted, consents removed that were
// not there before, logins ended, refresh tokens revoked. Two things stay: its one client that registered itself, which the server forgets
// after a day, and the server's count of registrations within the hour.
package attack
