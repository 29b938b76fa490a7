package walkthrough

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestShortened(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	asJSON := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	page := http.Header{"Content-Type": {"text/html"}}
	const secret = "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, c := range []struct {
		what   string
		header http.Header
		body   string
		want   string
	}{
		{"a code for tokens", form, "grant_type=authorization_code&code=" + secret + "&code_verifier=" + secret + "&client_id=x", "grant_type=authorization_code&code=abcdef…&code_verifier=abcdef…&client_id=x"},
		{"a short secret is not shown at all", form, "token=abc&client_secret=hunter2", "token=…&client_secret=…"},
		{"a password is not shown at all", form, "username=bob&password=" + secret, "username=bob&password=…"},
		{"an address in a form", form, "next=" + url.QueryEscape("http://a.example/cb?code="+secret), "next=http://a.example/cb?code=abcdef…"},
		{"what is no form", form, "a=%zz&b=1", "b=1"},
		{"tokens", asJSON, `{"access_token":"` + secret + `","expires_in":600,"refresh_token":"` + secret + `","nested":[{"id_token":"` + secret + `"}]}`,
			`{"access_token": "abcdef…", "expires_in": 600, "refresh_token": "abcdef…", "nested": [{"id_token": "abcdef…"}]}`},
		{"an address in JSON", asJSON, `{"authorize_url":"http://a.example/x?state=` + secret + `&a=1"}`, `{"authorize_url": "http://a.example/x?state=abcdef…&a=1"}`},
		{"long things", asJSON, `{"list":[1,2,3,4,5,6,7,8],"text":"` + strings.Repeat("x", 500) + `","html":"<p>","_meta":{"a":1},"ok":true}`,
			`{"list": [1, 2, 3, 4, 5, 6, …], "text": "` + strings.Repeat("x", maxShownText) + `…", "_meta": {…}, "ok": true}`},
		{"what is no JSON", asJSON, `{"a":`, `no JSON: {"a":`},
		{"nothing", asJSON, "", ""},
		{"a page", page, "<title>x</title><h1>Allow <b>it</b>\n now?</h1>", "a page: Allow it now?"},
		{"a page without a heading", page, "<p>x", "a page: without a heading"},
		{"something else", http.Header{}, strings.Repeat("y", 300), strings.Repeat("y", 200) + "…"},
	} {
		if got := shortBody(c.header, []byte(c.body)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.what, got, c.want)
		}
	}
}

// TestWire keeps what went over it, and changes nothing of it.
func TestWire(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Www-Authenticate", `Bearer scope="a"`)
		w.Header().Add("Www-Authenticate", `DPoP algs="ES256"`)
		w.Header().Set("Location", "http://"+r.Host+"/next?code=abcdefghijklmnopqrstuvwxyz")
		w.Header().Set("Set-Cookie", "session=secret")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.Copy(w, r.Body)
	}))
	defer srv.Close()
	w := newWire(srv.URL, nil)
	w.begin()
	client := &http.Client{Transport: w.of("the app"), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	large := strings.Repeat("z", 2*maxKept)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/mcp?state=abcdefghijklmnopqrstuvwxyz", strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer abcdefghijklmnopqrstuvwxyz")
	r.Header.Set("Cookie", "session=secret")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != large {
		t.Errorf("%v: %d bytes of %d came through", err, len(body), len(large))
	}
	got := w.exchanges()
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	e := got[0]
	if e.By != "the app" || e.URL != "/mcp?state=abcdef…" || strings.Join(e.Headers, "|") != "Authorization: Bearer abcdef…" || e.Status != 401 ||
		strings.Join(e.Answered, "|") != `WWW-Authenticate: Bearer scope="a"|Location: /next?code=abcdef…` || len(e.Answer) > 300 || len(e.Body) > 300 {
		t.Errorf("%+v", e)
	}
	srv.Close()
	if resp, err := client.Get(srv.URL + "/gone"); err == nil {
		resp.Body.Close()
		t.Error("an answer of nobody")
	}
	if got = w.exchanges(); len(got) != 2 || got[1].Status != 0 || got[1].URL != "/gone" {
		t.Errorf("%+v", got)
	}
}

// TestTable: what is the same stands there once, what differs side by side, what is not there as a dash.
func TestTable(t *testing.T) {
	told := Told{N: 2, Of: 3, Name: "x", Title: "Title", Runs: []Run{
		{"first", []Exchange{{Method: "GET", URL: "/a?x=1", Status: 200}}, []Fact{{"same", "1"}, {"differs", "one"}, {"only here", "yes"}}, "http://localhost:8080/flow/a-long-address-which-a-column-would-break", ""},
		{"second", []Exchange{{Method: "GET", URL: "/a", Status: 200}}, []Fact{{"same", "1"}, {"differs", "two"}}, "", ""},
		{"third", nil, nil, "", "it is not offered"},
	}, OK: true}
	var out strings.Builder
	if err := Outcome(&out, told); err != nil {
		t.Fatal(err)
	}
	want := `
             first                            second                           third
  ─
  requests   the same for all: GET /a 200
  same       the same for all: 1
  differs    one                              two                              (ended)
  only here  yes                              –                                (ended)
  first: http://localhost:8080/flow/a-long-address-which-a-column-would-break
  third ended: it is not offered
`
	if got := strings.ReplaceAll(out.String(), strings.Repeat("─", width-2), "─"); strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s\nwant%s", got, want)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range [][]string{
		{"", ""},
		{"one two three", "one two", "three"},
		{"http://a/bc/defghij", "http://a/", "bc/defghij"},
		{"ééééééééééé", "éééééééééé", "é"},
	} {
		if got := wrap(c[0], 10); strings.Join(got, "|") != strings.Join(c[1:], "|") {
			t.Errorf("%q: %q", c[0], got)
		}
	}
}

// TestWords: each step of each story can stand for itself.
func TestWords(t *testing.T) {
	for _, tale := range []Tale{Story(), Clients(), Revisions()} {
		seen := map[string]bool{}
		for _, s := range append(tale.Steps, cleanup) {
			if seen[s.Name] || s.Name == "" || s.Title == "" || s.do == nil || len(s.Why) < 80 || len(s.Why) > 500 {
				t.Errorf("%s, %s: %d bytes of explanation", tale.Name, s.Name, len(s.Why))
			}
			seen[s.Name] = true
		}
	}
}
