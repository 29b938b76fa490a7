package mcp

import (
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// NewLong is New without the short way of direct.go, for the tests that compare the two.
func NewLong(c Config) (http.Handler, error) { return open(c, false) }

// IsPlain tells whether a request takes the short way.
func IsPlain(h http.Header, body string) bool {
	d := &direct{sessions: map[string]*sdk.ServerSession{}}
	for _, revision := range revisions {
		d.sessions[revision] = &sdk.ServerSession{}
	}
	c := readPlain([]byte(body))
	return c != nil && d.request(h, c) != nil
}
