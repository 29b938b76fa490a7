package oauth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// TestDocumentKept: what was read is believed as long as its server says, between a minute and a day.
func TestDocumentKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		headers []string
		fresh   time.Duration
	}{
		{"nothing said", nil, 5 * time.Minute},
		{"max-age", []string{"Cache-Control", "public, max-age=3600"}, time.Hour},
		{"for shared caches", []string{"Cache-Control", "max-age=60, s-maxage=7200"}, 2 * time.Hour},
		{"short", []string{"Cache-Control", "max-age=0"}, time.Minute},
		{"long", []string{"Cache-Control", "max-age=31536000, immutable"}, 24 * time.Hour},
		{"not stored", []string{"Cache-Control", "no-store, max-age=3600"}, time.Minute},
		{"asked each time", []string{"Cache-Control", "no-cache"}, time.Minute},
		{"private", []string{"Cache-Control", "private, max-age=3600"}, time.Minute},
		{"broken", []string{"Cache-Control", "max-age=abc"}, time.Minute},
		{"from a cache", []string{"Cache-Control", "max-age=3600", "Age", "600"}, 50 * time.Minute},
		{"expires", []string{"Date", "Tue, 24 Nov 2026 10:00:00 GMT", "Expires", "Tue, 24 Nov 2026 12:00:00 GMT"}, 2 * time.Hour},
		{"expired", []string{"Expires", "0"}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, h := newDocumentWorld(t)
			h.put(document(), c.headers...)
			w.browser().login("bob", w.documentRequest())
			w.clock.Advance(c.fresh - time.Second)
			w.browser().login("bob", w.documentRequest())
			if h.count() != 1 {
				t.Errorf("asked again within %s", c.fresh)
			}
			w.clock.Advance(time.Second)
			w.browser().login("bob", w.documentRequest())
			if h.count() != 2 {
				t.Errorf("not asked again after %s", c.fresh)
			}
		})
	}
}

// TestDocumentChanges: a client that changed its document is what the document says, at the latest when that is read anew; gone, it begins
// nothing more; out of reach, it is believed for another day.
func TestDocumentChanges(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	tokens := w.redeem(b.approve(b.login("bob", w.documentRequest())).sentTo(t, appRedirect).Get("code"), "client_id", documentURL, "redirect_uri", appRedirect)
	tokens.expect(t, "")

	// A redirect URI that was added is found at once, when a minute is over.
	const second = "https://app.example/second"
	h.put(document("redirect_uris", []string{appRedirect, second}, "client_name", "Renamed"))
	if a := b.get(w.documentRequest("redirect_uri", second)); a.status != http.StatusBadRequest {
		t.Errorf("within the minute: %d", a.status)
	}
	w.clock.Advance(time.Minute)
	if got := b.get(w.documentRequest("redirect_uri", second)).sentTo(t, second); got.Get("code") == "" {
		t.Errorf("added: %v", got)
	}
	if account := b.get("/oauth/account"); !strings.Contains(account.body, "Renamed (app.example)") {
		t.Error("the new name is not known")
	}
	// One that was taken out is refused.
	h.put(document("redirect_uris", []string{second}))
	w.clock.Advance(5 * time.Minute)
	if a := b.get(w.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "redirect_uri is not one") {
		t.Errorf("taken out: %d", a.status)
	}
	h.put(document())
	w.clock.Advance(5 * time.Minute)
	b.get(w.documentRequest())

	// Out of reach: believed for a day more, then no longer.
	h.answer(http.StatusServiceUnavailable)
	w.clock.Advance(23 * time.Hour)
	if got := w.browser().login("bob", w.documentRequest()).sentTo(t, appRedirect); got.Get("code") == "" {
		t.Errorf("out of reach: %v", got)
	}
	tokens = w.refresh(tokens.Refresh, "client_id", documentURL)
	tokens.expect(t, "")
	w.clock.Advance(2 * time.Hour)
	b = w.browser()
	if a := b.login("bob", w.documentRequest()); a.status != http.StatusBadRequest {
		t.Errorf("out of reach for more than a day: %d", a.status)
	}
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "invalid_client")

	// Gone: nothing new begins, at once. What was granted goes on for the day.
	h.put(document())
	w.clock.Advance(time.Minute)
	tokens = w.refresh(tokens.Refresh, "client_id", documentURL)
	tokens.expect(t, "")
	h.answer(http.StatusNotFound)
	w.clock.Advance(6 * time.Minute)
	if a := b.get(w.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "it answers 404") {
		t.Errorf("gone: %d\n%s", a.status, a.body)
	}
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "")
}

// TestDisabledDocument: what an administrator disabled stays so, whatever the document says.
func TestDisabledDocument(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	tokens := w.redeem(b.approve(b.login("bob", w.documentRequest())).sentTo(t, appRedirect).Get("code"), "client_id", documentURL, "redirect_uri", appRedirect)
	r, err := w.directory.DescribedClient(t.Context(), documentURL)
	if err != nil {
		t.Fatal(err)
	}
	off := true
	if _, err := w.directory.UpdateClient(t.Context(), r.Value.ID, r.Version, directory.ClientEdit{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	asked := h.count()
	w.clock.Advance(time.Hour)
	if a := b.get(w.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "disabled") {
		t.Errorf("authorize: %d", a.status)
	}
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "invalid_client")
	if h.count() != asked {
		t.Error("its document was read")
	}
	// Deleted it is a stranger again, who was never allowed anything.
	if r, err = w.directory.DescribedClient(t.Context(), documentURL); err != nil {
		t.Fatal(err)
	}
	if err := w.directory.DeleteClient(t.Context(), r.Value.ID, r.Version, true); err != nil {
		t.Fatal(err)
	}
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "invalid_client")
	page := b.get(w.documentRequest())
	if page.status != http.StatusOK || strings.Contains(page.body, "You allowed this before") {
		t.Errorf("deleted: %d\n%s", page.status, page.body)
	}
	b.approve(page).sentTo(t, appRedirect)
	w.refresh(tokens.Refresh, "client_id", documentURL).expect(t, "invalid_grant") // of the consent that was withdrawn
}

// TestForgotten: a client that nobody allowed anything is forgotten, with its places in lists.
func TestForgotten(t *testing.T) {
	t.Parallel()
	w, _ := newDocumentWorld(t)
	listed := func() (n int) {
		for _, list := range []func() (directory.Page[directory.ClientSummary], error){
			func() (directory.Page[directory.ClientSummary], error) {
				return w.directory.ClientsByName(t.Context(), directory.Query{Prefix: "an app"})
			},
			func() (directory.Page[directory.ClientSummary], error) {
				return w.directory.ClientsByID(t.Context(), directory.Query{Prefix: "https://app.ex"})
			},
		} {
			page, err := list()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Items {
				if c.URL == documentURL {
					n++
				}
			}
		}
		return n
	}
	b := w.browser()
	b.login("bob", w.documentRequest())
	if n := listed(); n != 2 {
		t.Errorf("listed %d times, want in both lists", n)
	}
	w.clock.Advance(25 * time.Hour)
	if n := listed(); n != 0 {
		t.Errorf("listed %d times after a day", n)
	}
	// Its document is there still.
	b = w.browser()
	b.approve(b.login("bob", w.documentRequest())).sentTo(t, appRedirect)
	w.clock.Advance(48 * time.Hour)
	if n := listed(); n != 2 {
		t.Errorf("allowed something, it is listed %d times", n)
	}
}

// TestDisabledMeanwhile: an administrator's word counts, too, while the document is on its way.
func TestDisabledMeanwhile(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	b := w.browser()
	b.approve(b.login("bob", w.documentRequest())).sentTo(t, appRedirect)
	w.clock.Advance(time.Hour)
	h.put(document(), "Cache-Control", "max-age=60")
	serve := h.serve
	h.serve = func(rw http.ResponseWriter, r *http.Request) {
		known, err := w.directory.DescribedClient(t.Context(), documentURL)
		off := true
		if err == nil {
			_, err = w.directory.UpdateClient(t.Context(), known.Value.ID, known.Version, directory.ClientEdit{Disabled: &off})
		}
		if err != nil {
			t.Error(err)
		}
		serve(rw, r)
	}
	if a := b.get(w.documentRequest()); a.status != http.StatusBadRequest || !strings.Contains(a.body, "disabled") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
}
