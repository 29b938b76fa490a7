// Package walkthrough tells stories of VetAssist by doing them: with real HTTP, as somebody from outside, a step at a time. Each step says in
// two or three sentences why it is there, does it, shows what went over the wire, and checks that it came as it should.
//
//	walkthrough.go   Tale, Step and Run: what a story is, and who tells it
//	scene.go         what a step has at hand: browsers, a client, what was learned before
//	story.go         the story of the README, from Bob's question to the last log out
//	clients.go       one login for three kinds of client, side by side
//	drawn.go         where the server's flight recorder shows two of these side by side
//	revisions.go     one login as a client of each of the four revisions of MCP would do it
//	cleanup.go       leaves things as they were, as far as that can be done from outside
//	record.go        what went over the wire, with the secrets shortened
//	text.go          for people; told as JSON it is Told as it stands
//
// What cannot be put back: the new permissions, if Bob had allowed this client something before, since the account page takes back all or
// nothing; a client that registered itself, which is forgotten after a day when nobody allows it anything; and what the audit log says.
package walkthrough
