package walkthrough

// Story is the one of the README: Bob's dog is due for a vaccination.
func Story() Tale {
	return Tale{Name: "story", Title: "The story of Bob, Carol and an app that may do only what they allow", Variants: []string{""}, Steps: []Step{
		{"ask", "The app asks the MCP server", "Bob has asked an app when his dog Fido is due for a vaccination. The app calls the MCP server of the clinic, and has no token. " +
			"The server says no with 401, and in the same answer where to read on and which scope this takes.", "RFC 9728 §5.1", ask},
		{"resource", "The app reads who issues tokens for this server", "The address in the challenge leads to a document of the MCP server about itself. It names the authorization server, " +
			"so the app needs nothing configured. The app checks that the document is about the server that it asked, since anybody can write such a document.", "RFC 9728 §3.3", readResource},
		{"server", "The app reads what the authorization server offers", "The authorization server describes itself at a well-known address: where to send people, where to get tokens, and what it can do. " +
			"The issuer in it must be the one that the app was led to.", "RFC 8414 §3.3", readServer},
		{"send", "The app sends Bob there", "The app makes up a secret, the code verifier, and sends only its hash along: a stolen code is worth nothing without the secret. It says for which server the token is to be. " +
			"Nobody is logged in in Bob's browser yet, so the authorization server shows its login page.", "RFC 7636 §4.3, RFC 8707 §2", send},
		{"login", "Bob logs in", "The password goes to the authorization server, and nowhere else: the app never sees it. " +
			"Then the server works out what there is to ask Bob: what the app asked for, less what this app or Bob's role may not have.", "OAuth 2.1 §4.1.1", logIn},
		{"consent", "Bob consents", "The page says who asks, for what, and where the answer goes. Bob allows it, and his browser carries a code back to the app. " +
			"The app checks that the answer belongs to its own question (state) and comes from the server that it asked (iss).", "RFC 6749 §4.1.2, RFC 9207 §2", consent},
		{"token", "The app changes the code for tokens", "The code works once, for a minute, and only together with the secret that the app kept. What comes back is an access token for ten minutes and a refresh token for later.",
			"RFC 6749 §4.1.3, RFC 7636 §4.5", token},
		{"claims", "A look into the access token", "It is a signed JWT: everybody may read it, nobody can change it. The audience makes it useless at any other server, and the scope says what Bob allowed. " +
			"An app should not look inside; we do, to see.", "RFC 9068 §2.2", claims},
		{"answer", "The app asks again, with the token", "The MCP server checks signature, issuer, audience, expiry and scope, and then whether the pet is Bob's. It asks nobody for that: the public key is all it needs. So Bob gets his answer.",
			"RFC 6750 §2.1", answer},
		{"challenge", "The app wants to book an appointment", "The token is good, but Bob allowed only to read. The MCP server answers 403 and names the scope that is missing. The app now knows what to ask Bob for, and asks for no more.",
			"RFC 6750 §3.1", challenge},
		{"step-up", "Bob allows one thing more", "The app sends Bob to the authorization server again, with both scopes. He is still logged in there, so he sees only the consent page, and on it only the new scope. This is called step-up.",
			"MCP, Step-Up Authorization Flow", stepUp},
		{"book", "The app books", "With the new token the same call goes through. First we ask for three in the morning, to learn which times are free without booking one by accident; then we take the first of them.",
			"", book},
		{"role", "No consent can give what the role does not have", "Bob wants to change Fido's record. His role, Pet Owner, does not include that, so no consent page could help. " +
			"The MCP server therefore sends no challenge but a plain refusal that names the role: otherwise the app would send Bob in circles.", "", role},
		{"luna", "Somebody else's pet", "Luna is Alice's cat. Bob's token has the right scope, but Luna is not his, and the answer is the same as for a pet that does not exist. So nobody can find out by asking whose pets there are.",
			"OWASP API1:2023", luna},
		{"carol", "Carol, a vet, asks the same app", "Carol logs in with her own browser. Her role is Vet Staff, so the same app with the same scope shows her every pet.", "", carol},
		{"carol-changes", "Carol changes Fido's weight", "The call that was refused for Bob's role is challenged for Carol's: her role has the permission, and only her consent is missing. She gives it, and the weight is changed. It is put back at the end.",
			"", carolChanges},
		{"admin", "An administrator has nothing to allow", "The administrator rules over roles and applications, and may do nothing at the clinic. The consent page says so, and there is only one way: back.", "", admin},
		{"refresh", "Ten minutes later: refresh", "An access token lives for ten minutes. The app gets the next one for its refresh token, without Bob. Each refresh token works once: if an old one comes back, somebody stole it, and all of them end.",
			"RFC 9700 §4.14.2", refresh},
		{"chat", "The chat does the same by itself", "Everything until here was done by hand. Vet Assist AI, the chat, does all of it when Bob asks there: it shows a card, Bob's browser goes to the authorization server and comes back, " +
			"and the question answers itself.", "", chat},
		{"revoke", "The app gives its tokens back", "When Bob disconnects the app, it revokes its refresh token: nothing can be refreshed from now on. " +
			"The access token that it still has works until it expires, ten minutes at most, since the MCP server asks nobody.", "RFC 7009 §2", revoke},
		{"log-out", "Bob logs out", "There are two logins: one at the chat, one at the authorization server. Bob ends both, and the next app that sends him there meets the login page again.", "", logOut},
	}}
}
