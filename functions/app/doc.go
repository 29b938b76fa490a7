// Package app is Vet Assist AI: the chat page, the OAuth client and the MCP client behind it. It knows the MCP server by its
// URL and its own client_id, and finds out everything else over HTTP, as any stranger would.
//
// What happens to one message:
//
//	browser             app                                MCP server          authorization server
//	   | POST /chat      |                                      |                       |
//	   |---------------->| assistant.Next: which tool? (turn.go)|                       |
//	   |                 |------ server/discover, tools/list -->|                       |
//	   |                 |<----- 401, WWW-Authenticate ---------|                       |
//	   |                 | parse it (challenge.go)              |                       |
//	   |                 |------ resource metadata (discovery.go)                       |
//	   |                 |------ authorization server metadata ------------------------>|
//	   |                 | keep state hash, sealed code_verifier, issuer (authorize.go) |
//	   |<-- connect card |                                      |                       |
//	   |------------------------------- /oauth/authorize, login, consent -------------->|
//	   |<------------------------------ redirect: code, state, iss ---------------------|
//	   | GET /callback   |                                      |                       |
//	   |---------------->| state, then iss (callback.go)        |                       |
//	   |                 |------ code, code_verifier, resource ------------------------>|
//	   |                 |<----- access token, refresh token (tokens.go) ---------------|
//	   |                 | new session cookie; tokens sealed under it (session.go)      |
//	   |                 |------ the call that had to wait (resume.go) ---------------->|
//	   |<- 303 to /, with the answer                            |                       |
//
// A 403 with error="insufficient_scope" walks the same path for the permissions that are missing (step-up), and an access
// token that is about to end is refreshed on the way (refresh.go). A step-up is a grant of its own, so the refresh token of the
// login that it replaces is revoked (replaced.go).
//
// Where the flight recorder is on, trace.go tells it what was decided, and a question keeps its flow until it is answered, whatever it takes.
//
// Where the authorization server offers OpenID Connect, it says in an ID token who has logged in (openid.go). A conversation is one person's: when
// another one comes back from a step-up or from a new login, theirs is a new one, and a refresh that names another ends the login.
//
// It is a backend for frontend: the browser holds one cookie, never a token. The store holds the tokens encrypted under a key
// that only the cookie can make (seal.go), so neither alone opens anything. A client secret, where an authorization server insists on
// one, is of the whole app and lies there as it is, as the signing keys do.
//
// We do not use the SDK's own auth.AuthorizationCodeHandler: it waits for the code inside the MCP call, which a server that may
// be stopped between two requests cannot. Its interface, auth.OAuthHandler, is implemented in oauth_handler.go, and what
// would be waited for is a record in the store.
//
// How an authorization server knows us is a setting (registration.go): a client_id that it gave, the URL of a document that we serve
// (client_document.go), what it answers when we register (register.go), or what a person entered at the setup page of an app that nobody
// has set up yet (setup.go). What one authorization server gave, an id, a secret, a token, goes to no other.
//
// Where the authorization server and the MCP server both take proofs of possession, the tokens of a login are bound to a key of its own
// (dpop.go). Nobody has to choose that, and neither a refresh nor a step-up takes it away.
//
// A booking is handed to an agent (scheduling.go), where there is one: with the person's token and a key of its own it gets a token in which both
// are named (RFC 8693). Its key comes from who fills the store. What the agent is not let do, or is refused, the chat does itself.
//
// Whatever a server names, of its metadata or of its authorization server's endpoints, is asked through outgoing.go, which reaches nothing
// in our own network but what we are set up with.
//
// A tool may ask the person something before it answers (MCP, Elicitation). As with a permission, the turn ends there: the question is
// a form in the conversation (question.go, form.go), with the server's state sealed beside it, and the answer has the same call go
// on (answer.go, rounds.go). What is no form of simple fields is declined, and the person is told.
//
// Not supported: initial access tokens for registration, private_key_jwt (but for the agent) and mutual TLS, resources and prompts of the
// MCP server, elicitation by an address to go to. And where the authorization server has no OpenID Connect, nobody tells a client who has logged in:
// a person who switches user there in the middle of a step-up goes on with the conversation that is there. "Log in as somebody else" begins a new one.
package app
