package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Behind one address of ours, the chat asks for the tokens of everybody. Who comes to it again and again with codes that nobody gave out is slowed
// down, and nobody else is: what it asks inside the process counts for whoever had it ask.
func TestChatIsNotSlowedDownForOthers(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.BaseURL = "https://demo.example.com" })
	ask := func(from, path string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequest(http.MethodGet, w.URL+path, nil).WithContext(t.Context())
		r.RemoteAddr = from + ":1"
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		w.inside.handler.ServeHTTP(rec, r)
		return rec.Result()
	}
	browsers := map[string][]*http.Cookie{} // one at each address
	bringCode := func(from string) {
		begun := ask(from, "/connect", browsers[from]...)
		if browsers[from] == nil {
			browsers[from] = begun.Cookies()
		}
		to, err := url.Parse(begun.Header.Get("Location"))
		if err != nil || to.Query().Get("state") == "" {
			t.Fatalf("%d %s", begun.StatusCode, to)
		}
		answer := url.Values{"state": {to.Query().Get("state")}, "iss": {w.URL}, "code": {"nobody-gave-this-out"}}
		if got := ask(from, "/callback?"+answer.Encode(), browsers[from]...); got.StatusCode != http.StatusSeeOther {
			t.Fatal(got.StatusCode)
		}
	}
	tooMany := func() int { return strings.Count(w.log.String(), "token endpoint: temporarily_unavailable") }
	for range 60 {
		bringCode("192.0.2.1")
	}
	if n := tooMany(); n != 0 {
		t.Fatalf("%d were refused early", n)
	}
	bringCode("192.0.2.2")
	if n := tooMany(); n != 0 {
		t.Error("somebody else is slowed down")
	}
	bringCode("192.0.2.1")
	if n := tooMany(); n != 1 {
		t.Errorf("who brought sixty wrong codes is not slowed down: %d", n)
	}
}
