package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/host"
)

// authorizer asks a server's handler, over a SQLite file, as a browser with Bob's login and as applications. There is no network in
// between, so what is measured is ours alone.
type authorizer struct {
	*Server
	b       *testing.B
	cookies map[string]string
	login   string // all of them, as the header has them
	machine string // id:secret
}

func newAuthorizer(b *testing.B) *authorizer {
	b.Helper()
	db, closeStore, err := openFile(b.Context(), filepath.Join(b.TempDir(), "vetassist.db"), "", host.Clock)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(b.Context(), Options{Config: config.Config{Addr: "localhost:0", Recorder: config.RecorderOff}, Log: slog.New(slog.DiscardHandler), Open: always(db)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		if err := closeStore(); err != nil {
			b.Error(err)
		}
	})
	d := directory.New(db, s.URL, true, host.Clock)
	r, secret, err := d.AddClient(b.Context(), directory.NewClient{Name: "Nightly", Template: directory.MachineTemplate, Roles: []string{"Vet Staff"}})
	if err == nil {
		_, err = d.AuthorizeClient(b.Context(), r.Value.ID, r.Version, "mcp://vetassist", []string{"pet-profile:read"})
	}
	if err != nil {
		b.Fatal(err)
	}
	a := &authorizer{Server: s, b: b, machine: r.Value.ID + ":" + secret, cookies: map[string]string{}}
	a.logIn()
	return a
}

func (a *authorizer) send(method, path string, form url.Values, basic string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, a.URL+path, strings.NewReader(form.Encode()))
	r.Header.Set("User-Agent", "Browser/1")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.login != "" && strings.HasPrefix(path, "/oauth/authorize") || strings.HasPrefix(path, "/oauth/consent") || strings.HasPrefix(path, "/oauth/login") {
		r.Header.Set("Cookie", a.login)
	}
	if basic != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(basic)))
	}
	w := httptest.NewRecorder()
	a.inside.handler.ServeHTTP(w, r)
	return w
}

// request is an authorization request, and the verifier of its code challenge.
func (a *authorizer) request() (query, verifier string) {
	verifier = strings.Repeat("a-verifier_", 4)
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"client_id": {"vet-assist-ai"}, "response_type": {"code"}, "scope": {"pet-profile:read appointment:read offline_access"}, "state": {"a-state"},
		"redirect_uri": {a.URL + "/callback"}, "resource": {a.URL + "/mcp"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode(), verifier
}

// logIn logs Bob in, who allows everything.
func (a *authorizer) logIn() {
	a.b.Helper()
	query, _ := a.request()
	for path, form := range map[string]url.Values{"/oauth/login?": {"username": {"bob"}, "password": {"bob-demo"}}} {
		page := a.send("GET", path+query, nil, "")
		a.keepCookie(page)
		form.Set("form_token", a.formToken(page, path))
		a.keepCookie(a.send("POST", path+query, form, ""))
	}
	page := a.send("GET", "/oauth/authorize?"+query, nil, "")
	form := url.Values{"form_token": {a.formToken(page, "/oauth/consent?")}, "decision": {"approve"}, "scope": {"pet-profile:read", "appointment:read"}}
	if w := a.send("POST", "/oauth/consent?"+query, form, ""); !strings.Contains(w.Header().Get("Location"), "code=") {
		a.b.Fatal(w.Code, w.Header(), w.Body)
	}
}

func (a *authorizer) keepCookie(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		a.cookies[c.Name] = c.Value
	}
	var all []string
	for name, value := range a.cookies {
		all = append(all, name+"="+value)
	}
	a.login = strings.Join(all, "; ")
}

var formTokens = regexp.MustCompile(`action="([^"]*)"[^§]*?name="form_token" value="([^"]*)"`)

func (a *authorizer) formToken(page *httptest.ResponseRecorder, action string) string {
	for _, m := range formTokens.FindAllStringSubmatch(page.Body.String(), -1) {
		if strings.HasPrefix(m[1], action) {
			return m[2]
		}
	}
	a.b.Fatalf("no form for %s: %d %s", action, page.Code, page.Body)
	return ""
}

// tokens asks the token endpoint; its answer is what a benchmark would not go on without.
func (a *authorizer) tokens(form url.Values, basic string) (t struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}) {
	w := a.send("POST", "/oauth/token", form, basic)
	if err := json.Unmarshal(w.Body.Bytes(), &t); err != nil || t.Access == "" {
		a.b.Errorf("%d %s", w.Code, w.Body)
	}
	return t
}

// flow is an authorization code flow with PKCE, of who is logged in and agreed before.
func (a *authorizer) flow() (refresh string) {
	query, verifier := a.request()
	w := a.send("GET", "/oauth/authorize?"+query, nil, "")
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		a.b.Errorf("%d %s %s", w.Code, to, w.Body)
		return ""
	}
	return a.tokens(url.Values{"grant_type": {"authorization_code"}, "client_id": {"vet-assist-ai"}, "code": {to.Query().Get("code")},
		"redirect_uri": {a.URL + "/callback"}, "code_verifier": {verifier}}, "").Refresh
}

// BenchmarkAuthorization is what the authorization server is asked for most, many at once, each answered when it is in the file.
//
//	go test -run '^$' -bench Authorization -benchmem ./functions/vetassist
func BenchmarkAuthorization(b *testing.B) {
	get := func(path string) func(*authorizer) func() {
		return func(a *authorizer) func() {
			return func() {
				if w := a.send("GET", path, nil, ""); w.Code != http.StatusOK {
					a.b.Errorf("%d %s", w.Code, w.Body)
				}
			}
		}
	}
	for _, work := range []struct {
		name string
		by   func(*authorizer) func() // what one of many does, again and again
	}{
		{"code and PKCE", func(a *authorizer) func() { return func() { a.flow() } }},
		{"refresh", func(a *authorizer) func() {
			token := a.flow()
			return func() {
				token = a.tokens(url.Values{"grant_type": {"refresh_token"}, "client_id": {"vet-assist-ai"}, "refresh_token": {token}}, "").Refresh
			}
		}},
		{"client credentials", func(a *authorizer) func() {
			return func() {
				a.tokens(url.Values{"grant_type": {"client_credentials"}, "scope": {"pet-profile:read"}}, a.machine)
			}
		}},
		{"metadata", get("/.well-known/oauth-authorization-server")},
		{"JWKS", get("/.well-known/jwks.json")},
	} {
		b.Run(work.name, func(b *testing.B) {
			a := newAuthorizer(b)
			b.SetParallelism(4) // for each processor
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for once := work.by(a); pb.Next(); {
					once()
				}
			})
		})
	}
}
