package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func ask(t *testing.T, handler http.HandlerFunc, j Job) Result {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	j.Addr = strings.TrimPrefix(s.URL, "http://")
	if j.Connections == 0 {
		j.Connections = 2
	}
	j.Seconds = 0.05
	if err := j.check(); err != nil {
		t.Fatal(err)
	}
	r := j.run()
	for n := 0; n < 20 && r.Done+r.Errors == 0; n++ { // on a busy machine the time can be over before the first request
		r = j.run()
	}
	return r
}

// TestRequests: only the answer that was wanted counts.
func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		good    bool
	}{
		"as wanted": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the answer") }, true},
		"in chunks": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "the ")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "answer")
		}, true},
		"and then closed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "the answer")
		}, true},
		"another":   {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "something else") }, false},
		"a failure": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); fmt.Fprint(w, "the answer") }, false},
		"too much": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "the answer", strings.Repeat(" ", maxAnswer))
		}, false},
		"none": {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(t, c.handler, Job{Mode: "request", Requests: []Request{{Method: "GET", Path: "/"}}, Want: "the answer"})
			if good := r.Done > 0 && r.Errors == 0; good != c.good || !c.good && (r.Done > 0 || r.Error == "") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestNoContent: an answer that has no body, and no length (RFC 9112 §6.3), is told as what it is.
func TestNoContent(t *testing.T) {
	for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
		r := ask(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, Job{Mode: "request", Requests: []Request{{Method: "GET", Path: "/"}}})
		if r.Done > 0 || r.Errors == 0 || !strings.HasPrefix(r.Error, fmt.Sprint(status)) {
			t.Errorf("%d: %+v", status, r)
		}
	}
}

// authorizationServer gives codes to whoever has the cookie, and refresh tokens that rotate, unless it is told not to. By the scope it errs:
// it sends the browser elsewhere, or brings another state back.
func authorizationServer(rotates bool) http.HandlerFunc {
	var issued atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/authorize" && r.Header.Get("Cookie") == "login=somebody" && r.FormValue("code_challenge_method") == "S256":
			next := "/on?" + url.Values{"state": {r.FormValue("state")}}.Encode()
			switch r.FormValue("scope") {
			case "elsewhere":
				next = "http://stranger.test" + next
			case "another state":
				next = "/on?state=another"
			}
			http.Redirect(w, r, next, http.StatusSeeOther)
		case r.URL.Path == "/on":
			http.Redirect(w, r, "http://client.test/cb?code=1&state="+r.FormValue("state"), http.StatusSeeOther)
		case r.URL.Path == "/token" && (r.PostFormValue("code") == "1" && len(r.PostFormValue("code_verifier")) >= 43 || r.PostFormValue("refresh_token") == fmt.Sprint(issued.Load())):
			if rotates || issued.Load() == 0 {
				issued.Add(1)
			}
			fmt.Fprintf(w, `{"access_token":"x","refresh_token":"%d"}`, issued.Load())
		default:
			w.WriteHeader(400)
		}
	}
}

func TestFlow(t *testing.T) {
	flow := Flow{Authorize: "/authorize", Token: "/token", Client: "web", Redirect: "http://client.test/cb", Scope: "x", Cookies: []string{"login=somebody"}}
	stranger, elsewhere, another := flow, flow, flow
	stranger.Cookies, elsewhere.Scope, another.Scope = nil, "elsewhere", "another state"
	for name, c := range map[string]struct {
		mode     string
		flow     Flow
		rotates  bool
		good     bool
		requests float64
	}{
		"a flow":                     {"flow", flow, true, true, 3},
		"of nobody":                  {"flow", stranger, true, false, 0},
		"by way of a stranger":       {"flow", elsewhere, true, false, 0},
		"of another state":           {"flow", another, true, false, 0},
		"a refresh":                  {"refresh", flow, true, true, 1},
		"a refresh without rotation": {"refresh", flow, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(t, authorizationServer(c.rotates), Job{Mode: c.mode, Flow: c.flow, Connections: 1})
			if good := r.Done > 0 && r.Errors == 0; good != c.good || r.Requests != c.requests {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestBounds: it asks nobody else's server, and not for ever.
func TestBounds(t *testing.T) {
	good := Job{Mode: "flow", Addr: "127.0.0.1:1", Connections: 1, Seconds: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Job){
		"another machine":      func(j *Job) { j.Addr = "192.0.2.1:80" },
		"a name":               func(j *Job) { j.Addr = "example.com:80" },
		"no connection":        func(j *Job) { j.Connections = 0 },
		"too many connections": func(j *Job) { j.Connections = 5000 },
		"no time":              func(j *Job) { j.Seconds = 0 },
		"too long":             func(j *Job) { j.Seconds = 3600 },
		"nothing to ask":       func(j *Job) { j.Mode = "request" },
		"an unknown mode":      func(j *Job) { j.Mode = "flood" },
	} {
		j := good
		change(&j)
		if j.check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
