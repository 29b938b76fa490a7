package trace

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRecord is the work of a tool call's record, without the store: what a request waits for, and what is done behind its back.
//
//	go test -run '^$' -bench Record ./shared/trace
func BenchmarkRecord(b *testing.B) {
	w := newWorld(b)
	answer := `{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"` + strings.Repeat("Fido is due for Rabies. ", 20) + `"}],"structuredContent":{"pets":[]}}}`
	handler := http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, answer)
	})
	ask := func(h http.Handler) {
		req := httptest.NewRequest("POST", base+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","arguments":{}}}`))
		for name, v := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": "2025-06-18",
			"User-Agent": "Host/1", "Authorization": "Bearer " + jwt} {
			req.Header.Set(name, v)
		}
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
	b.Run("request", func(b *testing.B) {
		r := w.process(w.store, false)
		r.queue = make(chan *span, b.N+1) // nobody takes from it
		r.limit.SetBurst(1 << 30)
		h := r.Handler(MCP, handler)
		b.ReportAllocs()
		for b.Loop() {
			ask(h)
		}
	})
	b.Run("no recorder", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ask(handler)
		}
	})
	b.Run("behind its back", func(b *testing.B) {
		var s *span
		ask(w.Handler(MCP, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) { s = from(req.Context()); handler(rw, req) })))
		w.bytes.SetBurst(1 << 40)
		b.ReportAllocs()
		for b.Loop() {
			w.flows.Purge()
			w.ops(s)
		}
	})
}

// What scrub looks for before its patterns do is what they find.
func TestScrubLooksFirst(t *testing.T) {
	for _, text := range []string{"", "Fido", strings.Repeat("a", 39), strings.Repeat("a", 40), strings.Repeat("a-", 19) + "a", strings.Repeat("A_0", 13) + " b" + strings.Repeat("z9", 20),
		strings.Repeat("é", 60), strings.Repeat("a", 39) + "é" + strings.Repeat("a", 39), strings.Repeat("Z", 41) + "!", " " + strings.Repeat("9", 64)} {
		if got, want := long(text), longPattern().MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, name := range []string{"client_secret", "password", "new_password", "access_token", "refresh_token", "registration_access_token", "token", "code", "user_code", "device_code",
		"client_assertion", "assertion", "code_verifier", "verification_uri_complete", "requestState", "state", "html", "status_html", "CLIENT_SECRET",
		"tokens", "a_state", "mytoken", "myassertion", "the_html", "RequestState", "postcode"} {
		text := `{"x":1,"` + name + `" : "x"}`
		if got, want := named(text), namePattern().MatchString(text) || htmlPattern().MatchString(text); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if named(`{"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"Fido"}]}}`) {
		t.Error("a tool's answer is looked at for nothing")
	}
}
