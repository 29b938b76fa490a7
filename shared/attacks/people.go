package attacks

var people = []Attack{
	{
		ID: "admin-user", Title: "Administration by somebody who is not an administrator",
		Story:     "Bob goes through the console's own login, with the console's client id and its scopes, and calls the admin API with what he gets, and without anything.",
		Rule:      rfc("6750", "3.1", "A request without a good token is answered 401; one whose token does not reach, 403."),
		Otherwise: "Everybody with a login would be an administrator who knows the address.",
	},
	{
		ID: "user-enumeration", Title: "Who has an account here?",
		Story:     "Mallory tries a wrong password for bob and for a name that nobody has, and compares what she sees.",
		Rule:      owasp("Authentication_Cheat_Sheet", "Authentication and Error Messages", "authentication-and-error-messages", "The answer is the same, in words and in status, whether or not there is such a user."),
		Otherwise: "Mallory would learn who is a customer, and guess passwords for real names only.",
	},
	{
		ID: "password-guessing", Title: "One password after the other",
		Story:     "Mallory tries passwords for one user, and at last the right one.",
		Rule:      rfc("6749", "10.10", "The authorization server keeps attackers from guessing passwords; here five wrong ones lock the name for half a minute, and each one more for longer."),
		Otherwise: "A list of the most frequent passwords would open a few accounts in every hundred.",
	},
	{
		ID: "parameter-twice", Title: "The same parameter twice",
		Story:     "Mallory sends parameters twice with two values, to the authorization endpoint and to the token endpoint. What checks may look at the first, and what acts at the last.",
		Rule:      rfc("6749", "3.1", "No parameter comes more than once; a request in which one does is refused."),
		Otherwise: "A redirect URI would be checked, and another one used.",
	},
	{
		ID: "ssrf-document", Title: "A client id that leads into the network",
		Story:     "Mallory says that her client describes itself at an address which only the server can reach: the cloud's metadata, the server itself, a private network, something that redirects. Bob is logged in and follows her link.",
		Rule:      Rule{"OAuth Client ID Metadata Document §6", "Who fetches an address that a stranger names fetches none that is special, private or its own.", "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-00#section-6"},
		Otherwise: "The server would fetch the cloud's credentials for Mallory, or knock at doors behind the firewall.",
	},
}

// last are those that move the clock of a local server, and the one that uses up what others need.
var last = []Attack{
	{
		ID: "code-expired", Title: "A code that lay about",
		Story:     "Mallory has all that belongs to a code of Bob's, and finds it in a log two minutes later. (The lab turns the clock of a local server.)",
		Rule:      rfc("6749", "4.1.2", "A code ends shortly after it was issued, ten minutes at most; here after one."),
		Otherwise: "Logs would be full of codes that still work.",
	},
	{
		ID: "token-expired", Title: "A token of yesterday",
		Story:     "Mallory finds a real access token of Bob's in a backup, whose time is over. (From outside nobody can sign one that is too old: so the lab turns the clock of a local server.)",
		Rule:      rfc("9068", "4", "The current time is before the one in exp, or the token is refused."),
		Otherwise: "Whatever leaks once would be good for ever.",
	},
	{
		ID: "registration-flood", Title: "A flood of registrations",
		Story:     "Mallory's program registers one client after the other, each with another name, until the table is full of them.",
		Rule:      rfc("7591", "3", "The registration endpoint may be limited, so that it cannot be flooded; here to thirty new clients an hour from one address."),
		Otherwise: "The table would grow for as long as Mallory likes, and the administrator's list would be hers.",
	},
}
