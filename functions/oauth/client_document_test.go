package oauth_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/egress"
	"github.com/vetassist/vetassist/shared/store"
)

// hosts are those of the world that serve documents.
type hosts struct {
	mu    sync.Mutex
	serve http.HandlerFunc
	asked []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r.URL.String())
	rec := httptest.NewRecorder()
	h.serve(rec, r)
	return rec.Result(), nil
}

func (h *hosts) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

// put serves a document, with headers as name, value pairs.
func (h *hosts) put(body string, headers ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serve = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

func (h *hosts) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serve = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

const (
	documentURL = "https://app.example/client.json"
	appRedirect = "https://app.example/callback"
)

// document is a client's document; changes are name, value pairs, a nil value takes the member out.
func document(changes ...any) string {
	m := map[string]any{"client_id": documentURL, "client_name": "An App", "redirect_uris": []string{appRedirect},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none"}
	for i := 0; i < len(changes); i += 2 {
		m[changes[i].(string)] = changes[i+1]
	}
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	body, _ := json.Marshal(m)
	return string(body)
}

// newDocumentWorld is a world out of which documents can be read.
func newDocumentWorld(t testing.TB, edit ...func(*oauth.Config)) (*world, *hosts) {
	t.Helper()
	h := &hosts{}
	h.put(document())
	outside := func(c *oauth.Config) { c.HTTP, c.Outside = http.DefaultClient, &http.Client{Transport: h} }
	return newWorldAt(t, "127.0.0.1", func(s store.Store) store.Store { return s }, append([]func(*oauth.Config){outside}, edit...)...), h
}

// documentRequest is the right authorization request of the client with the document.
func (w *world) documentRequest(changes ...string) string {
	return w.request(append([]string{"client_id", documentURL, "redirect_uri", appRedirect}, changes...)...)
}

// sentTo is the query of where an answer sends the browser, which is to begin with prefix.
func (a answer) sentTo(t testing.TB, prefix string) url.Values {
	t.Helper()
	location := a.header.Get("Location")
	u, err := url.Parse(location)
	if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(location, prefix+"?") {
		t.Fatalf("%d to %q, want %s?…\n%s", a.status, location, prefix, a.body)
	}
	return u.Query()
}

// TestClientDescribesItself: from a URL that nobody here knows to a token that names it, and a refresh.
func TestClientDescribesItself(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	login := b.follow(b.get(w.documentRequest()))
	if !strings.Contains(login.body, "<code>app.example</code>") || h.count() != 0 {
		t.Fatalf("the login page does not name the host, or we asked for the document before: %v\n%s", h.asked, login.body)
	}
	page := b.login("bob", w.documentRequest())
	for _, want := range []string{"an app that calls itself", "An App", "described by <code>app.example</code>", "sent to <code>app.example</code>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the consent page lacks %q", want)
		}
	}
	if strings.Contains(page.body, "notice warn") {
		t.Error("a warning for an answer that goes to an https address")
	}
	got := b.approve(page).sentTo(t, appRedirect)
	if got.Get("iss") != w.url || got.Get("state") != "s t/a+te" {
		t.Errorf("answer %v", got)
	}
	tokens := w.redeem(got.Get("code"), "client_id", documentURL, "redirect_uri", appRedirect)
	tokens.expect(t, "")
	claims, err := w.verifier.Verify(t.Context(), tokens.Access)
	if err != nil || claims.ClientID != documentURL {
		t.Errorf("client_id of the token: %q, %v", claims.ClientID, err)
	}
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "")
	if h.count() != 1 {
		t.Errorf("asked %v", h.asked)
	}
	// Now that it is allowed something it stays; what stands for it in the store is nobody's client_id.
	r, err := w.directory.DescribedClient(t.Context(), documentURL)
	if err != nil || !r.Value.Expires.IsZero() || r.Value.Source != directory.SourceMetadata || r.Value.Name != "An App" {
		t.Errorf("%+v, %v", r, err)
	}
	w.redeem("x", "client_id", r.Value.ID).expect(t, "invalid_client")
	if a := b.get(w.documentRequest("client_id", r.Value.ID)); a.status != http.StatusBadRequest {
		t.Errorf("its key as client_id: %d", a.status)
	}
	// Its answer goes to its own host, so it need not be asked for again. My account tells whose it is.
	if got := b.get(w.documentRequest()).sentTo(t, appRedirect); got.Get("code") == "" {
		t.Errorf("the second time: %v", got)
	}
	if account := b.get("/oauth/account"); !strings.Contains(account.body, "An App (app.example)") {
		t.Error("My account does not tell whose the app is")
	}
}

// TestWrongClientURL: what is no URL that we would ask is refused before a login, and never asked.
func TestWrongClientURL(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t, func(c *oauth.Config) { c.ClientDomains = config.Hosts{"app.example", "*.good.example"} })
	b := w.browser()
	b.login("bob", w.request())
	for id, want := range map[string]string{
		"https://app.example":                               "without a path",
		"https://app.example/":                              "without a path",
		"https://app.example?x":                             "without a path",
		"https://app.example/a#b":                           "fragment",
		"https://app.example/a#":                            "fragment",
		"https://me@app.example/a":                          "without fragment and user",
		"https://me:word@app.example/a":                     "without fragment and user",
		"https://app.example/./a":                           "dots",
		"https://app.example/a/../b":                        "dots",
		"https://app.example/a/..":                          "dots",
		"https://app.example/%2e%2E/a":                      "dots",
		"https://app.example/é":                             "without fragment and user",
		"https://app.example/a b":                           "without fragment and user",
		"https://%D0%B0pp.example/a":                        "with a plain host",
		"https:///a":                                        "without fragment and user",
		"https://app.example/" + strings.Repeat("x", 300):   "255 bytes",
		"http://app.example/a":                              "not an https URL",
		"http://localhost/a":                                "not an https URL",
		"https://other.example/a":                           "not accepted here",
		"https://good.example/a":                            "not accepted here",
		"https://app.example.evil.test/a":                   "not accepted here",
		"https://xgood.example/a":                           "not accepted here",
		strings.Replace(w.url, "http", "https", 1) + "/a":   "not accepted here",
		w.url + ".evil.example/a":                           "not a URL",
		strings.Replace(w.url, "//", "//x@", 1) + "/a.json": "not an https URL",
		w.url + "/a#b":                                      "without a path",
	} {
		for name, who := range map[string]*browser{"nobody": w.browser(), "bob": b} {
			a := who.get(w.documentRequest("client_id", id))
			if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(a.body, want) {
				t.Errorf("%s, %.60s: %d, want %q\n%s", name, id, a.status, want, a.body)
			}
		}
	}
	if h.count() != 0 {
		t.Errorf("asked %v", h.asked)
	}
	none, _ := newDocumentWorld(t, func(c *oauth.Config) { c.ClientDomains = nil })
	if a := none.browser().get(none.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "not accepted here") {
		t.Errorf("none accepted: %d", a.status)
	}
	if a := none.browser().get("/.well-known/oauth-authorization-server"); !strings.Contains(a.body, `"client_id_metadata_document_supported":false`) {
		t.Errorf("the metadata says that they are accepted: %s", a.body)
	}
}

// TestDocumentSettings: what a document says of how its client is to be treated counts, until it says so no more. A stranger has no agent.
func TestDocumentSettings(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	b.login("bob", w.request())
	for _, body := range []string{
		document("require_pushed_authorization_requests", true, "dpop_bound_access_tokens", true, "post_logout_redirect_uris", []string{"https://app.example/bye"}, "may_act", "vet-assist-ai"),
		document("require_pushed_authorization_requests", nil, "dpop_bound_access_tokens", false),
	} {
		on := strings.Contains(body, "true")
		h.put(body, "Cache-Control", "max-age=60")
		b.get(w.documentRequest())
		r, err := w.directory.DescribedClient(t.Context(), documentURL)
		c := r.Value
		if err != nil || c.RequirePushed != on || c.BoundTokens != on || (len(c.LogoutURIs) == 1) != on || c.MayAct != "" {
			t.Errorf("%s became %+v, %v", body, c, err)
		}
		w.clock.Advance(2 * time.Minute)
	}
}

// TestWrongDocument: a document that says what it must not, or is not served as one, is no client.
func TestWrongDocument(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, want string
		headers    []string
	}{
		"no JSON":             {"<html>", "not a JSON object", nil},
		"an array":            {"[]", "not a JSON object", nil},
		"two documents":       {document() + document(), "not a JSON object", nil},
		"a name twice":        {`{"client_id":"https://evil.example/x",` + document()[1:], "not a JSON object", nil},
		"not UTF-8":           {strings.Replace(document(), "An App", "An \xff", 1), "not a JSON object", nil},
		"deep":                {strings.Repeat("[", 15000), "not a JSON object", nil},
		"no client_id":        {document("client_id", nil), "its client_id is not the URL", nil},
		"upper case member":   {document("client_id", nil, "CLIENT_ID", documentURL), "its client_id is not the URL", nil},
		"another client_id":   {document("client_id", documentURL+"/"), "its client_id is not the URL", nil},
		"upper case host":     {document("client_id", "https://APP.example/client.json"), "its client_id is not the URL", nil},
		"client_id of a kind": {document("client_id", 1), "client_id is of the wrong type", nil},
		"no name":             {document("client_name", nil), "client_name is missing", nil},
		"long name":           {document("client_name", strings.Repeat("x", 101)), "client_name must be", nil},
		"name over two lines": {document("client_name", "a\nb"), "client_name must be", nil},
		"name turned round":   {document("client_name", "a\u202eb"), "client_name must be", nil},
		"no redirects":        {document("redirect_uris", nil), "redirect_uris must be", nil},
		"empty redirects":     {document("redirect_uris", []string{}), "redirect_uris must be", nil},
		"one redirect":        {document("redirect_uris", appRedirect), "redirect_uris is of the wrong type", nil},
		"script":              {document("redirect_uris", []string{appRedirect, "javascript://x/%0aalert(1)"}), "no app&#39;s own", nil},
		"plain http":          {document("redirect_uris", []string{"http://app.example/"}), "use https", nil},
		"a secret":            {document("client_secret", "x"), "client_secret", nil},
		"a secret's end":      {document("client_secret_expires_at", 0), "client_secret", nil},
		"secret in a header":  {document("token_endpoint_auth_method", "client_secret_basic"), "shared secret", nil},
		"secret in the body":  {document("token_endpoint_auth_method", "client_secret_post"), "shared secret", nil},
		"secret that signs":   {document("token_endpoint_auth_method", "client_secret_jwt"), "must be one of", nil},
		"certificate":         {document("token_endpoint_auth_method", "tls_client_auth"), "must be one of", nil},
		"keys nowhere":        {document("token_endpoint_auth_method", "private_key_jwt"), "jwks or jwks_uri", nil},
		"keys twice":          {document("token_endpoint_auth_method", "private_key_jwt", "jwks_uri", "https://a.example/", "jwks", map[string]any{"keys": []any{1}}), "jwks_uri must be left out", nil},
		"no key":              {document("token_endpoint_auth_method", "private_key_jwt", "jwks", map[string]any{"keys": []any{}}), "jwks must be a JWK set", nil},
		"keys by http":        {document("token_endpoint_auth_method", "private_key_jwt", "jwks_uri", "http://a.example/"), "must be an https URL", nil},
		"logout elsewhere":    {document("post_logout_redirect_uris", []string{"http://127.0.0.1/bye"}), "no redirect URI leads there", nil},
		"logout in script":    {document("post_logout_redirect_uris", []string{"javascript://x/%0aalert(1)"}), "no app&#39;s own", nil},
		"one logout address":  {document("post_logout_redirect_uris", "https://app.example/bye"), "post_logout_redirect_uris is of the wrong type", nil},
		"bound perhaps":       {document("dpop_bound_access_tokens", "true"), "dpop_bound_access_tokens is of the wrong type", nil},
		"no codes":            {document("grant_types", []string{"refresh_token"}), "authorization_code", nil},
		"implicit":            {document("response_types", []string{"token"}), "must hold code", nil},
		"HTML":                {document(), "application/json", []string{"Content-Type", "text/html; charset=utf-8"}},
		"text":                {document(), "application/json", []string{"Content-Type", "text/plain"}},
		"no type":             {document(), "application/json", []string{"Content-Type", ""}},
		"too large":           {document("x", strings.Repeat("x", 17000)), "too large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newDocumentWorld(t)
			h.put(c.body, c.headers...)
			b := w.browser()
			b.login("bob", w.request())
			for range 2 { // the second time it is not asked again
				page := b.get(w.documentRequest())
				if page.status != http.StatusBadRequest || !strings.Contains(page.body, c.want) || page.header.Get("Location") != "" {
					t.Fatalf("%d, want %q\n%s", page.status, c.want, page.body)
				}
			}
			if h.count() != 1 {
				t.Errorf("asked %d times", h.count())
			}
			if _, err := w.directory.DescribedClient(t.Context(), documentURL); err == nil {
				t.Error("it was kept")
			}
			w.clock.Advance(11 * time.Second)
			h.put(document())
			if page := b.get(w.documentRequest()); page.status != http.StatusOK {
				t.Errorf("mended, it is still refused: %d\n%s", page.status, page.body)
			}
		})
	}
}

// TestDocumentErrors: what the host answers that is no document.
func TestDocumentErrors(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	b.login("bob", w.request())
	for _, status := range []int{204, 301, 302, 304, 307, 401, 404, 410, 429, 500, 503} {
		h.answer(status)
		if status == 301 || status == 302 || status == 307 {
			h.serve = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other.json", status) }
		}
		w.clock.Advance(time.Minute)
		if a := b.get(w.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "could not find out what app") {
			t.Errorf("%d: %d\n%s", status, a.status, a.body)
		}
	}
}

// TestStrangersErrors: an error of a client that nobody vouches for is sent back only after a login (RFC 9700 §4.11.2), and what was asked
// for survives the login.
func TestStrangersErrors(t *testing.T) {
	t.Parallel()
	w, _ := newDocumentWorld(t)
	for code, target := range map[string]string{
		"unsupported_response_type": w.documentRequest("response_type", "token"),
		"invalid_request":           w.documentRequest("code_challenge", ""),
		"invalid_scope":             w.documentRequest("scope", `"`),
		"invalid_target":            w.documentRequest("resource", w.url+"/admin/api"),
		"consent_required":          w.documentRequest("prompt", "none"),
	} {
		b := w.browser()
		b.get(target).sentTo(t, "/oauth/login")
		if got := b.login("bob", target).sentTo(t, appRedirect); got.Get("error") != code || got.Get("iss") != w.url {
			t.Errorf("%s: %v", code, got)
		}
	}
	b := w.browser()
	b.approve(b.login("bob", w.documentRequest()))
	if page := w.browser().login("bob", w.documentRequest("prompt", "login consent")); page.status != http.StatusOK {
		t.Errorf("prompt=consent was lost on the way over the login: %d %s", page.status, page.header.Get("Location"))
	}
}

// TestOwnDocument: on a laptop an app of the same address describes itself there, and no other address of the laptop counts.
func TestOwnDocument(t *testing.T) {
	t.Parallel()
	var w *world
	own := &hosts{}
	w, h := newDocumentWorld(t, func(c *oauth.Config) { c.HTTP = &http.Client{Transport: own} })
	id := w.url + "/oauth-client.json"
	own.put(document("client_id", id, "redirect_uris", []string{w.url + "/callback"}))
	b := w.browser()
	page := b.login("bob", w.request("client_id", id))
	if strings.Contains(page.body, "notice warn") {
		t.Error("a warning that the answer goes to another app")
	}
	b.callback(b.approve(page))
	if got := b.callback(b.get(w.request("client_id", id))); got.Get("code") == "" { // it is nobody else's address
		t.Errorf("the second time: %v", got)
	}
	if a := b.get(w.request("client_id", id, "redirect_uri", "http://127.0.0.1:1/callback")); a.status != http.StatusBadRequest {
		t.Errorf("another port: %d", a.status)
	}
	if own.count() != 1 || h.count() != 0 {
		t.Errorf("asked %v and %v", own.asked, h.asked)
	}
}

// TestOwnDocumentLeadsNowhere: an address of ours that redirects, as the authorization endpoint does, is no way to another one, which would be
// asked without the guard of egress.
func TestOwnDocumentLeadsNowhere(t *testing.T) {
	t.Parallel()
	own := &hosts{serve: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://10.0.0.1/client.json", http.StatusFound)
	}}
	w, h := newDocumentWorld(t, func(c *oauth.Config) { c.HTTP = &http.Client{Transport: own} })
	page := w.browser().login("bob", w.request("client_id", w.url+"/somewhere"))
	if page.status != http.StatusBadRequest || !strings.Contains(page.body, egress.ErrRedirect.Error()) {
		t.Errorf("%d\n%s", page.status, page.body)
	}
	if own.count() != 1 || h.count() != 0 {
		t.Errorf("asked %v and %v", own.asked, h.asked)
	}
}

// TestEgress: a document comes by TLS from an address that may be asked.
func TestEgress(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	host := httptest.NewTLSServer(mux)
	defer host.Close()
	mux.HandleFunc("/good.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, document("client_id", host.URL+r.URL.Path))
	})
	mux.HandleFunc("/elsewhere.json", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good.json", http.StatusFound) })
	mux.HandleFunc("/large.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for {
			if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil { // without an end
				return
			}
		}
	})
	mux.HandleFunc("/slow.json", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	authority, err := url.Parse(host.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := host.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, c := range []struct {
		path  string
		named config.Hosts
		want  string // empty: accepted
	}{
		{"/good.json", config.Hosts{authority.Host}, ""},
		{"/good.json", config.AnyHost, "not a public one"}, // it is this machine
		{"/elsewhere.json", config.Hosts{authority.Host}, "it redirects elsewhere"},
		{"/large.json", config.Hosts{authority.Host}, "too large"},
		{"/slow.json", config.Hosts{authority.Host}, "cannot be reached"},
		{"/missing.json", config.Hosts{authority.Host}, "it answers 404"},
	} {
		client := egress.Client(c.named, roots)
		if c.path == "/slow.json" {
			client.Timeout = 20 * time.Millisecond
		}
		w := newWorldAt(t, "127.0.0.1", func(s store.Store) store.Store { return s }, func(o *oauth.Config) {
			o.HTTP, o.Outside, o.ClientDomains = http.DefaultClient, client, c.named
		})
		page := w.browser().login("bob", w.documentRequest("client_id", host.URL+c.path))
		if c.want == "" && page.status != http.StatusOK || c.want != "" && (page.status != http.StatusBadRequest || !strings.Contains(page.body, c.want)) {
			t.Errorf("%s: %d, want %q\n%s", c.path, page.status, c.want, page.body)
		}
		if strings.Contains(page.body, "dial") || strings.Contains(page.body, "lookup") {
			t.Errorf("%s: the page tells of our network", c.path)
		}
	}
}
