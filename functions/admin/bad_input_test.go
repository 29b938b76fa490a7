package admin_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestBadInput: what is no request of the operation is refused, as a problem, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range operations(t) {
		path, _, _ := strings.Cut(examples[op.id].path, "?")
		query := "?"
		if strings.Contains(examples[op.id].path, "?") {
			path, query = examples[op.id].path, "&"
		}
		bad := func(what, path, body string, status int, headers ...string) {
			t.Helper()
			a := w.call(op.method, path, body, append([]string{"If-Match", "*"}, headers...)...).want(t, op.id+" "+what, status)
			a.problem(t)
			if strings.Contains(string(a.body), "s3cr3t-1") {
				t.Errorf("%s %s: the answer repeats what was sent: %s", op.id, what, a.body)
			}
		}
		if op.body {
			bad("with no body", path, "", 400)
			bad("with half of one", path, `{"password": "s3cr3t-1`, 400)
			bad("with a list", path, `[]`, 422)
			bad("with null", path, `null`, 422)
			bad("with a field too many", path, `{"sudo": "s3cr3t-1"}`, 422)
			bad("with a password of another type", path, `{"password": ["s3cr3t-1"]}`, 422)
			bad("as a form", path, "a=b", 415, "Content-Type", "application/x-www-form-urlencoded")
			bad("of 65 KB", path, `{"name": "`+strings.Repeat("x", 65<<10)+`"}`, 413)
		}
		bad("with a parameter too many", path+query+"sudo=1", examples[op.id].body, 422)
		if op.paged {
			for _, q := range []string{"limit=0", "limit=201", "limit=-1", "limit=x", "cursor=%21", "cursor=" + strings.Repeat("x", 9000)} {
				bad("with "+q[:min(len(q), 20)], path+query+q, "", 422)
			}
		}
	}
	if written := w.store.writes(); len(written) > 0 {
		t.Errorf("bad input wrote %q", written)
	}
}

// TestNobody: an id that names nothing is 404, whatever it looks like.
func TestNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range operations(t) {
		if !strings.Contains(op.path, "{") {
			continue
		}
		for _, id := range []string{"nobody", "%2e%2e", "..%2fadmin", "a%2Fb", "%00", "%ff", "%F0%9F%90%95", "bWNwOi8vbm9ib2R5", strings.Repeat("x", 200)} {
			path := op.path
			for strings.Contains(path, "{") {
				from, to := strings.Index(path, "{"), strings.Index(path, "}")
				path = path[:from] + id + path[to+1:]
			}
			a := w.call(op.method, path, examples[op.id].body, "If-Match", "*").want(t, op.id+" of "+id, 404)
			a.problem(t)
		}
	}
	if written := w.store.writes(); len(written) > 0 {
		t.Errorf("wrote %q", written)
	}
}

func TestMethodsAndAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/nothing", 404}, {"GET", "/", 404}, {"POST", "/users/user-bob", 405}, {"DELETE", "/users", 405}, {"PUT", "/keys", 405},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), c.method, w.url+"/admin/api/v1"+c.path, nil)
		r.Header.Set("Authorization", "Bearer "+w.admin)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status || (c.status == 405) != (resp.Header.Get("Allow") != "") {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}
