package attacks

const exactly = "Redirect URIs are compared as simple strings, byte for byte, with those that the client registered."

var redirects = []Attack{
	{
		ID: "redirect-suffix", Title: "A redirect URI that begins like the right one",
		Story:     "Mallory sends Bob a login link of Vet Assist AI in which the redirect URI has something appended: a path, a query, another domain.",
		Rule:      rfc("9700", "4.1.3", exactly),
		Otherwise: "The code would go to a host of Mallory's whose name begins with the honest one, or to a page that passes it on.",
	},
	{
		ID: "redirect-userinfo", Title: "The right host, as a user name",
		Story:     "Mallory puts the honest host before an @, where a URL has its user name. The host is hers.",
		Rule:      rfc("9700", "4.1.3", exactly),
		Otherwise: "A comparison of beginnings would be content, and the browser would go to Mallory.",
	},
	{
		ID: "redirect-fragment", Title: "A redirect URI with a fragment",
		Story:     "Mallory appends a fragment to the honest redirect URI, so that the parameters of the answer end up where only scripts see them.",
		Rule:      rfc("6749", "3.1.2", "A redirect URI must not have a fragment."),
		Otherwise: "A page that copies its fragment elsewhere would hand on the code, and the honest app would never get it.",
	},
	{
		ID: "redirect-encoded", Title: "The same characters, written otherwise",
		Story:     "Mallory writes the honest redirect URI with percent signs, backslashes, another case or a tab. Server and browser may not agree where that leads.",
		Rule:      rfc("9700", "4.1.3", exactly),
		Otherwise: "What the server decodes and finds right, the browser could read as Mallory's host.",
	},
	{
		ID: "redirect-traversal", Title: "Out of the right folder",
		Story:     "Mallory appends dots and slashes to the honest path, so that the browser ends at another page of the same host: one that passes on what it gets.",
		Rule:      rfc("9700", "4.1.3", exactly),
		Otherwise: "Any open redirector on that host would send the code on to her.",
	},
	{
		ID: "redirect-loopback", Title: "Names that sound like this machine",
		Story:     "Mallory uses localhost.evil.example, 127.0.0.1 in place of the registered name, or another port. Only an app that runs on Bob's machine may choose its port, and this one is a website.",
		Rule:      rfc("8252", "7.3", "The port alone is free, for loopback addresses of native apps alone."),
		Otherwise: "A program on Bob's machine, or a host far away, would get the codes of a website.",
	},
	{
		ID: "redirect-error", Title: "The login server as an open redirector",
		Story:     "Mallory registers a client whose redirect URI is a page that looks like the clinic. She sends people the login server's own link, with an error in it, so that it sends them on to her at once.",
		Rule:      rfc("9700", "4.11.2", "The authorization server sends nobody on by itself to an address that it has no reason to trust."),
		Otherwise: "A link that begins with the clinic's name would lead to Mallory's copy of the login page.",
	},
	{
		ID: "logout-redirect", Title: "Sent elsewhere after a logout",
		Story:     "Mallory sends Bob a logout link of the honest server, with an address of hers to go to afterwards.",
		Rule:      Rule{"OpenID Connect RP-Initiated Logout §3", "After a logout people are sent to an address that the client registered for that, exactly, or nowhere.", "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RedirectionAfterLogout"},
		Otherwise: "Bob has just seen the real page, and types his password into the next one, which is Mallory's.",
	},
}
