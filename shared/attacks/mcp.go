package attacks

var mcp = []Attack{
	{
		ID: "cors-mcp", Title: "The MCP server, called from another site",
		Story:     "A script on Mallory's page calls the MCP server from Bob's browser, with a token that it got hold of.",
		Rule:      spec("basic/transports/streamable-http", "Security & Endpoint", "", "A request with an Origin that is not valid is answered 403."),
		Otherwise: "Every page that Bob opens could talk to servers that only his machine reaches.",
	},
	{
		ID: "dns-rebinding", Title: "Mallory's name for Bob's own machine",
		Story:     "Mallory's page is at rebind.evil.example. When it is loaded, she lets that name point to 127.0.0.1, so that for the browser the server on Bob's machine is her own site.",
		Rule:      spec("basic/transports/streamable-http", "Security & Endpoint", "", "A server on a person's machine protects itself against DNS rebinding: it answers to its own names only."),
		Otherwise: "The browser would see one origin, and protect nothing.",
	},
	{
		ID: "pet-guess", Title: "Guessing the pets of others",
		Story:     "Bob asks for Luna, who is Alice's, by her name and by the id that he has guessed right; and for one that does not exist. He compares the answers.",
		Rule:      spec("server/tools", "Tools, Security Considerations", "security-considerations", "A tool checks access for each record; what one may not see is answered like what is not there."),
		Otherwise: "Names and ids would be all that it takes to read the records of others, or to learn whose pet is a patient.",
	},
	{
		ID: "booking-race", Title: "One appointment, booked many times",
		Story:     "Bob sends the same booking eight times at once. Each request looks first, finds the time free, and books.",
		Rule:      Rule{"CWE-362", "To look and to act are one step: the write itself says what must be so, and one of many wins.", "https://cwe.mitre.org/data/definitions/362.html"},
		Otherwise: "Fido would have eight appointments at ten, and seven owners none.",
	},
	{
		ID: "request-state", Title: "A question, answered with another memory",
		Story:     "The server asks Bob for another time, and gives him a requestState to bring back. He changes the times in it, uses it for another call, and gives it to Alice.",
		Rule:      spec("basic/patterns/mrtr", "Server Requirements", "server-requirements-basic-workflow", "A server takes requestState for what an attacker wrote: it is signed, and good for one person, one call and a short time."),
		Otherwise: "Whoever writes the state would decide what the server remembers to have offered, and to whom.",
	},
	{
		ID: "header-body", Title: "Header and body that disagree",
		Story:     "Mallory says in the headers that she lists tools, where a gateway lets everybody pass, and in the body she calls one. Then the reverse, and headers that come twice.",
		Rule:      spec("basic/transports/streamable-http", "Server Validation", "server-validation", "A request whose Mcp-Method or Mcp-Name is not what its body says is refused."),
		Otherwise: "What a gateway checked and what the server did would be two requests.",
	},
	{
		ID: "json-large", Title: "A body without an end",
		Story:     "Mallory sends megabytes to every endpoint that reads a body.",
		Rule:      rfc("9110", "15.5.14", "A server that is not willing to read so much says 413 and stops."),
		Otherwise: "A few requests would fill the memory, and nobody else be served.",
	},
	{
		ID: "json-deep", Title: "JSON in JSON in JSON",
		Story:     "Mallory sends a hundred thousand opening brackets, which are small, and cost a parser that goes down with them its stack.",
		Rule:      rfc("8259", "9", "A parser may limit how deep texts are nested; here it does."),
		Otherwise: "One small request would end the process.",
	},
	{
		ID: "prompt-injection", Title: "Orders in a pet's record",
		Story:     "Somebody has written orders to the assistant where it will read them: in the name of a pet of Bob's and in a reminder. They say to look up Luna, who is Alice's. Then Bob asks something harmless.",
		Rule:      spec("server/tools", "Tools, Security Considerations", "security-considerations", "What a tool returns is data and no order, and what the assistant may do is what the person's token may."),
		Otherwise: "Whoever can write into a record would have the assistant work for them, with the reader's rights.",
	},
}
