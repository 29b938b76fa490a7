package trace

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	jwt         = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
	authorizing = "client_id=c&state=some-state&code_challenge=challenge&response_type=code"
	tokens      = `{"access_token":"` + jwt + `","refresh_token":"first-refresh-token"}`
	stranger    = "198.51.100.7"
)

// Which exchanges belong together: the second one to the flow of the first, seen by the process that saw the first one, and by another.
func TestJoins(t *testing.T) {
	asks := func(answer map[string]string) exchange {
		return exchange{to: App, request: "GET /connect", status: 303, answer: answer}
	}
	chat := exchange{to: App, request: "POST /chat", json: `{"authorize_url":"` + base + `/oauth/authorize?` + authorizing + `"}`}
	gives := exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=x", json: tokens}
	agent := func(name string) map[string]string { return map[string]string{"User-Agent": name} }
	unknown := exchange{to: MCP, request: "POST /mcp", header: agent("Host/1"), status: 401}
	bearer := exchange{to: MCP, request: "POST /mcp", header: map[string]string{"Authorization": "Bearer " + jwt, "User-Agent": "Other/1", "From": stranger}}
	registered := exchange{to: OAuth, request: "POST /oauth/register", status: 201, json: `{"client_id":"c"}`}
	device := exchange{to: OAuth, request: "POST /oauth/device_authorization", form: "client_id=c", json: `{"device_code":"device","user_code":"ABCD"}`}
	pushed := exchange{to: OAuth, request: "POST /oauth/par", form: "client_id=c", status: 201, json: `{"request_uri":"urn:x"}`}
	elsewhere := func(e exchange) exchange {
		e.header = map[string]string{"From": stranger, "User-Agent": "Other/1"}
		return e
	}
	for _, c := range []struct {
		name          string
		first, second exchange
		silence       time.Duration // between the two
		same          bool
	}{
		{"the chat says where to go, and the browser goes there", chat, exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}, time.Hour, true},
		{"the chat sends the browser there", asks(map[string]string{"Location": base + "/oauth/authorize?" + authorizing}), exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}, time.Hour, true},
		{"it comes back to the chat with its state", chat, exchange{to: App, request: "GET /callback?code=k&state=some-state"}, time.Hour, true},
		{"with another state", chat, exchange{to: App, request: "GET /callback?code=k&state=other-state"}, 0, false},
		{"a request with the state alone", chat, exchange{to: OAuth, request: "GET /oauth/authorize?client_id=c&state=some-state&code_challenge=other"}, 0, false},
		{"a request of another client with state and challenge", chat, exchange{to: OAuth, request: "GET /oauth/authorize?client_id=d&state=some-state&code_challenge=challenge"}, 0, false},
		{"the state of another client is none of the chat's", exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}, exchange{to: App, request: "GET /callback?code=k&state=some-state"}, 0, false},
		{"nor is one in an answer to another client", exchange{to: OAuth, request: "POST /oauth/consent", status: 303, answer: redirect("https://client.example/cb", url.Values{"state": {"some-state"}, "code": {"k"}})},
			exchange{to: App, request: "GET /callback?code=other&state=some-state"}, 0, false},
		{"the login page knows where the person goes on", exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing, status: 303, answer: map[string]string{"Location": "/oauth/login?" + authorizing}}, exchange{to: OAuth, request: "GET /oauth/login?" + authorizing}, time.Hour, true},

		{"a code, redeemed from anywhere", exchange{to: OAuth, request: "POST /oauth/consent", status: 303, answer: redirect("https://client.example/cb", url.Values{"code": {"k"}})},
			elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=authorization_code&code=k"}), time.Hour, true},
		{"another code", exchange{to: OAuth, request: "POST /oauth/consent", status: 303, answer: redirect("https://client.example/cb", url.Values{"code": {"k"}})},
			elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=authorization_code&code=l"}), 0, false},
		{"a code that was not given", exchange{to: OAuth, request: "POST /oauth/token", form: "code=k", status: 400, json: `{"code":"k"}`},
			elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "code=k"}), 0, false},

		{"an access token", gives, bearer, idle - time.Second, true},
		{"an access token after a while", gives, bearer, idle, false},
		{"an access token that was refused", exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=x", status: 400, json: tokens}, bearer, 0, false},
		{"a refresh token", gives, elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=refresh_token&refresh_token=first-refresh-token"}), idle - time.Second, true},
		{"a refresh token after a while", gives, elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=refresh_token&refresh_token=first-refresh-token"}), idle, false},
		{"revocation", gives, elsewhere(exchange{to: OAuth, request: "POST /oauth/revoke", form: "token=first-refresh-token"}), 0, true},
		{"introspection", gives, elsewhere(exchange{to: OAuth, request: "POST /oauth/introspect", form: "token=" + jwt}), 0, true},

		{"a device's code", device, elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "device_code=device"}), time.Hour, true},
		{"what a person types for a device", device, elsewhere(exchange{to: OAuth, request: "GET /oauth/device?user_code=ABCD"}), time.Hour, true},
		{"or sends in a form", device, elsewhere(exchange{to: OAuth, request: "POST /oauth/device", form: "user_code=ABCD"}), time.Hour, true},
		{"a pushed request", pushed, elsewhere(exchange{to: OAuth, request: "GET /oauth/authorize?client_id=c&request_uri=urn%3Ax"}), time.Hour, true},
		{"a client that has just registered", registered, elsewhere(exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}), idle - time.Second, true},
		{"a client that registered a while ago", registered, elsewhere(exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}), idle, false},

		{"a client that has just registered, with nothing but its id", registered, elsewhere(exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=client_credentials&client_id=c"}), 0, false},
		{"a client that many people have", exchange{to: OAuth, request: "GET /oauth/authorize?" + authorizing}, exchange{to: OAuth, request: "GET /oauth/authorize?client_id=c&state=other&code_challenge=other&response_type=code"}, 0, false},

		{"a client of which nothing is known, again", unknown, exchange{to: OAuth, request: "GET /.well-known/oauth-authorization-server", header: agent("Host/1")}, idle - time.Second, true},
		{"after a while", unknown, exchange{to: OAuth, request: "GET /.well-known/oauth-authorization-server", header: agent("Host/1")}, idle, false},
		{"another program", unknown, exchange{to: OAuth, request: "GET /.well-known/oauth-authorization-server", header: agent("Host/2")}, 0, false},
		{"another address", unknown, exchange{to: OAuth, request: "GET /.well-known/oauth-authorization-server", header: map[string]string{"User-Agent": "Host/1", "From": stranger}}, 0, false},
		{"a browser of the same name", unknown, exchange{to: OAuth, request: "GET /oauth/login", header: agent("Host/1")}, 0, false},
		{"a client after somebody's got tokens", exchange{to: OAuth, request: "POST /oauth/token", form: "grant_type=x", header: agent("Host/1"), json: tokens}, unknown, 0, false},
		{"a client beside one that has a token", exchange{to: MCP, request: "POST /mcp", header: map[string]string{"Authorization": "Bearer " + jwt, "User-Agent": "Host/1"}}, unknown, 0, false},
		{"two browsers", exchange{to: OAuth, request: "GET /oauth/login"}, exchange{to: OAuth, request: "GET /oauth/login"}, 0, false},
		{"a flow that is over", chat, exchange{to: App, request: "GET /callback?state=some-state"}, Keep, false},
	} {
		for name, second := range map[string]func(*world) *Recorder{
			"":                func(w *world) *Recorder { return w.Recorder },
			", other process": func(w *world) *Recorder { return w.process(w.store, true) },
		} {
			t.Run(c.name+name, func(t *testing.T) {
				w := newWorld(t)
				first, _ := w.sent(c.first)
				w.clock.Advance(c.silence)
				got, _ := w.sentTo(second(w), c.second)
				if first == "" || got == "" || (first == got) != c.same {
					t.Errorf("flows %s and %s, want the same: %v", first, got, c.same)
				}
			})
		}
	}
}

// A traceparent joins only with a tracestate that one of our parties has sealed and the id of a flow that can still be there: all else is a stranger's.
func TestTraceparent(t *testing.T) {
	w := newWorld(t)
	flow, _ := w.sent(exchange{to: App, request: "POST /chat"})
	old := "6922f000" + flow[8:]
	for _, c := range []struct {
		name, parent, state string
		same                bool
	}{
		{"of the chat", "00-" + flow + "-0123456789abcdef-01", w.stateOf("app", flow), true},
		{"of the MCP server", "00-" + flow + "-0123456789abcdef-01", w.stateOf("mcp", flow), true},
		{"of somebody who knows the flow", "00-" + flow + "-0123456789abcdef-01", "vetassist=app", false},
		{"with an empty seal", "00-" + flow + "-0123456789abcdef-01", "vetassist=app:", false},
		{"with the seal of another party", "00-" + flow + "-0123456789abcdef-01", strings.Replace(w.stateOf("mcp", flow), "mcp", "app", 1), false},
		{"with the seal of another flow", "00-" + flow + "-0123456789abcdef-01", w.stateOf("app", w.newFlow()), false},
		{"with the seal of another exchange", "00-" + flow + "-fedcba9876543210-01", w.stateOf("app", flow), false},
		{"without a state", "00-" + flow + "-0123456789abcdef-01", "", false},
		{"of another program", "00-" + flow + "-0123456789abcdef-01", "other=app", false},
		{"of a party that sends nothing", "00-" + flow + "-0123456789abcdef-01", w.stateOf("browser", flow), false},
		{"of a flow that is over", "00-" + old + "-0123456789abcdef-01", w.stateOf("app", old), false},
		{"of the future", "00-ffffffff" + flow[8:] + "-0123456789abcdef-01", w.stateOf("app", "ffffffff"+flow[8:]), false},
		{"too short", "00-" + flow[:30] + "-0123456789abcdef-01", "vetassist=app", false},
		{"no digits", "00-" + strings.Repeat("z", 32) + "-0123456789abcdef-01", "vetassist=app", false},
		{"no parent", "00-" + flow + "--01", "vetassist=app", false},
		{"nothing", "", "vetassist=app", false},
	} {
		header := map[string]string{"Traceparent": c.parent, "Tracestate": c.state, "User-Agent": c.name}
		got, _ := w.sent(exchange{to: MCP, request: "POST /mcp", header: header})
		if (got == flow) != c.same {
			t.Errorf("%s: %s, want the flow of the chat: %v", c.name, got, c.same)
		}
	}
	for _, rec := range w.records(flow, everything)[1:] {
		if rec.Parent != "0123456789abcdef" || rec.From != App && rec.From != MCP {
			t.Errorf("sent by %s within %q", rec.From, rec.Parent)
		}
	}
}

// What is stored of a user code helps nobody to find it: all there can be are soon tried.
func TestUserCodeIsSealed(t *testing.T) {
	w := newWorld(t)
	stored := map[string]bool{}
	r := w.process(&broken{Store: w.store, onWrite: func(op store.Op) { stored[op.Item.Partition] = true }}, true)
	w.sentTo(r, exchange{to: OAuth, request: "POST /oauth/device_authorization", form: "client_id=c", json: `{"device_code":"device","user_code":"WDJB-MJHT"}`})
	if !stored[linkPartition+r.userKey(context.Background(), "WDJB-MJHT")[0]] {
		t.Errorf("nothing leads from the code to its flow: %v", stored)
	}
	for _, code := range []string{"WDJB-MJHT", "WDJBMJHT"} {
		if stored[linkPartition+key(byUser, code)] || stored[linkPartition+web.Hash(code)] {
			t.Error("its plain hash is stored")
		}
	}
}

// connect is how a client that was registered beforehand gets a token for somebody, and uses it. It returns the flows of the steps.
func connect(w *world, person string) (flows []string) {
	q := "client_id=c&response_type=code&state=" + person + "&code_challenge=" + person
	token := "eyJ" + person + "AAAAAAAA.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
	agent := map[string]string{"User-Agent": "Host/1"}
	bearer := map[string]string{"User-Agent": "Host/1", "Authorization": "Bearer " + token}
	for _, e := range []exchange{
		{to: MCP, request: "POST /mcp?for=" + person, header: agent, status: 401},
		{to: OAuth, request: "GET /.well-known/oauth-authorization-server?for=" + person, header: agent},
		{to: OAuth, request: "GET /oauth/authorize?" + q, subject: person, status: 303, answer: redirect("http://localhost:9/", url.Values{"code": {"code-of-" + person}})},
		{to: OAuth, request: "POST /oauth/token?for=" + person, header: agent, form: "code=code-of-" + person, json: `{"access_token":"` + token + `"}`, subject: person},
		{to: MCP, request: "POST /mcp?for=" + person, header: bearer, subject: person},
	} {
		w.clock.Advance(time.Second)
		flow, _ := w.sent(e)
		flows = append(flows, flow)
	}
	return flows
}

// What a client did before anybody knew whose it is becomes part of the flow in which that comes out.
func TestMerges(t *testing.T) {
	w := newWorld(t)
	flows := connect(w, "bob")
	if flows[0] != flows[1] || flows[2] != flows[3] || flows[3] != flows[4] || flows[0] == flows[2] {
		t.Errorf("flows %q", flows)
	}
	got := lines(w.records(flows[4], Viewer{User: "bob"}))
	if strings.Count(got, "\n") != 4 || !strings.HasPrefix(got, "POST /mcp?for=bob\nGET /.well-known/") || !strings.HasSuffix(got, "POST /mcp?for=bob bob") {
		t.Errorf("the whole flow is\n%s", got)
	}
	if got := w.records(flows[0], Viewer{User: "bob"}); len(got) > 0 {
		t.Errorf("by itself the beginning is nobody's, but is shown: %s", lines(got))
	}
}

// Two people's clients behind one address, and with one name: one after the other they are never mixed up, whichever
// process they meet.
func TestBehindOneAddress(t *testing.T) {
	w := newWorld(t)
	behindOneAddress(t, w, connect(w, "bob"), connect(w, "alice"))
	w = newWorld(t)
	bob := connect(w, "bob")
	w.Recorder = w.process(w.store, true)
	behindOneAddress(t, w, bob, connect(w, "alice"))
}

func behindOneAddress(t *testing.T, w *world, bob, alice []string) {
	t.Helper()
	for _, c := range []struct {
		flow       string
		me, others string
	}{{bob[4], "bob", "alice"}, {alice[4], "alice", "bob"}} {
		got := lines(w.records(c.flow, Viewer{User: c.me}))
		if strings.Count(got, "\n") != 4 || strings.Contains(got, c.others) {
			t.Errorf("%s sees\n%s", c.me, got)
		}
		if got := w.records(c.flow, Viewer{User: c.others}); len(got) > 0 {
			t.Errorf("%s sees of %s\n%s", c.others, c.me, lines(got))
		}
	}
}

// A request to ourselves says to which flow it belongs; one to anybody else says nothing of it, whatever its address looks like.
func TestSaysNothingToStrangers(t *testing.T) {
	w := newWorld(t)
	for address, says := range map[string]bool{
		base + "/mcp": true, "http://localhost:8081/mcp": false, "https://localhost:8080/mcp": false, "http://localhost.example:8080/mcp": false, "http://localhost:8080@other.example/mcp": false,
	} {
		var got http.Header
		client := w.Client(App, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})})
		handler := w.Handler(App, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, nil)
			if err == nil {
				_, err = client.Do(out)
			}
			if err != nil {
				t.Error(err)
			}
		}))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, base+"/chat", nil))
		if told := got.Get(parentHeader) != "" || got.Get(stateHeader) != ""; told != says {
			t.Errorf("%s is told of the flow: %v", address, told)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
