package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// provider makes an OpenID provider of the world's authorization server. Whoever logs in there is sub, whose name is name.
type provider struct {
	w         *world
	key       *ecdsa.PrivateKey
	sub, name string
	change    func(claims jwt.MapClaims, header map[string]any)
	method    jwt.SigningMethod // default ES256 with key
	with      any
	silent    bool // it gives no ID token
}

func (w *world) provider() *provider {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &provider{w: w, key: key, sub: "bob", name: "Bob Miller"}
	point, _ := key.PublicKey.Bytes()
	enc := base64.RawURLEncoding.EncodeToString
	w.keys = fmt.Sprintf(`{"keys":[{"kty":"PQC","kid":"new"},{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`, enc(point[1:33]), enc(point[33:]))
	w.metadata = func(m map[string]any) {
		m["scopes_supported"], m["jwks_uri"] = []string{"openid", "profile", "pet-profile:read"}, w.other.URL+"/keys"
	}
	w.idToken = p.sign
	return p
}

func (p *provider) sign(nonce string) string {
	if p.silent {
		return ""
	}
	now := p.w.time // the world is locked while it answers
	claims := jwt.MapClaims{"iss": p.w.other.URL, "sub": p.sub, "aud": p.w.client, "exp": now.Add(10 * time.Minute).Unix(), "iat": now.Unix(), "name": p.name}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	method, key := jwt.SigningMethod(jwt.SigningMethodES256), any(p.key)
	if p.method != nil {
		method, key = p.method, p.with
	}
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = "k1"
	if p.change != nil {
		p.change(claims, t.Header)
	}
	raw, err := t.SignedString(key)
	if err != nil {
		p.w.t.Error(err)
	}
	return raw
}

func (p *provider) logsIn(sub, name string) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.sub, p.name = sub, name
}

// The app asks who it is where the authorization server tells, and shows it.
func TestWhoIsConnected(t *testing.T) {
	w := newWorld(t)
	w.provider()
	stranger := w.person()
	stranger.say("vaccination")
	if _, page := stranger.get("/"); !strings.Contains(page, "It also asks who you are: your name and your username.") {
		t.Errorf("nothing says beforehand what is asked: %s", page)
	}
	p := w.connected()
	if _, page := p.get("/"); !strings.Contains(page, "Vet Assist AI acts for <strong>Bob Miller</strong> at") {
		t.Errorf("the page does not say who it is: %s", page)
	}
	if asked := w.authorize[0]; asked.Get("scope") != "pet-profile:read openid profile" || len(asked.Get("nonce")) != 43 {
		t.Errorf("asked %v", asked)
	}
	p.get(p.say("book").AuthorizeURL)
	if a, b := w.authorize[0].Get("nonce"), w.authorize[1].Get("nonce"); a == b {
		t.Error("the nonce is the same for two requests")
	}
	// The same person stays in the conversation.
	if _, page := p.get("/"); !strings.Contains(page, "answer of get_pet_vaccination_info") || !strings.Contains(page, "answer of book_vet_appointment") {
		t.Errorf("a step-up loses the conversation: %s", page)
	}
	w.pass(time.Hour)
	if answer := p.say("vaccination"); answer.AuthorizeURL != "" {
		t.Errorf("a refresh loses the login: %+v", answer)
	}
}

// Nobody takes over somebody else's conversation: not by logging in at the authorization server in the middle of a step-up, nor after the login
// has run out.
func TestSomebodyElseLogsIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*provider)
		lose   bool // the login first
		keeps  bool
	}{
		{"the same person", func(*provider) {}, false, true},
		{"another name of the same person", func(p *provider) { p.logsIn("bob", "Robert") }, false, true},
		{"somebody else", func(p *provider) { p.logsIn("alice", "Alice") }, false, false},
		{"somebody else by the same name", func(p *provider) { p.logsIn("alice", "Bob Miller") }, false, false},
		{"nobody knows", func(p *provider) { p.silent = true }, false, false},
		{"the same person, after the login was lost", func(*provider) {}, true, true},
		{"somebody else, after the login was lost", func(p *provider) { p.logsIn("alice", "Alice") }, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			as := w.provider()
			p := w.connected()
			var bobs string
			for token := range w.refreshes {
				bobs = token
			}
			if c.lose {
				w.mu.Lock()
				clear(w.refreshes)
				clear(w.access)
				w.mu.Unlock()
			}
			need := p.say("book")
			c.change(as)
			_, page := p.get(need.AuthorizeURL)
			if got := strings.Contains(page, "answer of get_pet_vaccination_info"); got != c.keeps {
				t.Errorf("the conversation is there: %v\n%s", got, page)
			}
			if c.keeps {
				return
			}
			if !strings.Contains(page, "you are not who was connected before, so this is a new conversation") || strings.Contains(page, "answer of book") {
				t.Errorf("it says %s", page)
			}
			if strings.Contains(w.store.written.String(), "answer of book") || slices.Contains(w.calls, "book_vet_appointment") && c.lose {
				t.Error("what Bob asked for was done for the other")
			}
			if !c.lose && !slices.Contains(w.revoked, bobs) {
				t.Errorf("Bob's refresh token was not revoked: %v", w.revoked)
			}
		})
	}
}

// A refresh that names somebody else ends the login (OpenID Connect Core §12.2).
func TestRefreshForSomebodyElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*provider)
		keeps  bool
	}{
		{"the same", func(*provider) {}, true},
		{"no ID token", func(p *provider) { p.silent = true }, true},
		{"the keys cannot be read", func(p *provider) { p.w.keys = "<html>" }, true},
		{"somebody else", func(p *provider) { p.sub = "alice" }, false},
		{"another issuer", func(p *provider) {
			p.change = func(c jwt.MapClaims, _ map[string]any) { c["iss"] = "https://evil.example" }
		}, false},
		{"not signed", func(p *provider) { p.method, p.with = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			as := w.provider()
			p := w.connected()
			w.pass(time.Hour)
			w.mu.Lock()
			c.change(as)
			w.mu.Unlock()
			answer := p.say("vaccination")
			if got := answer.AuthorizeURL == ""; got != c.keeps {
				t.Fatalf("it goes on: %v, %+v", got, answer)
			}
			if !c.keeps && len(w.revoked) != 1 {
				t.Errorf("what the refresh brought was not revoked: %v", w.revoked)
			}
		})
	}
}

// Nothing of an answer is used whose ID token is wrong in one thing (OpenID Connect Core §3.1.3.7).
func TestWrongIDTokens(t *testing.T) {
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	claim := func(name string, value any) func(*provider) {
		return func(p *provider) {
			p.change = func(c jwt.MapClaims, _ map[string]any) {
				if c[name] = value; value == nil {
					delete(c, name)
				}
			}
		}
	}
	header := func(name string, value any) func(*provider) {
		return func(p *provider) { p.change = func(_ jwt.MapClaims, h map[string]any) { h[name] = value } }
	}
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // of the world
	for name, c := range map[string]struct {
		change func(*provider)
		good   bool
	}{
		"nothing wrong":              {func(*provider) {}, true},
		"azp is us":                  {claim("azp", "vet-assist-ai"), true},
		"no kid":                     {func(p *provider) { p.change = func(_ jwt.MapClaims, h map[string]any) { delete(h, "kid") } }, true},
		"a clock a little ahead":     {claim("iat", start.Add(30*time.Second).Unix()), true},
		"another issuer":             {claim("iss", "https://evil.example"), false},
		"no issuer":                  {claim("iss", nil), false},
		"another client":             {claim("aud", "other"), false},
		"others too":                 {claim("aud", []string{"vet-assist-ai", "other"}), false},
		"no audience":                {claim("aud", nil), false},
		"azp is another":             {claim("azp", "other"), false},
		"expired":                    {claim("exp", start.Add(-2*time.Minute).Unix()), false},
		"no end":                     {claim("exp", nil), false},
		"issued later":               {claim("iat", start.Add(time.Hour).Unix()), false},
		"no time":                    {claim("iat", nil), false},
		"nobody":                     {claim("sub", nil), false},
		"a long subject":             {claim("sub", strings.Repeat("x", 256)), false},
		"another nonce":              {claim("nonce", "x"), false},
		"no nonce":                   {claim("nonce", nil), false},
		"an unknown extension":       {header("crit", []string{"x"}), false},
		"an unknown key":             {header("kid", "k2"), false},
		"another key by its name":    {func(p *provider) { p.key = other }, false},
		"not signed":                 {func(p *provider) { p.method, p.with = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType }, false},
		"signed with a shared value": {func(p *provider) { p.method, p.with = jwt.SigningMethodHS256, []byte(p.w.keys) }, false},
		"keys that cannot be read":   {func(p *provider) { p.w.keys = "<html>" }, false},
		"another's keys":             {func(p *provider) { p.w.keys = `{"keys":[]}` }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w.provider())
			p := w.person()
			status, page := p.get(p.say("vaccination").AuthorizeURL)
			if got := strings.Contains(page, "answer of get_pet_vaccination_info"); status != http.StatusOK || got != c.good {
				t.Fatalf("%d, connected: %v\n%s", status, got, page)
			}
			if c.good {
				return
			}
			if !strings.Contains(page, "Connecting did not work") || !strings.Contains(page, "Not connected") || strings.Contains(page, "Bob Miller") || len(w.revoked) != 1 {
				t.Errorf("it says %s; revoked %v", page, w.revoked)
			}
		})
	}
}

// Where the authorization server does not offer it, nothing is asked.
func TestNoOpenID(t *testing.T) {
	for name, m := range map[string]map[string]any{
		"no scopes":       {"scopes_supported": nil},
		"another scope":   {"scopes_supported": []string{"profile"}},
		"no keys":         {"jwks_uri": nil},
		"keys over http":  {"jwks_uri": "http://keys.example/"},
		"keys with spies": {"jwks_uri": "https://a@b.example/"},
	} {
		w := newWorld(t)
		w.provider().silent = true
		offered := w.metadata
		w.metadata = func(all map[string]any) {
			offered(all)
			maps.Copy(all, m)
		}
		stranger := w.person()
		stranger.say("vaccination")
		if _, page := stranger.get("/"); strings.Contains(page, "It also asks") {
			t.Errorf("%s: it says that something is asked", name)
		}
		w.connected()
		if asked := w.authorize[0]; strings.Contains(asked.Get("scope"), "openid") || asked.Has("nonce") {
			t.Errorf("%s: asked %v", name, asked)
		}
	}
	w := newWorld(t)
	as := w.provider()
	w.metadata = func(m map[string]any) {
		m["scopes_supported"], m["jwks_uri"] = []string{"openid"}, w.other.URL+"/keys"
	}
	as.name = ""
	p := w.connected()
	if _, page := p.get("/"); w.authorize[0].Get("scope") != "pet-profile:read openid" || !strings.Contains(page, "Vet Assist AI acts for you at") {
		t.Errorf("without profile: %v", url.Values(w.authorize[0]))
	}
}
