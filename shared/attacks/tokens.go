package attacks

const namesAlgorithm = "The verifier names the algorithm, not the token."

var tokens = []Attack{
	{
		ID: "audience-mcp-to-admin", Title: "A token of the MCP server at the admin API",
		Story:     "Mallory runs the MCP server, or has read its log, so she has Bob's access token. She brings it to the other server of the house.",
		Rule:      rfc("9068", "4", "A resource server refuses a token whose aud does not name it."),
		Otherwise: "Every server that gets a token could go on with it to all the others.",
	},
	{
		ID: "audience-admin-to-mcp", Title: "A token of the admin API at the MCP server",
		Story:     "Mallory has an administrator's access token for the admin API, and asks the MCP server for the pets with it.",
		Rule:      spec("basic/authorization/security-considerations", "Token Audience Binding and Validation", "token-audience-binding-and-validation", "An MCP server takes tokens only that were issued for itself."),
		Otherwise: "An administrator's token for one server would open another, where nobody gave that administrator a role.",
	},
	{
		ID: "issuer-other", Title: "A token from Mallory's own issuer",
		Story:     "Mallory runs an authorization server and signs a token about Bob with its key: once in her server's name, once in the honest one's.",
		Rule:      rfc("9068", "4", "The issuer must be the expected one, byte for byte, and the signature must be made with one of its published keys."),
		Otherwise: "Anybody could be anybody.",
	},
	{
		ID: "alg-none", Title: "A token without a signature",
		Story:     "Mallory writes a token about an administrator, says in its header that its algorithm is none, and signs nothing.",
		Rule:      rfc("9068", "4", "A token whose alg is none is refused."),
		Otherwise: "No key would be needed at all.",
	},
	{
		ID: "alg-hs256", Title: "The public key as a shared secret",
		Story:     "Mallory takes the public key, which everybody may read, as the secret of an HMAC, and says in the header that the algorithm is HS256.",
		Rule:      rfc("8725", "3.1", namesAlgorithm+" A key is used with the one algorithm that it is for."),
		Otherwise: "A library that does what the header says would find the signature right.",
	},
	{
		ID: "kid-injection", Title: "A kid that names Mallory's key",
		Story:     "Mallory signs with her own key, and has the header say where to look for it: a path, a URL, a query, jku, x5u, or the key itself in jwk.",
		Rule:      rfc("8725", "3.10", "What a header says of keys is not trusted: a kid is looked up among the published keys, and no address in a token is followed."),
		Otherwise: "The server would fetch Mallory's key, from her host or from a file, and find her signature right.",
	},
	{
		ID: "token-edited", Title: "A real token with other words in it",
		Story:     "Mallory has a token of her own and edits it under its old signature: another user, another role, more scopes, a later end, a beginning that lies ahead.",
		Rule:      rfc("7515", "5.2", "A signature is made over every byte of header and payload; if it does not verify, nothing in the token counts."),
		Otherwise: "Everybody who has any token would be an administrator for ever.",
	},
	{
		ID: "id-token-as-access", Title: "An ID token as an access token",
		Story:     "Mallory's app asked Bob only who he is, and got an ID token with a good signature of the same issuer. She brings it to the MCP server and to the admin API.",
		Rule:      rfc("8725", "3.12", "Kinds of JWTs are told apart by rules that exclude each other: here by typ, and by whom aud names."),
		Otherwise: "A plain login would be worth as much as a consent.",
	},
	{
		ID: "token-in-query", Title: "A token in the address",
		Story:     "Mallory has read Bob's token, and sends it as ?access_token=…, where logs, histories and Referers keep it. A server that takes it there teaches its clients to put it there.",
		Rule:      spec("basic/authorization", "Token Requirements", "token-requirements", "Access tokens are not in the query: they come in the Authorization header."),
		Otherwise: "Tokens would lie in the logs of everything on the way.",
	},
	{
		ID: "two-authorizations", Title: "Two Authorization headers",
		Story:     "Mallory sends two tokens in one request. A gateway in front may check the one, and the server use the other.",
		Rule:      rfc("6750", "2", "A request carries one token, in one way; more than that is an invalid request."),
		Otherwise: "What was checked and what is used could be two tokens.",
	},
	{
		ID: "refresh-theft", Title: "A stolen refresh token",
		Story:     "Mallory has copied a refresh token of Bob's app. The app has gone on meanwhile and has had two newer ones when she uses hers.",
		Rule:      rfc("9700", "4.14.2", "Each refresh replaces the refresh token; if an old one comes back, its whole family ends, since one of the two has stolen it."),
		Otherwise: "Mallory would stay connected for a month, and Bob would never see it.",
	},
	{
		ID: "refresh-other-client", Title: "A refresh token in another client's hands",
		Story:     "Mallory has a refresh token that was given to Vet Assist AI. She uses it under the name of another client.",
		Rule:      rfc("6749", "6", "A refresh token is bound to the client that it was issued to."),
		Otherwise: "One client could go on with what a person allowed another.",
	},
	{
		ID: "scope-escalation", Title: "More scopes at the refresh",
		Story:     "Mallory's app was allowed to read the pets. When it refreshes, it asks for the appointments, too, and for what Bob's role forbids.",
		Rule:      rfc("6749", "6", "A refresh asks for no scope that was not granted to begin with."),
		Otherwise: "The consent page would ask for little, and the app would take the rest later.",
	},
}
