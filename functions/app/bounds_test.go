package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/store"
)

func TestBadMessages(t *testing.T) {
	w := newWorld(t)
	const j, f = "application/json", "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"no JSON", j, "hello", 400, "invalid_request"},
		{"half JSON", j, `{"message":"x"`, 400, "invalid_request"},
		{"more JSON", j, `{"message":"x"}{"message":"y"}`, 400, "invalid_request"},
		{"not an object", j, `["message"]`, 400, "invalid_request"},
		{"not a text", j, `{"message":7}`, 400, "invalid_request"},
		{"no message", j, `{}`, 400, "invalid_request"},
		{"empty", j, `{"message":" \n "}`, 400, "invalid_request"},
		{"control characters", j, `{"message":"\u0000\u0007"}`, 400, "invalid_request"},
		{"too long", j, `{"message":"` + strings.Repeat("a", maxMessage+1) + `"}`, 413, "too_large"},
		{"far too long", j, `{"message":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "too_large"},
		{"longest", j, `{"message":"` + strings.Repeat("a", maxMessage) + `"}`, 200, ""},
		{"longest, escaped", j, `{"message":"` + strings.Repeat(`\u0061`, maxMessage) + `"}`, 200, ""},
		{"another type", "text/plain", `{"message":"x"}`, 415, "unsupported_media_type"},
		{"no type", "", `{"message":"x"}`, 415, "unsupported_media_type"},
		{"empty form", f, "message=", 400, ""},
		{"long form", f, "message=" + strings.Repeat("a", maxMessage+1), 413, ""},
		{"bad form", f, "message=%zz", 400, ""},
		{"form of no UTF-8", f, "message=%ff", 400, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body := w.person().post("/chat", tc.contentType, tc.body)
			if status != tc.status || !strings.Contains(body, tc.code) {
				t.Errorf("%d %.200s", status, body)
			}
			if tc.contentType == f && !strings.Contains(body, "Back to the chat") {
				t.Error("a form got no page")
			}
		})
	}
}

func TestCrossOrigin(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/chat", "/logout", "/new"} {
		for name, header := range map[string][2]string{"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "origin": {"Origin", "https://evil.example"}} {
			req, err := http.NewRequest(http.MethodPost, w.app.URL+path, strings.NewReader(`{"message":"hello"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set(header[0], header[1])
			status, body := w.person().read(http.DefaultClient.Do(req))
			if status != http.StatusForbidden || !strings.Contains(body, `"error":"cross_origin"`) {
				t.Errorf("%s, %s: %d %s", path, name, status, body)
			}
		}
	}
	for path, want := range map[string]string{"/chat": "How can I help", "/logout": "How can I help", "/new": "How can I help", "/nope": "There is nothing here"} {
		if _, page := w.person().get(path); !strings.Contains(page, want) { // what a reload or a guess may send
			t.Errorf("GET %s: %s", path, page)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/logged-out", "/callback"} {
		resp, err := http.Get(w.app.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_, body := w.person().read(resp, nil)
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, resp.Header)
		}
		for _, inline := range []string{"<script>", "<style", " style=", " onclick="} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has an inline %s", path, inline)
			}
		}
	}
}

// TestEndlessAssistant: an assistant that wants one more call each time is stopped.
func TestEndlessAssistant(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	a := p.say("forever search")
	if len(a.ToolCalls) > maxCalls || !strings.Contains(a.Reply, "for one message") {
		t.Errorf("%d calls, %q", len(a.ToolCalls), a.Reply)
	}
}

func TestConversationBounds(t *testing.T) {
	c := conversation{}
	big := json.RawMessage(`"` + strings.Repeat("x", maxStructured-2) + `"`)
	for i := range maxExchanges + 10 {
		e := exchange{ID: fmt.Sprint(i), At: time.Unix(int64(i), 0), Message: strings.Repeat("m", maxMessage), Reply: strings.Repeat("r", maxReply)}
		for range maxCalls {
			e.Done = append(e.Done, doneCall{Observation: assistant.Observation{Structured: big, Text: strings.Repeat("<", maxText/2)}})
		}
		c.Exchanges = append(c.Exchanges, e)
		c.trim()
		body, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > store.MaxBody || len(c.Exchanges) > maxExchanges {
			t.Fatalf("%d bytes, %d exchanges", len(body), len(c.Exchanges))
		}
		if last := c.Exchanges[len(c.Exchanges)-1]; last.ID != fmt.Sprint(i) {
			t.Fatal("the newest is gone")
		}
	}
	small := conversation{}
	for i := range maxExchanges + 1 {
		small.Exchanges = append(small.Exchanges, exchange{ID: fmt.Sprint(i), At: time.Unix(int64(i), 0)})
	}
	small.trim()
	if len(small.Exchanges) != maxExchanges || small.Exchanges[0].ID != "1" {
		t.Errorf("%d kept", len(small.Exchanges))
	}
}

func TestBlocks(t *testing.T) {
	got := blocks("First\nline\n\n• one\n• two\nAfter\n\n• three")
	want := "[{First\nline []} { [one two]} {After []} { [three]}]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"short": "short", "exactly ten": "exactly…", "ääääääääää": "äää…", "a\x00b\u202ec": "ab\u202ec"} {
		if got := clip(in, 10); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	for _, cfg := range []Config{{}, {BaseURL: "nonsense", Store: w.store}, {BaseURL: "http://localhost/", Store: w.store}, {BaseURL: "http://localhost"},
		{BaseURL: "http://localhost", MCPURL: "x", Store: w.store}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	if _, err := New(Config{BaseURL: "http://localhost:8080", Store: w.store}); err != nil {
		t.Error(err)
	}
}
