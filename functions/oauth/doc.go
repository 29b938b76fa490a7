// Package oauth is the authorization server: OAuth 2.1 with the parts that MCP asks for.
//
//	browser                         this package                              client
//	  | GET /oauth/authorize?…           | request.go: client and redirect_uri first,
//	  |--------------------------------->| then the rest, as a list of checks
//	  |        303 /oauth/login?…        | login.go: who is it?
//	  |<---------------------------------|
//	  | POST username, password          | session.go: a new session, its hash in the store
//	  |--------------------------------->|
//	  | GET /oauth/authorize?…           | decide.go: requested ∩ client ∩ roles
//	  |--------------------------------->| consent.go: asks for what is not consented yet
//	  | POST decision=approve, scope=…   | code.go: a code, 60 seconds, used once
//	  |--------------------------------->|
//	  |        303 {redirect_uri}?code=…&state=…&iss=…
//	  |<---------------------------------|
//	  |                                  | token.go: authenticates the client, then one file a grant:
//	  |                                  |<----- POST /oauth/token -------------|
//	  |                                  | grant_code.go, grant_refresh.go      |
//	  |                                  |------ access and refresh token ----->|
//
// A login is by password (login.go; wrong ones lock the name for a while, package directory, and slow down an address, limit.go) or by passkey (passkey.go,
// passkey_login.go, passkey_challenge.go). What is open, logins and grants, lies in package access.
//
// Everybody who can log in has an account page (account.go): what they allowed applications and what an issuer
// let in without asking them, where they are logged in, passkeys and password, and each of them can be taken back, ended or changed there. What began before a person was signed
// out everywhere is over: a login at its next page (session.go, visit), a code or a grant at its next token (grant.go,
// standing).
//
// A client that nobody here knows registers itself (register.go, RFC 7591), where the setting lets it: as many an hour as register_limit.go
// says, with an initial access token where one is asked for. Clients that say the same of themselves are one, unless they have
// a secret; one that nobody allowed anything is forgotten after a day (package directory). A registration is not read, changed or
// deleted by the client (RFC 7592), and software statements are ignored (RFC 7591 §2.3).
//
// A client that nobody here knows may instead name itself by the URL of a document that describes it (client_document.go;
// draft-ietf-oauth-client-id-metadata-document-00). Its host is asked for that only when a person has logged in (client_fetch.go), and what it
// says is kept as a client of the directory. client_metadata.go reads what either kind says of itself. Nothing of a request of such a client
// is answered before a login, not even with an error; the consent page says that its name is its own word. Logos are not shown: they would
// be pictures of strangers on our page.
//
// A redirect URI fits byte for byte, but for the port of a native client's own machine (directory.Client.HasRedirect). A client that proves
// nothing and is answered there, or at a scheme of its own, is asked about each time (authorize.go, couldBeAnybody).
//
// A client may push its request instead of having the browser carry it (push.go, RFC 9126): then a name for it travels from page to page. One
// name, one answer.
//
// A device without a browser shows a code (device.go, RFC 8628) that a person types elsewhere (device_page.go, user_code.go), and asks for its
// tokens until that person has decided (grant_device.go). An administrator makes such an application; what registered itself has no such grant.
//
// An application that acts for no user gets its token at once, for its secret or its signature and its own roles: grant_client.go.
//
// An agent that a user's application hands its token to gets one of its own for it, in which both stand: grant_exchange.go (RFC 8693). That is
// delegation only: a token that hides who acts (impersonation) is not to be had. Nor is any other kind of subject_token than our access tokens,
// an actor_token beside the agent's authentication, or a token for another server than the user's. The user is told on the consent page and under My
// account, not asked once more when an administrator names another agent.
//
// Somebody elsewhere whom an administrator trusts can vouch for a user, or for a program (grant_jwt.go, RFC 7523): an enterprise for its people,
// which stands for their login and consent (grant_id_jag.go), a platform for what runs on it (grant_workload.go). We vouch for our own people to
// servers that an administrator named (exchange_id_jag.go), for as long as the login stands that the ID token tells of. What was granted so ends with
// the trust that it stands on.
//
// Who a client is, client.go finds out: by name, by a secret, or by a JWT that it signed (client_assertion.go) with a key that it registered or
// publishes (client_keys.go). What a token is good for now, as opposed to what it says, introspect.go tells.
//
// A token request that comes with a proof of a key (dpop.go, RFC 9449; package dpop checks it) gets an access token that is bound to the key;
// the refresh tokens of clients that prove nothing else are bound to it too, and a code is when the authorization request named the key
// (dpop_jkt). Whoever sends no proof gets bearer tokens, unless the client is registered for bound ones only. Bearer or bound, a resource
// server sees it in the token, as it does in the answer of introspection.
//
// The authorization request itself is kept nowhere, unless it was pushed: it travels as the query from page to page, and every page checks it
// anew. The consent form is bound to that query and to the session by its form token (session.go), so what was
// shown is what is decided.
//
// Who somebody is, OpenID Connect tells (identity.go, id_token.go, userinfo.go): the scopes openid and profile stand outside the formula and inside the
// consent. A request for nothing but them, without resource, is a plain login, whose token is for the userinfo endpoint alone. Requests may ask
// for another login (prompt, max_age) or a certain person (id_token_hint). A client may end a login (logout_client.go), without a question only with an
// ID token of that very login. ID tokens are of ES256 alone, as all that we sign: RS256, which Core §15.1 and Discovery §3 demand of every provider,
// would be a second kind of key for clients that cannot verify the first, and MCP has none. They live ten minutes, as access tokens do, so that keys can go.
//
// What was compared on the way to an answer, trace.go tells the flight recorder, where one is on: no more of a refusal than the answer tells.
//
// Every login, consent, code, token, revocation, refusal and change of an account is recorded in the audit log (record.go); a form that came too
// late or from another site's page is none of these.
//
// Not supported, and therefore not in the metadata: response types other than code, response modes other than query,
// client_secret_jwt, SAML assertions (RFC 7522), users made by an issuer's word (just-in-time provisioning), issuers of several tenants, client
// certificates (RFC 8705), signed answers of introspection (RFC 9701), request objects (RFC 9101, OpenID Connect Core §6:
// whoever sends one is told so), and of OpenID Connect: the claims parameter, pairwise subjects, encrypted or signed userinfo, addresses of
// email (the scope is dropped: we have none), front- and back-channel logout. offline_access asks for what every client gets that registered for
// refresh tokens.
package oauth
