package visitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// stateless is the first revision without a handshake: each request says in headers and in _meta what it is.
const stateless = "2026-07-28"

// MCP posts a JSON-RPC message to the MCP server, with a token unless that is empty. Headers come as name, value.
func (c *Client) MCP(ctx context.Context, token, message string, headers ...string) (Answer, error) {
	all := []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream"}
	if c.Revision != "" {
		all = append(all, "MCP-Protocol-Version", c.Revision)
	}
	if token != "" {
		all = append(all, "Authorization", "Bearer "+token)
	}
	return c.Send(ctx, http.MethodPost, c.Base+"/mcp", message, append(all, headers...)...)
}

// Call calls a method as the client's revision does: since 2026-07-28 with the headers that repeat the body, and with _meta.
func (c *Client) Call(ctx context.Context, token, method string, params map[string]any) (Answer, error) {
	message, headers, err := c.Message(method, params)
	if err != nil {
		return Answer{}, err
	}
	return c.MCP(ctx, token, message, headers...)
}

// Message is a request as the client's revision writes it, and its headers.
func (c *Client) Message(method string, params map[string]any) (message string, headers []string, err error) {
	all := map[string]any{}
	for name, value := range params {
		all[name] = value
	}
	if c.Revision >= stateless {
		const key = "io.modelcontextprotocol/"
		all["_meta"] = map[string]any{key + "protocolVersion": c.Revision, key + "clientCapabilities": map[string]any{},
			key + "clientInfo": map[string]any{"name": "vetassist-visitor", "version": "1.0"}}
		headers = []string{"Mcp-Method", method}
		if name, ok := params["name"].(string); ok {
			headers = append(headers, "Mcp-Name", name)
		} else if uri, ok := params["uri"].(string); ok {
			headers = append(headers, "Mcp-Name", uri)
		}
	}
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": all})
	return string(text), headers, err
}

// CallTool calls a tool. args is anything that JSON can write as an object.
func (c *Client) CallTool(ctx context.Context, token, name string, args any) (Answer, error) {
	return c.Call(ctx, token, "tools/call", map[string]any{"name": name, "arguments": args})
}

// Result is what a JSON-RPC answer holds, result or error.
type Result struct {
	Result struct {
		IsError    bool            `json:"isError"`
		Structured json.RawMessage `json:"structuredContent"`
		Content    []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Text is what the tool says, or why it was not called.
func (r Result) Text() string {
	if len(r.Result.Content) > 0 {
		return r.Result.Content[0].Text
	}
	return r.Error.Message
}

// Result reads the answer of the MCP server.
func (a Answer) Result() (Result, error) {
	var r Result
	if err := json.Unmarshal(bytes.TrimSpace(a.Body), &r); err != nil {
		return r, fmt.Errorf("the MCP server answered %d, and no JSON: %.200s", a.Status, a.Body)
	}
	return r, nil
}
