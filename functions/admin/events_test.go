package admin_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/audit"
)

func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.clock.Advance(1e9)
		w.call("POST", "/roles", fmt.Sprintf(`{"name": "Role %d"}`, i)).want(t, "a change", 201)
	}
	w.call("DELETE", "/roles/Nothing", "", "If-Match", "*").want(t, "a refusal", 404)
	type event struct {
		ID, Event, Outcome string
		Details            map[string]string
	}
	var seen []string
	for cursor := ""; ; {
		page := as[struct {
			Items []event
			Next  string
		}](t, w.call("GET", "/audit?event=administration&outcome=ok&limit=2"+cursor, "").want(t, "a page", 200))
		for _, e := range page.Items {
			seen = append(seen, e.Details["role"])
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if want := []string{"Role 4", "Role 3", "Role 2", "Role 1", "Role 0"}; !slices.Equal(seen, want) {
		t.Errorf("listed %q", seen)
	}
	a := w.call("GET", "/audit/export?outcome=refused", "").want(t, "exporting", 200)
	if lines := strings.Split(strings.TrimSpace(string(a.body)), "\n"); len(lines) != 1 || !strings.Contains(lines[0], "delete-role") ||
		a.header.Get("Content-Type") != "application/jsonl" || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("exported %q as %v", lines, a.header)
	}
	since := w.clock.Now().Add(-2e9).Format(http.TimeFormat)
	w.call("GET", "/audit?since="+strings.ReplaceAll(since, " ", "%20"), "").want(t, "a time in another form", 422)
	if got := as[struct{ Items []event }](t, w.call("GET", "/audit?event=administration&since="+w.clock.Now().Add(-1500e6).Format("2006-01-02T15:04:05.000Z"), "")); len(got.Items) != 3 {
		t.Errorf("since: %+v", got.Items)
	}
}

// A long log is exported in parts, each an answer that Lambda can give. The Link leads on, with the same filter.
func TestExportInParts(t *testing.T) {
	w := newWorld(t)
	log := audit.New(w.store, w.clock.Now, rand.Reader, slog.New(slog.DiscardHandler))
	details := map[string]string{}
	for i := range 8 {
		details[fmt.Sprint("detail", i)] = strings.Repeat("x", 200)
	}
	const n = 2500
	for i := range n {
		details["error"] = fmt.Sprint("error", i) // each is of a kind of its own
		log.Record(t.Context(), audit.Event{Name: audit.Token, Outcome: audit.Refused, UserID: "user-é&b", Proven: true, Details: details})
	}
	next := "/audit/export?outcome=refused&user_id=" + url.QueryEscape("user-é&b")
	lines, parts := 0, 0
	for next != "" {
		a := w.call("GET", next, "").want(t, "exporting", 200)
		lines += strings.Count(string(a.body), "\n")
		parts++
		link := a.header.Get("Link")
		if next = ""; link != "" {
			rest, ok := strings.CutSuffix(link, `>; rel="next"`)
			if _, next, _ = strings.Cut(rest, "/admin/api/v1"); !ok || next == "" {
				t.Fatalf("Link: %s", link)
			}
		}
	}
	if lines != n || parts != 2 {
		t.Errorf("%d lines in %d parts", lines, parts)
	}
	w.call("GET", "/audit/export?cursor=none", "").want(t, "an invented cursor", 422)
}
