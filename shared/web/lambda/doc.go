// Package lambda answers API Gateway HTTP API events (payload format 2.0) with an http.Handler that knows nothing of
// them, as the one that listens on a laptop.
//
//	event -> read (event.go) -> aws-lambda-go-api-proxy -> serve (serve.go) -> handler
//
// The conversion is that of aws-lambda-go-api-proxy v0.16.2, fed with an event that it cannot get wrong and corrected where it
// would be. Left alone it
//
//   - splits header values on commas, so that a User-Agent, an Accept or an Mcp-Param-* becomes several headers;
//   - parses the path as a URL. API Gateway decodes the path before it sends it, so "/100%25" arrives as "/100%", which
//     fails, and "/a%3Fb" as "/a?b", which turns into a query;
//   - keeps the prefix of a named stage;
//   - builds the query from API Gateway's map when there is no raw one, where repeated parameters are joined by commas;
//   - takes the host from the environment or the event, and a client's Host header into the header;
//   - gives http.Request.RemoteAddr without a port, which nothing that reads it expects;
//   - sends a Cookie header a cookie, and prints requests that it cannot read, queries with codes in them included;
//   - takes the last status of several, and headers set after the status, and fails when a handler writes nothing;
//   - lets an answer grow beyond what Lambda takes (6 MB), which loses it without a word.
//
// What it cannot know, it does not promise: API Gateway has decoded a "%2F" in a path to "/", and cuts the path at a "%3F"
// before it calls us.
//
// A handler's context ends a moment before the invocation does. A handler that has not answered by then is answered for: 503,
// Retry-After and the correlation id, instead of the function being killed and the client seeing API Gateway's own error. The
// handler may go on, in this invocation or, when Lambda freezes the process meanwhile, in the next ones; its context is over, and
// what it writes reaches nobody.
//
// The correlation id is API Gateway's request id, so that its access log, our log and the client's X-Request-Id agree. Under
// "sam local" it is Lambda's (samlocal.go).
package lambda
