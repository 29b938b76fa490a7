package attacks

var codes = []Attack{
	{
		ID: "code-stolen-client", Title: "A stolen code, redeemed by another client",
		Story:     "Mallory has read Bob's authorization code in a log, and the code verifier with it. She redeems it as a client of her own.",
		Rule:      rfc("6749", "4.1.3", "The authorization server makes sure that a code was issued to the client that brings it."),
		Otherwise: "Mallory's program would hold tokens that Bob gave to Vet Assist AI, under a name that he never saw.",
	},
	{
		ID: "code-without-verifier", Title: "A stolen code without its verifier",
		Story:     "Mallory has Bob's code from the address bar, and nothing else. She redeems it under the honest client's name, without a code verifier, with one of her own, and with the code challenge in its place.",
		Rule:      rfc("7636", "4.6", "The server hashes the code verifier and compares it with the code challenge of the authorization request; if they differ, there is no token."),
		Otherwise: "Whoever sees a redirect, in a log, a Referer or a proxy, would have Bob's tokens.",
	},
	{
		ID: "code-replay", Title: "A code that was used before",
		Story:     "Mallory has all that Vet Assist AI sent to the token endpoint, and sends it once more after it.",
		Rule:      rfc("6749", "4.1.2", "A code is good once; if it comes again, the server refuses it and should revoke what it gave before."),
		Otherwise: "Two would hold tokens for one consent, and nobody would notice.",
	},
	{
		ID: "code-redirect-swap", Title: "A code that was sent elsewhere",
		Story:     "Mallory made Bob's code go to another page of the honest client, and redeems it there: the token request names another redirect URI than the authorization request did.",
		Rule:      rfc("6749", "4.1.3", "A redirect_uri in the token request is identical to the one in the authorization request."),
		Otherwise: "A client would take a code for its own that was meant for another of its pages, such as one where Mallory waits.",
	},
	{
		ID: "pkce-downgrade", Title: "PKCE left out, or made weaker",
		Story:     "Mallory changes the link that sends Bob to his login: without a code challenge, with the method plain, without a method. If one gets through, the verifier protects nothing.",
		Rule:      rfc("9700", "4.8.2", "An authorization server that supports PKCE must not be led to do without it; here every client has to use it, with S256."),
		Otherwise: "Mallory's stolen code would need no verifier, or one that stood in the link itself.",
	},
	{
		ID: "code-kind-confusion", Title: "A device code as an authorization code, and the reverse",
		Story:     "Mallory has a device code and an authorization code of Bob's. She presents each where the other belongs, and each as a refresh token.",
		Rule:      rfc("6749", "5.2", "What is presented as a grant and is none of that kind is invalid_grant."),
		Otherwise: "What protects one kind of code, the verifier or the person who types the code, could be gone around by the way of the other.",
	},
	{
		ID: "par-twice", Title: "A pushed request, used twice",
		Story:     "Mallory has the link with the name of the request that Vet Assist AI pushed. Bob has followed it already; now she does, in her own browser.",
		Rule:      rfc("9126", "7.3", "A request_uri is good for one authorization request, so that nobody can play it again."),
		Otherwise: "Mallory would put a login of her own under a request that Vet Assist AI made for Bob.",
	},
	{
		ID: "par-other-client", Title: "A pushed request under another client's name",
		Story:     "Mallory has the name of a request that Vet Assist AI pushed, and sends Bob there with the client id of another application.",
		Rule:      rfc("9126", "2.2", "A request_uri is bound to the client that pushed the request."),
		Otherwise: "What one client asked for would be answered in the name of another.",
	},
}
