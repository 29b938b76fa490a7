package attacks

var keys = []Attack{
	{
		ID: "dpop-stolen-token", Title: "A token that is bound to a key, without the key",
		Story:     "Mallory has stolen an access token that is bound to a key. She sends it as a bearer token, without a proof, and with a proof of a key of her own; the refresh token, too.",
		Rule:      rfc("9449", "7.2", "A bound token is not taken as a bearer token, and needs a proof of the very key that it is bound to."),
		Otherwise: "The binding would be a word in the token that nobody looks at.",
	},
	{
		ID: "dpop-replay", Title: "A proof that was seen on the way",
		Story:     "Mallory has recorded a whole request of Bob's app, with token and proof, and sends it once more.",
		Rule:      rfc("9449", "11.1", "A server takes each proof once, and only for a short time."),
		Otherwise: "Whoever can read one request could repeat it.",
	},
	{
		ID: "dpop-other-request", Title: "A proof for another request",
		Story:     "Mallory has proofs of Bob's app that were made for another method, another address, another token or long ago, and puts them beside the token that she has stolen.",
		Rule:      rfc("9449", "4.3", "Method, address, token and time in a proof are those of this request."),
		Otherwise: "One proof that leaked would open everything.",
	},
	{
		ID: "assertion-audience", Title: "A proof of a client that was made for another server",
		Story:     "A program proves itself with signed assertions. Mallory runs another server that it talks to as well, and brings the assertion that she got there to this one.",
		Rule:      rfc("7523", "3", "The authorization server refuses an assertion whose audience is not itself."),
		Otherwise: "Every server that a program talks to could be that program everywhere else.",
	},
	{
		ID: "assertion-replay", Title: "A proof of a client, used twice",
		Story:     "Mallory has read a program's token request in a log, with the assertion in it, and sends it again within its minute.",
		Rule:      rfc("7523", "3", "An assertion carries an id, and a server that has seen it does not take it again."),
		Otherwise: "Who reads one request of a program would be that program for as long as the assertion lasts.",
	},
	{
		ID: "exchange-scope", Title: "An agent that wants more than it was handed",
		Story:     "Bob's app hands an agent a token to read appointments. The agent exchanges it for one that books, that reads pets, and for another server.",
		Rule:      rfc("9700", "2.3", "A token holds the least that its task needs; what comes of one holds no more than it did."),
		Otherwise: "Whoever may do the least for Bob could turn it into everything.",
	},
	{
		ID: "exchange-stranger", Title: "A found token, exchanged by a stranger",
		Story:     "Mallory has found Bob's access token. She exchanges it, first as nobody in particular, then as an agent of her own that Bob's app never named.",
		Rule:      rfc("8693", "5", "Who exchanges a token proves who they are, or anybody who finds one could turn it into others; and the token says who may act."),
		Otherwise: "A token that lives for minutes would become a way in, under a name that looks honest.",
	},
}
