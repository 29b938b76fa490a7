//go:build unix

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
)

// BenchmarkToolCall is a call with all its checks, over the whole of the server but its connections: from the mux to the answer, through
// token, scope, owner and the SQLite file, with and without the flight recorder in a flood.
//
//	go test -run '^$' -bench ToolCall -benchmem ./functions/vetassist
func BenchmarkToolCall(b *testing.B) {
	for _, recorder := range []string{config.RecorderOff, config.RecorderOn} {
		b.Run("recorder "+recorder, func(b *testing.B) {
			c := newCaller(b, recorder)
			body := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_pet_vaccination_info","arguments":{"pet":"Fido"}}}`
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, c.URL+"/mcp", strings.NewReader(body))
				for name, v := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
					"MCP-Protocol-Version": "2025-06-18", "Authorization": "Bearer " + c.tokens[n%people]} {
					r.Header.Set(name, v)
				}
				w := httptest.NewRecorder()
				if c.inside.handler.ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "next vaccination") {
					got, _ := io.ReadAll(w.Body)
					b.Fatalf("%d %s", w.Code, got)
				}
				n++
			}
		})
	}
}
