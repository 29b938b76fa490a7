// Command mcpgo is an MCP server of mark3labs/mcp-go with one tool that adds two numbers. It checks no token.
//
//	mcpgo ADDRESS
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	s := server.NewMCPServer("bench", "1", server.WithToolCapabilities(false))
	s.AddTool(mcp.NewTool("add", mcp.WithNumber("a", mcp.Required()), mcp.WithNumber("b", mcp.Required())), add)
	http.Handle("/mcp", server.NewStreamableHTTPServer(s, server.WithStateLess(true), server.WithDisableStreaming(true)))
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

func add(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	a, err := r.RequireInt("a")
	if err != nil {
		return nil, err
	}
	b, err := r.RequireInt("b")
	if err != nil {
		return nil, err
	}
	return mcp.NewToolResultText(strconv.Itoa(a + b)), nil
}
