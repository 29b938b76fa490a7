package diagram

import "github.com/vetassist/vetassist/shared/trace"

// Where the texts are. Each sentence of the catalogue is one of theirs, at most shortened; "…" stands for what was left out.
const (
	rfc      = "https://www.rfc-editor.org/rfc/rfc"
	mcp      = "https://modelcontextprotocol.io/specification/2026-07-28/basic/"
	mcpAuth  = mcp + "authorization"
	security = mcpAuth + "/security-considerations"
	openid   = "https://openid.net/specs/openid-connect-"
)

// catalogue is every rule. Those of a whole request come first, then those of what it carries; the order is that in which they are shown.
var catalogue = []entry{
	// Discovery
	{Rule{"Who protects this server", "MCP servers MUST implement the OAuth 2.0 Protected Resource Metadata (RFC9728) specification to indicate the locations of authorization servers.",
		"MCP Authorization, Authorization Server Location", mcpAuth + "/authorization-server-discovery#authorization-server-location", ""}, below("/.well-known/oauth-protected-resource"), false},
	{Rule{"The metadata is about the server that was asked", "The resource value returned MUST be identical to the protected resource's resource identifier value into which the well-known URI path suffix was inserted to create the URL used to retrieve the metadata.",
		"RFC 9728 §3.3", rfc + "9728#section-3.3", Response}, all(below("/.well-known/oauth-protected-resource"), succeeded), false},
	{Rule{"The metadata is the issuer's own", "The issuer value in the document MUST be identical to the issuer identifier used to construct the well-known URL. If they differ, the client MUST NOT use the metadata.",
		"MCP Authorization, Authorization Server Metadata Discovery (RFC 8414 §3.3, OpenID Connect Discovery §4.3)", mcpAuth + "/authorization-server-discovery#authorization-server-metadata-discovery", Response},
		below("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"), false},
	{Rule{"No PKCE, no login", "If code_challenge_methods_supported is absent, the authorization server does not support PKCE and MCP clients MUST refuse to proceed.",
		"MCP Authorization, Authorization Code Protection", security + "#authorization-code-protection", Response}, below("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"), false},
	{Rule{"The public keys", "The value of the \"keys\" parameter is an array of JWK values.",
		"RFC 7517 §5.1", rfc + "7517#section-5.1", Response}, at("/.well-known/jwks.json"), false},
	{Rule{"A client that describes itself", "The client_id URL MUST use the \"https\" scheme and contain a path component … Clients MUST ensure the client_id value in the metadata matches the document URL exactly.",
		"MCP Authorization, Client ID Metadata Documents", mcpAuth + "/client-registration#client-id-metadata-documents", Response}, at("/oauth-client.json"), false},

	// A challenge for a proof of a key is about nothing else
	{Rule{"The proof must be fresh", "This section specifies a mechanism using opaque nonces provided by the server that can be used to limit the lifetime of DPoP proofs.",
		"RFC 9449 §8", rfc + "9449#section-8", Response}, all(at("/oauth/token"), refuses("use_dpop_nonce")), false},
	{Rule{"The proof must be fresh", "Resource servers can also choose to provide a nonce value to be included in DPoP proofs sent to them.",
		"RFC 9449 §9", rfc + "9449#section-9", Response}, all(to(trace.MCP), refuses("use_dpop_nonce")), false},

	// The MCP server's door
	{Rule{"No token: where to get one", "MCP clients MUST be able to parse WWW-Authenticate headers and respond appropriately to HTTP 401 Unauthorized responses from the MCP server.",
		"MCP Authorization, Protected Resource Metadata Discovery Requirements", mcpAuth + "/authorization-server-discovery#protected-resource-metadata-discovery-requirements", Response}, all(to(trace.MCP), answers(401), not(sends("Authorization"))), false},
	{Rule{"The challenge names the metadata", "This specification introduces a new parameter in the WWW-Authenticate HTTP response header field to indicate the protected resource metadata URL: resource_metadata.",
		"RFC 9728 §5.1", rfc + "9728#section-5.1", Response}, all(challenged, answers(401, 403)), false},
	{Rule{"The challenge names the scope", "MCP servers SHOULD include a scope parameter in the WWW-Authenticate header … to indicate the scopes required for accessing the resource.",
		"MCP Authorization, Scope Selection Strategy", mcpAuth + "#scope-selection-strategy", Response}, all(to(trace.MCP), answers(401), challenged, not(refuses("use_dpop_nonce"))), false},
	{Rule{"A token that is not valid", "The access token provided is expired, revoked, malformed, or invalid for other reasons. The resource SHOULD respond with the HTTP 401 (Unauthorized) status code.",
		"RFC 6750 §3.1", rfc + "6750#section-3.1", Response}, all(challenged, refuses("invalid_token")), false},
	{Rule{"A permission is missing", "The request requires higher privileges than provided by the access token. The resource server SHOULD respond with the HTTP 403 (Forbidden) status code and MAY include the \"scope\" attribute with the scope necessary to access the protected resource.",
		"RFC 6750 §3.1", rfc + "6750#section-3.1", Response}, refuses("insufficient_scope"), false},
	{Rule{"All that is missing, at once", "Servers SHOULD include all scopes required for the current operation in a single challenge.",
		"MCP Authorization, Runtime Insufficient Scope Errors", mcpAuth + "#runtime-insufficient-scope-errors", Response}, all(to(trace.MCP), refuses("insufficient_scope")), false},
	{Rule{"The token goes into the header", "MCP client MUST use the Authorization request header field … Access tokens MUST NOT be included in the URI query string.",
		"MCP Authorization, Token Requirements", mcpAuth + "#token-requirements", Request}, all(to(trace.MCP), sends("Authorization")), false},
	{Rule{"Made for this server, or refused", "MCP servers MUST only accept tokens specifically intended for themselves and MUST reject tokens that do not include them in the audience claim or otherwise verify that they are the intended recipient of the token.",
		"MCP Authorization, Access Token Privilege Restriction", security + "#access-token-privilege-restriction", ""}, all(to(trace.MCP), sends("Authorization")), false},
	{Rule{"The audience is checked", "The resource server MUST validate that the \"aud\" claim contains a resource indicator value corresponding to an identifier the resource server expects for itself.",
		"RFC 9068 §4", rfc + "9068#section-4", ""}, all(to(trace.MCP), sends("Authorization")), false},
	{Rule{"Who acts for whom", "The act (actor) claim provides a means within a JWT to express that delegation has occurred and identify the acting party to whom authority has been delegated.",
		"RFC 8693 §4.1", rfc + "8693#section-4.1", ""}, anyOf(acts("Authorization"), acts("access_token")), false},
	{Rule{"A refusal of the tool itself", "Tools use two error reporting mechanisms … tool execution errors … are reported in tool results with isError: true.",
		"MCP, Tools, Error Handling", "https://modelcontextprotocol.io/specification/2026-07-28/server/tools#error-handling", Response}, all(to(trace.MCP), toolFailed), false},
	{Rule{"The flow travels along", "The keys traceparent, tracestate, and baggage are reserved for OpenTelemetry trace context propagation. When present, their values MUST follow W3C Trace Context and W3C Baggage formats respectively.",
		"MCP, _meta", mcp + "#meta", Request}, traced, false},
	{Rule{"The server asks the person", "Servers MUST include at least one of inputRequests or requestState in every InputRequiredResult response.",
		"MCP, Multi Round-Trip Requests", mcp + "patterns/mrtr#server-requirements-basic-workflow", Response}, all(to(trace.MCP), wantsInput), false},
	{Rule{"Nothing secret in a form", "Servers MUST NOT use form mode elicitation to request sensitive information such as passwords, API keys, access tokens, or payment credentials.",
		"MCP, Elicitation", "https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#user-interaction-model", Response}, all(to(trace.MCP), wantsInput), false},
	{Rule{"What comes back could be forged", "If a client request contains a requestState field, servers MUST treat requestState as an attacker-controlled input.",
		"MCP, Multi Round-Trip Requests", mcp + "patterns/mrtr#server-requirements-basic-workflow", Request}, all(to(trace.MCP), givesInput), false},
	{Rule{"The header says what the body says", "The header value MUST match the io.modelcontextprotocol/protocolVersion field carried in the request body's _meta. If the values do not match, the server MUST reject the request.",
		"MCP, Streamable HTTP, Protocol Version Header", mcp + "transports/streamable-http#protocol-version-header", Request}, all(to(trace.MCP), sends("Mcp-Method")), false},

	// The authorization request
	{Rule{"A page that nobody can frame", "Authorization servers MUST prevent clickjacking attacks.",
		"RFC 9700 §4.16", rfc + "9700#section-4.16", Response}, all(to(trace.OAuth), page), false},
	{Rule{"PKCE", "MCP clients MUST implement PKCE … and MUST verify PKCE support before proceeding with authorization … MCP clients MUST use the S256 code challenge method when technically capable.",
		"MCP Authorization, Authorization Code Protection (RFC 7636)", security + "#authorization-code-protection", Request}, all(at("/oauth/authorize", "/oauth/par"), anyOf(asked("code_challenge"), filled("code_challenge"))), false},
	{Rule{"For which server the token is wanted", "MCP clients MUST implement Resource Indicators for OAuth 2.0 … to explicitly specify the target resource for which the token is being requested. The resource parameter MUST be included in both authorization requests and token requests.",
		"MCP Authorization, Resource Parameter Implementation (RFC 8707)", mcpAuth + "#resource-parameter-implementation", Request}, anyOf(all(at("/oauth/authorize", "/oauth/par"), anyOf(asked("resource"), filled("resource"))), all(at("/oauth/token"), filled("resource"))), false},
	{Rule{"The answer goes to a known address only", "When comparing client redirection URIs against pre-registered URIs, authorization servers MUST utilize exact string matching except for port numbers in localhost redirection URIs of native apps.",
		"RFC 9700 §2.1", rfc + "9700#section-2.1", Request}, all(at("/oauth/authorize", "/oauth/par"), anyOf(asked("redirect_uri"), filled("redirect_uri"))), false},
	{Rule{"The answer belongs to this browser", "The client SHOULD utilize the \"state\" request parameter to deliver this value to the authorization server when making an authorization request.",
		"RFC 6749 §10.12", rfc + "6749#section-10.12", Request}, all(at("/oauth/authorize", "/oauth/par"), anyOf(asked("state"), filled("state"))), false},
	{Rule{"Who is this client?", "Authorization servers … MUST validate that the fetched document's client_id matches the URL exactly … MUST validate redirect URIs presented in an authorization request against those in the metadata document.",
		"MCP Authorization, Client ID Metadata Documents", mcpAuth + "/client-registration#implementation-requirements", Request}, all(at("/oauth/authorize", "/oauth/par"), namedByURL), false},
	{Rule{"First of all: who is it?", "The authorization server MUST first verify the identity of the resource owner.",
		"RFC 6749 §3.1", rfc + "6749#section-3.1", ""}, anyOf(at("/oauth/login"), below("/oauth/passkey/"), all(at("/oauth/authorize"), func(r trace.Record) bool { return destination(r.Response.Header("Location")) == "login" })), false},
	{Rule{"The password stays here", "An authorization server that redirects a request potentially containing user credentials MUST avoid forwarding these user credentials accidentally.",
		"RFC 9700 §2.1", rfc + "9700#section-2.1", Response}, all(at("/oauth/login"), method("POST"), answers(302, 303)), false},
	{Rule{"Nothing without the person's consent", "The authorization server MUST … ensure that a malicious client cannot obtain authorization without the awareness and explicit consent of the resource owner.",
		"RFC 6749 §10.12", rfc + "6749#section-10.12", ""}, at("/oauth/consent"), false},
	{Rule{"A request that is not redirected", "If the request fails due to a missing, invalid, or mismatching redirection URI, or if the client identifier is missing or invalid, the authorization server SHOULD inform the resource owner of the error and MUST NOT automatically redirect the user-agent to the invalid redirection URI.",
		"RFC 6749 §4.1.2.1", rfc + "6749#section-4.1.2.1", Response}, all(at("/oauth/authorize"), answers(400)), false},
	{Rule{"A pushed request", "The client MUST only use a request_uri value once. Authorization servers SHOULD treat request_uri values as one-time use.",
		"RFC 9126 §4", rfc + "9126#section-4", ""}, anyOf(at("/oauth/par"), all(at("/oauth/authorize"), asked("request_uri"))), false},

	// Its answer
	{Rule{"Nobody agreed", "access_denied: The resource owner or authorization server denied the request.",
		"RFC 6749 §4.1.2.1", rfc + "6749#section-4.1.2.1", ""}, anyOf(redirectsWith("access_denied"), all(at("/callback"), asked("error"))), false},
	{Rule{"A code lives shortly", "The authorization code MUST expire shortly after it is issued to mitigate the risk of leaks.",
		"RFC 6749 §4.1.2", rfc + "6749#section-4.1.2", Response}, all(to(trace.OAuth), redirects("code")), false},
	{Rule{"The answer says whose it is", "MCP authorization servers SHOULD include the iss parameter in authorization responses, including error responses.",
		"MCP Authorization, Authorization Response Validation (RFC 9207 §2)", mcpAuth + "#authorization-response-validation", Response}, all(to(trace.OAuth), redirects("iss")), false},
	{Rule{"From the server that was asked, or not at all", "If the value does not match the expected issuer identifier, clients MUST reject the authorization response and MUST NOT proceed with the authorization grant.",
		"RFC 9207 §2.4", rfc + "9207#section-2.4", Request}, all(to(trace.App), at("/callback"), asked("iss")), false},
	{Rule{"Only an answer to one's own request", "MCP clients SHOULD use and verify state parameters in the authorization code flow and discard any results that do not include or have a mismatch with the original state.",
		"MCP Authorization, Open Redirection", security + "#open-redirection", Request}, all(to(trace.App), at("/callback")), false},

	// The token endpoint
	{Rule{"One code, one use", "The client MUST NOT use the authorization code more than once. If an authorization code is used more than once, the authorization server MUST deny the request and SHOULD revoke (when possible) all tokens previously issued based on that authorization code.",
		"RFC 6749 §4.1.2", rfc + "6749#section-4.1.2", Request}, grant("authorization_code"), false},
	{Rule{"The code needs its verifier", "If the values are not equal, an error response indicating \"invalid_grant\" … MUST be returned.",
		"RFC 7636 §4.6", rfc + "7636#section-4.6", Request}, grant("authorization_code"), false},
	{Rule{"A new refresh token each time", "Refresh token rotation: the authorization server issues a new refresh token with every access token refresh response. The previous refresh token is invalidated, but information about the relationship is retained by the authorization server.",
		"RFC 9700 §4.14.2", rfc + "9700#section-4.14.2", ""}, grant("refresh_token"), false},
	{Rule{"A stolen refresh token is of little use", "Refresh tokens for public clients MUST be sender-constrained or use refresh token rotation.",
		"RFC 9700 §2.2.2", rfc + "9700#section-2.2.2", ""}, grant("refresh_token"), false},
	{Rule{"A program for itself", "The client credentials grant type MUST only be used by confidential clients.",
		"RFC 6749 §4.4", rfc + "6749#section-4.4", Request}, grant("client_credentials"), false},
	{Rule{"A task is handed on", "The act (actor) claim provides a means within a JWT to express that delegation has occurred and identify the acting party to whom authority has been delegated.",
		"RFC 8693 §4.1", rfc + "8693#section-4.1", ""}, grant("urn:ietf:params:oauth:grant-type:token-exchange"), false},
	{Rule{"Somebody else vouches", "The JWT MUST contain an \"aud\" (audience) claim containing a value that identifies the authorization server as an intended audience.",
		"RFC 7523 §3", rfc + "7523#section-3", Request}, anyOf(grant("urn:ietf:params:oauth:grant-type:jwt-bearer"), filled("client_assertion")), false},
	{Rule{"The device asks and waits", "The authorization request is still pending as the end user hasn't yet completed the user-interaction steps.",
		"RFC 8628 §3.5", rfc + "8628#section-3.5", Response}, refuses("authorization_pending", "slow_down"), false},
	{Rule{"A device without a browser", "In response, the authorization server generates a unique device verification code and an end-user code that are valid for a limited time.",
		"RFC 8628 §3.2", rfc + "8628#section-3.2", ""}, anyOf(at("/oauth/device_authorization", "/oauth/device"), grant("urn:ietf:params:oauth:grant-type:device_code")), false},
	{Rule{"An answer that nobody may keep", "The authorization server MUST include the HTTP \"Cache-Control\" response header field with a value of \"no-store\" in any response containing tokens, credentials, or other sensitive information.",
		"RFC 6749 §5.1", rfc + "6749#section-5.1", Response}, all(at("/oauth/token"), gives("access_token")), false},
	{Rule{"What kind of token it is", "JWT access tokens MUST include this media type in the \"typ\" header parameter to explicitly declare that the JWT represents an access token complying with this profile.",
		"RFC 9068 §2.1", rfc + "9068#section-2.1", Response}, all(at("/oauth/token"), gives("access_token")), false},
	{Rule{"For one server only", "The authorization server SHOULD audience-restrict issued access tokens to the resource(s) indicated by the resource parameter.",
		"RFC 8707 §2", rfc + "8707#section-2", Response}, all(at("/oauth/token"), gives("access_token")), false},
	{Rule{"Who has logged in", "The Client MUST validate that the aud (audience) Claim contains its client_id value registered at the Issuer identified by the iss (issuer) Claim as an audience.",
		"OpenID Connect Core §3.1.3.7", openid + "core-1_0.html#IDTokenValidation", Response}, gives("id_token"), false},
	{Rule{"Not valid, or not yours", "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
		"RFC 6749 §5.2", rfc + "6749#section-5.2", Response}, refuses("invalid_grant"), false},
	{Rule{"A refusal says which", "The authorization server responds with an HTTP 400 (Bad Request) status code (unless specified otherwise) and includes the following parameters with the response: error …",
		"RFC 6749 §5.2", rfc + "6749#section-5.2", Response}, all(at("/oauth/token", "/oauth/par", "/oauth/device_authorization", "/oauth/introspect", "/oauth/revoke"), gives("error"), not(refuses("invalid_grant", "use_dpop_nonce", "authorization_pending", "slow_down"))), false},

	// Proofs of a key
	{Rule{"The token is bound to a key", "To request an access token that is bound to a public key using DPoP, the client MUST provide a valid DPoP proof JWT in a DPoP header when making an access token request to the authorization server's token endpoint.",
		"RFC 9449 §5", rfc + "9449#section-5", Request}, all(at("/oauth/token"), sends("DPoP")), false},
	{Rule{"A proof for this call and this token", "If presented to a protected resource in conjunction with an access token, ensure that the value of the ath claim equals the hash of that access token, and confirm that the public key to which the access token is bound matches the public key from the DPoP proof.",
		"RFC 9449 §4.3", rfc + "9449#section-4.3", Request}, all(sends("DPoP"), sendsScheme("DPoP")), false},

	// The other endpoints
	{Rule{"A client introduces itself", "The server responds with an HTTP 201 Created status code and a body of type \"application/json\" with content as described in Section 3.2.1.",
		"RFC 7591 §3.1", rfc + "7591#section-3.1", ""}, at("/oauth/register"), false},
	{Rule{"The client says what it is", "MCP clients MUST specify an appropriate application_type during Dynamic Client Registration.",
		"MCP Authorization, Dynamic Client Registration", mcpAuth + "/client-registration#application-type-and-redirect-uri-constraints", Request}, at("/oauth/register"), false},
	{Rule{"A token is taken back", "The authorization server responds with HTTP status code 200 if the token has been revoked successfully or if the client submitted an invalid token.",
		"RFC 7009 §2.2", rfc + "7009#section-2.2", Response}, at("/oauth/revoke"), false},
	{Rule{"Not everybody may ask", "To prevent token scanning attacks, the endpoint MUST also require some form of authorization to access this endpoint.",
		"RFC 7662 §2.1", rfc + "7662#section-2.1", Request}, at("/oauth/introspect"), false},
	{Rule{"About the same person", "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the ID Token; if they do not match, the UserInfo Response values MUST NOT be used.",
		"OpenID Connect Core §5.3.2", openid + "core-1_0.html#UserInfoResponse", Response}, at("/oauth/userinfo"), false},
	{Rule{"Nobody is logged out by surprise", "At the Logout Endpoint, the OP SHOULD ask the End-User whether to log out of the OP as well. Furthermore, the OP MUST ask the End-User this question if an id_token_hint was not provided.",
		"OpenID Connect RP-Initiated Logout §2", openid + "rpinitiated-1_0.html#RPLogout", ""}, all(to(trace.OAuth), anyOf(at("/oauth/logout"), below("/oauth/logout/"))), false},
	{Rule{"Tokens stay on the server", "Clients and servers MUST implement secure token storage and follow OAuth best practices.",
		"MCP Authorization, Token Theft", security + "#token-theft", ""}, all(from(trace.Browser), to(trace.App), not(at("/callback"))), false},
	{Rule{"One step up", "Clients acting on behalf of a user SHOULD attempt the step-up authorization flow.",
		"MCP Authorization, Step-Up Authorization Flow", mcpAuth + "#step-up-authorization-flow", ""}, all(to(trace.App), at("/connect")), false},

	// Strangers
	{Rule{"A stranger's address is asked with care", "Authorization servers fetching metadata documents SHOULD consider Server-Side Request Forgery (SSRF) risks.",
		"MCP Authorization, Authorization Server Abuse Protection", security + "#authorization-server-abuse-protection", ""}, all(from(trace.OAuth), to(trace.Outside)), false},
	{Rule{"What one server gave goes to no other", "Clients … MUST associate those credentials with the specific authorization server that issued them, keyed by the authorization server's issuer identifier.",
		"MCP Authorization, Authorization Server Binding", mcpAuth + "/client-registration#authorization-server-binding", ""}, all(from(trace.App), to(trace.Outside)), false},

	// What is left
	{Rule{"A status that says what is wrong", "Servers MUST return appropriate HTTP status codes for authorization errors.",
		"MCP Authorization, Error Handling", mcpAuth + "#error-handling", Response}, to(trace.MCP), true},
	{Rule{"No parameter twice", "Request and response parameters MUST NOT be included more than once.",
		"RFC 6749 §3.1", rfc + "6749#section-3.1", Request}, anyOf(to(trace.OAuth), to(trace.App), to(trace.JWKS)), true},
}
