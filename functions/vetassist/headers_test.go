package main

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
)

// atBothAddresses runs a test on a laptop's server, and on one that stands behind a proxy with TLS.
func atBothAddresses(t *testing.T, test func(t *testing.T, w *world, login func(*surfer))) {
	t.Run("localhost", func(t *testing.T) {
		test(t, newWorld(t), func(s *surfer) { s.login("bob", "bob-demo") })
	})
	t.Run("https", func(t *testing.T) {
		w := newWorld(t, func(o *Options) {
			o.BaseURL, o.Recorder, o.Registration = "https://demo.example.com", "on", config.RegistrationOpen
		})
		w.givePassword("user-bob", "a-real-password")
		test(t, w, func(s *surfer) { s.login("new-bob", "a-real-password") })
	})
}

// TestRoutes asks for every route, as a page of a foreign origin might, and looks at what the answer lets others do.
func TestRoutes(t *testing.T) {
	t.Parallel()
	atBothAddresses(t, func(t *testing.T, w *world, login func(*surfer)) {
		strange, known := w.surfer(t), w.surfer(t)
		login(known)
		w.recorder.Flush() // so that the latest flow is there
		for _, r := range routes {
			if r.pattern == clockRoute && !w.options.Local() {
				continue
			}
			method, path := r.request()
			headers := []string{"Origin", "https://evil.example"}
			s := strange
			if r.as == someone {
				s = known
			}
			if r.form != "" { // it would be refused otherwise
				headers = []string{"Origin", w.URL, "Content-Type", formType}
			}
			a := s.ask(method, path, "", headers...)
			if a.status != r.status {
				t.Errorf("%s %s: %d, want %d: %.200s", method, path, a.status, r.status, a.body)
			}
			for _, what := range wrongHeaders(r.kind, a) {
				t.Errorf("%s %s (%s, %d): %s", method, path, r.kind, a.status, what)
			}
		}
		if len(strange.cookies) == 0 || len(known.cookies) < 3 { // login, known browser, chat, recorder
			t.Errorf("too few cookies were looked at: %d and %d", len(strange.cookies), len(known.cookies))
		}
	})
}

// wrongHeaders says what is wrong with the headers of a route of this kind.
func wrongHeaders(kind string, a answer) (wrong []string) {
	want := func(ok bool, name string) {
		if !ok {
			wrong = append(wrong, name+" is "+strings.Join(a.header.Values(name), " | "))
		}
	}
	is := func(name, value string) { want(a.header.Get(name) == value, name) }
	origin := ""
	if kind == anOpen || kind == aPublic {
		origin = "*"
	}
	is("Access-Control-Allow-Origin", origin)
	is("Access-Control-Allow-Credentials", "")
	cached := a.header.Get("Cache-Control")
	isHTML := strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
	if len(a.body) > 0 && kind != aRedirect {
		is("X-Content-Type-Options", "nosniff")
	}
	switch kind {
	case aPage:
		policy := strings.Join(a.header.Values("Content-Security-Policy"), "; ")
		want(strings.Contains(policy, "default-src 'none'") && strings.Contains(policy, "frame-ancestors 'none'") && strings.Contains(policy, "base-uri 'none'") &&
			!strings.Contains(policy, "unsafe"), "Content-Security-Policy")
		is("X-Frame-Options", "DENY")
		is("Referrer-Policy", "no-referrer")
		want(strings.Contains(cached, "no-store"), "Cache-Control")
		want(isHTML, "Content-Type")
	case aPrivate, anOpen:
		want(strings.Contains(cached, "no-store") || a.status == http.StatusMethodNotAllowed, "Cache-Control")
		want(!isHTML, "Content-Type")
	case aPublic, aDocument, aStatic:
		want(cached != "" && !isHTML, "Cache-Control")
		want(len(a.header.Values("Set-Cookie")) == 0, "Set-Cookie")
	case aRedirect:
		want(a.header.Get("Location") != "", "Location")
		want(!strings.Contains(cached, "public"), "Cache-Control")
	}
	return wrong
}

// surfer is a browser that shows every header, and looks at each cookie that it is given. What is at an https address is asked for
// as the proxy before it does.
type surfer struct {
	t       *testing.T
	w       *world
	cookies map[string]string
}

func (w *world) surfer(t *testing.T) *surfer { return &surfer{t, w, map[string]string{}} }

func (s *surfer) ask(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.w.listeners[0].Addr().String()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = s.w.host()
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	a := roundTrip(s.t, s.w, r)
	for _, line := range a.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		tls := strings.HasPrefix(s.w.URL, "https:")
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != tls || tls != strings.HasPrefix(c.Name, "__Host-") {
			s.t.Errorf("%s %s sets a cookie %s", method, path, strings.Replace(line, c.Value, "…", 1))
		}
		s.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(s.cookies, c.Name)
		}
	}
	return a
}

// form sends one as a browser does that is on a page of ours.
func (s *surfer) form(path string, values url.Values) answer {
	s.t.Helper()
	return s.ask("POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", s.w.URL, "Sec-Fetch-Site", "same-origin")
}

var formToken = regexp.MustCompile(`(?:name="form_token" value|data-token)="([^"]+)"`)

// token is the form token of a page, of its last form if it has several.
func (s *surfer) token(path string) string {
	s.t.Helper()
	a := s.ask("GET", path, "")
	found := formToken.FindAllSubmatch(a.body, -1)
	if found == nil {
		s.t.Fatalf("%s has no form token: %d %s", path, a.status, a.header.Get("Location"))
	}
	return string(found[len(found)-1][1])
}

func (s *surfer) login(username, password string) {
	s.t.Helper()
	a := s.form("/oauth/login", url.Values{"form_token": {s.token("/oauth/login")}, "username": {username}, "password": {password}})
	if a.status != http.StatusSeeOther {
		s.t.Fatalf("login: %d %s", a.status, a.body)
	}
}

func roundTrip(t *testing.T, w *world, r *http.Request) answer {
	t.Helper()
	resp, err := w.transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

const (
	formType   = "application/x-www-form-urlencoded"
	clockRoute = "POST /learn/clock" // on a laptop only
)

// TestForms sends every form of our pages as a page of another site would, and without the token of the page that it is on, or with that
// of another browser: nothing may come of it (RFC 6749 §10.12). The app's and the course's forms have no token: that other sites' requests are told by
// Sec-Fetch-Site and Origin, and that they come without our cookies (SameSite), is all that they have.
func TestForms(t *testing.T) {
	t.Parallel()
	atBothAddresses(t, func(t *testing.T, w *world, login func(*surfer)) {
		other := w.surfer(t)
		other.ask("GET", "/oauth/login", "")
		for _, r := range routes {
			if r.form == "" || !w.options.Local() && (r.pattern == clockRoute || r.pattern == "POST /oauth/device") { // nor is the demo's device there
				continue
			}
			t.Run(r.pattern, func(t *testing.T) {
				w := w.in(t)
				s := w.surfer(t)
				if r.as == someone {
					login(s)
				}
				other := &surfer{t, w, other.cookies}
				_, path := r.request()
				right, foreign, another := "", "", ""
				if r.form != "cookie" {
					page, query := r.form, ""
					switch path {
					case "/oauth/consent":
						query = "?" + w.request(nil).Encode()
					case "/oauth/device":
						query = "?user_code=" + w.askForDevice().User
					case "/oauth/logout/confirm":
						query = "?client_id=vet-assist-ai"
					}
					right, foreign = s.token(page+query), other.token("/oauth/login")
					path += query
				}
				switch {
				case r.as == anyone:
				case r.form == "/oauth/logout":
					another = s.token("/oauth/account")
				default:
					another = s.token("/oauth/logout")
				}
				send := func(token string, headers ...string) answer {
					if strings.Contains(path, "passkey/") {
						return s.ask("POST", path, `{"form_token":"`+token+`"}`, append(headers, "Content-Type", "application/json")...)
					}
					return s.ask("POST", path, url.Values{"form_token": {token}}.Encode(), append(headers, "Content-Type", formType)...)
				}
				own := []string{"Origin", w.URL, "Sec-Fetch-Site", "same-origin"}
				for name, headers := range map[string][]string{
					"of another site":         {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
					"of a sibling":            {"Origin", "https://evil.example.com", "Sec-Fetch-Site", "same-site"},
					"of an old browser":       {"Origin", "https://evil.example"},
					"of a frame without name": {"Origin", "null"},
				} {
					if r.pattern == "POST /oauth/logout" { // other sites may send people there, who are asked then: without our token nothing ends
						if a := send("", headers...); a.status == http.StatusSeeOther {
							t.Errorf("%s: %d", name, a.status)
						}
					} else if a := send(right, headers...); a.status != http.StatusForbidden {
						t.Errorf("%s: %d", name, a.status)
					}
				}
				if r.form == "cookie" {
					if a := send("", own...); strings.Contains(string(a.body), "another site") {
						t.Errorf("our own page's form: %d %s", a.status, a.body)
					}
					return
				}
				const tooLong = "open for too long"
				for name, token := range map[string]string{"no token": "", "a token of another browser": foreign, "a token of another form": another} {
					if a := send(token, own...); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), tooLong) {
						t.Errorf("%s: %d %.300s", name, a.status, a.body)
					}
				}
				if a := s.ask("GET", "/oauth/account", ""); r.as == someone && a.status != http.StatusOK {
					t.Errorf("not logged in any more: %d", a.status)
				}
				if a := send(right, own...); strings.Contains(string(a.body), tooLong) {
					t.Errorf("our own page's form: %d", a.status)
				}
			})
		}
	})
}
