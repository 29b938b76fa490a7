package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/clientkey"
)

// TestBoundTokens is the story with both servers taking proofs: each request of both kinds carries a fresh one, of one key a login.
func TestBoundTokens(t *testing.T) {
	for _, challenged := range []bool{false, true} { // by metadata, by a challenge (RFC 9449 §7.1)
		t.Run(fmt.Sprintf("challenged=%v", challenged), func(t *testing.T) {
			w := newWorld(t)
			j := w.judged()
			if challenged {
				j.challenged, j.atResource = true, nil
			}
			p := w.connected()
			if a := p.say("vaccination"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "ok answer") {
				t.Fatalf("%+v", a)
			}
			if _, page := p.get(p.say("book").AuthorizeURL); !strings.Contains(page, "answer of book_vet_appointment") {
				t.Errorf("the step-up: %s", page)
			}
			w.pass(w.ttl)
			if a := p.say("vaccination"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "ok answer") {
				t.Errorf("after a refresh: %+v", a)
			}
			if len(j.found) > 0 || j.bare > 0 {
				t.Errorf("%q, and %d bearer tokens", j.found, j.bare)
			}
			if len(j.asked) != 2 || j.asked[0] == j.asked[1] || len(j.asked[0]) != 43 {
				t.Errorf("dpop_jkt %q: a key of its own for each login", j.asked)
			}
			if n := count(j.seen, "token"); n != 3 { // two codes and a refresh
				t.Errorf("%d proofs at the token endpoint", n)
			}
			if n := count(j.seen, "mcp"); n < 4 {
				t.Errorf("%d proofs at the MCP server", n)
			}
		})
	}
}

// TestBoundOnlyWhereBothAgree: one of the two alone is no reason to send proofs (RFC 9449 §5.1, RFC 9728 §2).
func TestBoundOnlyWhereBothAgree(t *testing.T) {
	for _, c := range []struct {
		what                 string
		atServer, atResource []string
		challenged           bool
	}{
		{"neither", nil, nil, false},
		{"the authorization server only", []string{"ES256"}, nil, false},
		{"the resource only", nil, []string{"ES256"}, false},
		{"the resource only, in a challenge", nil, nil, true},
		{"no algorithm of ours at the authorization server", []string{"RS256", "es256"}, []string{"ES256"}, false},
		{"no algorithm of ours at the resource", []string{"ES256"}, []string{"EdDSA"}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			j := w.judged()
			j.atServer, j.atResource, j.challenged = c.atServer, c.atResource, c.challenged
			w.connected()
			if len(j.seen) > 0 || !slices.Equal(j.asked, []string{""}) || j.bare == 0 {
				t.Errorf("proofs %q, dpop_jkt %q, %d bearer tokens", j.seen, j.asked, j.bare)
			}
		})
	}
}

// TestNonces: the nonce of each server goes into the proofs for it, and costs one request when it is new.
func TestNonces(t *testing.T) {
	w := newWorld(t)
	j := w.judged()
	j.tokenNonce, j.mcpNonce = "as-1", "rs-1"
	p := w.connected()
	if count(j.seen, "token") != 1 || count(j.seen, "token as-1") != 1 || count(j.seen, "mcp") != 1 || count(j.seen, "mcp rs-1") == 0 {
		t.Errorf("%q", j.seen)
	}
	j.seen, j.tokenNonce, j.mcpNonce = nil, "as-2", "rs-2"
	w.pass(w.ttl)
	calls := count(w.calls, "get_pet_vaccination_info")
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
		t.Fatalf("%+v", a)
	}
	if count(j.seen, "token as-1") != 1 || count(j.seen, "token as-2") != 1 || count(j.seen, "mcp rs-1") != 1 || count(j.seen, "mcp rs-2") == 0 {
		t.Errorf("%q", j.seen)
	}
	if n := count(w.calls, "get_pet_vaccination_info") - calls; n != 1 {
		t.Errorf("the tool was called %d times", n)
	}
	if len(j.found) > 0 || j.bare > 0 {
		t.Errorf("%q, and %d bearer tokens", j.found, j.bare)
	}
}

// TestNonceThatNeverDoes: asked for one with each answer, we ask once more and no more.
func TestNonceThatNeverDoes(t *testing.T) {
	w := newWorld(t)
	n := 0
	var mu sync.Mutex
	j := w.judged()
	inner := w.other.Config.Handler
	w.other.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			mu.Lock()
			defer mu.Unlock()
			n++
			j.tokenNonce = fmt.Sprint("never-", n)
		}
		inner.ServeHTTP(rw, r)
	})
	p := w.person()
	if _, page := p.get(p.say("vaccination").AuthorizeURL); !strings.Contains(page, "Connecting did not work") || n != 2 {
		t.Errorf("%d token requests: %s", n, page)
	}
}

// TestDowngrade: tokens that anybody could use, where both servers promised bound ones, are not kept (RFC 9449 §5).
func TestDowngrade(t *testing.T) {
	w := newWorld(t)
	j := w.judged()
	j.bearer = true
	p := w.person()
	_, page := p.get(p.say("vaccination").AuthorizeURL)
	if !strings.Contains(page, "would work for whoever finds it") || j.bare > 0 {
		t.Errorf("%d bearer tokens sent: %s", j.bare, page)
	}

	// And at a refresh: the login of before stays what it is, until it ends.
	j.bearer = false
	p = w.connected()
	j.bearer = true
	w.pass(w.ttl)
	if a := p.say("vaccination"); strings.Contains(a.Reply, "ok answer") || j.bare > 0 {
		t.Errorf("%d bearer tokens sent: %+v", j.bare, a)
	}
}

// TestUnasked: a bound token where no key was proved is of no use to us (RFC 6749 §7.1).
func TestUnasked(t *testing.T) {
	w := newWorld(t)
	w.onToken = func(rw http.ResponseWriter, _ url.Values) bool {
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rw, `{"access_token":"x","token_type":"DPoP"}`)
		return true
	}
	p := w.person()
	if _, page := p.get(p.say("vaccination").AuthorizeURL); !strings.Contains(page, "Connecting did not work") {
		t.Errorf("%s", page)
	}
}

// TestProofKeyIsSealed: what lies in the store opens nothing, and a key goes with the cookie.
func TestProofKeyIsSealed(t *testing.T) {
	w := newWorld(t)
	w.judged()
	w.connected()
	if written := w.store.written.String(); !strings.Contains(written, `"key":"`) || strings.Contains(written, "PRIVATE KEY") {
		t.Error("no key, or one that anybody can read")
	}
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	a, errA := newSealer(strings.Repeat("A", 43), zeros{})
	b, errB := newSealer(strings.Repeat("B", 42)+"A", zeros{})
	sealed, err := sealKey(a, key)
	if errA != nil || errB != nil || err != nil {
		t.Fatal(errA, errB, err)
	}
	if again, err := openKey(a, sealed); err != nil || again.ID() != key.ID() {
		t.Errorf("%v %v", again, err)
	}
	if _, err := openKey(b, sealed); err == nil {
		t.Error("another cookie opens it")
	}
	if _, err := a.open("access token", sealed); err == nil {
		t.Error("it passes for a token")
	}
}

func TestNoncesAreBounded(t *testing.T) {
	var n nonces
	header := func(nonce string) http.Header { return http.Header{"Dpop-Nonce": {nonce}} }
	for i := range 10 * maxNonces {
		n.note(fmt.Sprintf("https://as-%d.example/token", i), header("x"))
		if len(n.of) > maxNonces {
			t.Fatalf("%d are kept", len(n.of))
		}
	}
	n.note("https://as.example/token", header("good"))
	for what, nonce := range map[string]string{"empty": "", "long": strings.Repeat("x", maxNonce+1), "a space": "a b", "a quote": `a"b`, "not ASCII": "é"} {
		n.note("https://as.example/token", header(nonce))
		if got := n.at("https://as.example/token?x"); got != "good" {
			t.Errorf("%s: took %q", what, got)
		}
	}
	if n.at("https://rs.example/mcp") != "" || n.at("http://as.example/token") != "" || n.at("https://as.example/mcp") != "" {
		t.Error("a nonce is of one endpoint")
	}
}

// TestBearerLoginStays: a login from before the servers took proofs goes on as it is.
func TestBearerLoginStays(t *testing.T) {
	w := newWorld(t)
	j := w.judged()
	j.atResource = nil
	p := w.connected()
	j.atResource = []string{"ES256"}
	w.pass(w.ttl + time.Second)
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") || len(j.seen) > 0 {
		t.Errorf("%+v %q", a, j.seen)
	}
}
