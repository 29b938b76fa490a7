package attacks

var browsers = []Attack{
	{
		ID: "chat-state", Title: "Somebody else's answer in Bob's chat",
		Story:     "Mallory begins to connect the chat, logs in as herself, and stops before the last step. She has Bob's browser open that last address, with her code and her state in it.",
		Rule:      rfc("6749", "10.12", "The state ties an answer to the browser that asked; an answer to somebody else's question is not used."),
		Otherwise: "Bob's chat would be connected as Mallory, and what he tells it would be in her account.",
	},
	{
		ID: "mix-up", Title: "An answer in another server's name",
		Story:     "Mallory runs an authorization server, too. In Bob's browser the answer to his login comes with her name as its issuer, or with none, so that the chat takes his code to her.",
		Rule:      rfc("9207", "2.4", "A client compares iss with the issuer that it sent the person to, and stops when it differs or is missing where it was promised."),
		Otherwise: "The chat would hand Bob's code to Mallory's token endpoint.",
	},
	{
		ID: "login-csrf", Title: "Bob logged in as Mallory",
		Story:     "Mallory's page sends the login form for Bob's browser, with a name and a password of hers in it.",
		Rule:      owasp("Cross-Site_Request_Forgery_Prevention_Cheat_Sheet", "Login CSRF", "possible-csrf-vulnerabilities-in-login-forms", "A login form counts only from the login page itself, in the browser that was shown it."),
		Otherwise: "Bob would work in Mallory's account without seeing it, and allow apps there that she then uses.",
	},
	{
		ID: "consent-csrf", Title: "A consent that nobody gave",
		Story:     "Mallory's page sends the consent form for Bob's browser, which is logged in. She knows all of its fields but the form token; then she has a form token, too, of another request.",
		Rule:      rfc("6749", "10.12", "The authorization server lets no other page decide for a person: what was shown to this browser is what is decided."),
		Otherwise: "A visit to Mallory's page would be a yes to her client.",
	},
	{
		ID: "consent-scope", Title: "More than the consent page showed",
		Story:     "Mallory has got at Bob's consent form on its way: it comes back with one more permission ticked, which was not asked for, and with one that his role does not have.",
		Rule:      rfc("6749", "3.3", "What is granted is what was asked for, less what policy or the person leaves out, and never more."),
		Otherwise: "Bob would have allowed an app to book, or to change records, without having been asked.",
	},
	{
		ID: "clickjacking", Title: "The consent page in an invisible frame",
		Story:     "Mallory lays the consent page over a game, in a frame that nobody sees. Bob clicks on a ball, and on Allow.",
		Rule:      rfc("9700", "4.16", "The pages of an authorization server cannot be framed: CSP frame-ancestors and X-Frame-Options say so on each of them."),
		Otherwise: "One click on something else would be a consent, a logout, or a device that is connected.",
	},
	{
		ID: "session-fixation", Title: "A cookie from before the login",
		Story:     "Mallory plants the cookie of a browser of hers in Bob's browser, on a computer that they share. Bob logs in with it, and she goes on with the same cookie.",
		Rule:      owasp("Session_Management_Cheat_Sheet", "Renew the Session ID After Any Privilege Level Change", "renew-the-session-id-after-any-privilege-level-change", "A login begins under a new cookie, so that one from before is worth nothing."),
		Otherwise: "Mallory would be logged in as Bob, at the authorization server and in his chat.",
	},
	{
		ID: "cors-pages", Title: "The consent page, read by another site",
		Story:     "A script on Mallory's page fetches the authorization endpoint, the login, the consent and My account with Bob's cookies, to read what is there and the form token in it.",
		Rule:      rfc("9700", "2.6", "The authorization endpoint does not support CORS: no script of another site has any business there."),
		Otherwise: "Mallory's script would read the form token, and with it answer the consent page itself.",
	},
	{
		ID: "chat-csrf", Title: "A question that Bob did not ask",
		Story:     "Mallory's page sends a message to the chat, and a logout, with Bob's cookies.",
		Rule:      owasp("Cross-Site_Request_Forgery_Prevention_Cheat_Sheet", "Fetch Metadata", "fetch-metadata-headers", "What changes something is taken from our own pages only; the browser says where a request comes from."),
		Otherwise: "Mallory's page could book and cancel for everybody who is connected.",
	},
}
