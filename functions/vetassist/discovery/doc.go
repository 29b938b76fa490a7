// Package discovery finds, for an MCP client without a person, where it gets its tokens: whom the MCP server trusts (RFC 9728), and what that
// one offers (RFC 8414). The nightly job and the federated client begin here. The chat app has a discovery of its own, since it has to find an
// authorization server that it does not know yet.
package discovery
