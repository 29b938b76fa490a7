package admin_test

import (
	"strings"
)

// step is a call and what must come of it.
type step struct {
	what, method, path, body string
	status                   int
	blames                   string // locations of wrong fields
}

// walk makes the calls one after the other, each with If-Match *.
func (w *world) walk(steps []step) {
	w.t.Helper()
	for _, s := range steps {
		a := w.call(s.method, s.path, s.body, "If-Match", "*").want(w.t, s.what, s.status)
		if s.status >= 400 {
			if got := a.problem(w.t).locations(); got != s.blames {
				w.t.Errorf("%s blames %q, want %q: %s", s.what, got, s.blames, a.body)
			}
		}
	}
}

// ids reads a list to its end.
func (w *world) ids(path string) (all []string) {
	w.t.Helper()
	for next := ""; ; {
		page := as[struct {
			Items []struct {
				ID       string
				ClientID string `json:"client_id"`
				Name     string
				Username string
			}
			Next string
		}](w.t, w.call("GET", path+next, "").want(w.t, path+next, 200))
		for _, item := range page.Items {
			switch {
			case item.Username != "":
				all = append(all, item.Username)
			case item.ClientID != "":
				all = append(all, item.ClientID)
			case item.ID != "":
				all = append(all, item.ID)
			default:
				all = append(all, item.Name)
			}
		}
		if page.Next == "" {
			return all
		}
		next = "&cursor=" + page.Next
		if !strings.Contains(path, "?") {
			next = "?cursor=" + page.Next
		}
	}
}
