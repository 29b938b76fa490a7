package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// consoleOldEvents: in a log of a few events a day, and with a filter that only an old one fits or none, the console looks on by itself.
func consoleOldEvents(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.recordDaily(80, "consent", "revocation")
	b := adminTab(t, browser, w)
	b.screen("Audit log", "Audit log")
	b.until(`document.querySelectorAll("tbody tr").length >= 50`)
	// Whoever goes on while it looks is told of no trouble, not for a moment either.
	eval[any](b, `window.said = "", new MutationObserver(([m]) => { said += m.target.textContent; }).observe(document.querySelector("#trouble"), { childList: true }),
		document.querySelector(".more button").click(), document.querySelector("a[href='/admin/keys']").click()`)
	b.see("h1", "Signing keys")
	if said := eval[string](b, `said`); said != "" {
		t.Errorf("it says %q", said)
	}
	b.open("/admin/audit?event=revocation")
	b.see("td", "revocation")
	b.see("p", "1 shown")
	for _, event := range []string{"revocation", "keys"} { // for what is new it looks at no more than that, whatever fits
		b.open("/admin/audit?event=" + event)
		recent := w.clock.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
		b.until(fmt.Sprintf(`performance.getEntriesByType("resource").some((e) => e.name.includes("event=%s") && new URL(e.name).searchParams.get("since") > "%s")`, event, recent))
	}
	b.see("p", "Nothing has happened that fits")
}

// recordDaily adds an event on each of so many days before today, the first of them another one.
func (w *world) recordDaily(days int, event, first string) {
	w.t.Helper()
	db, closeDB, err := w.options.Open(w.t.Context(), w.clock.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	for n := 1; n <= days; n++ {
		if n == days {
			event = first
		}
		at := w.clock.Now().UTC().AddDate(0, 0, -n)
		day, id := at.Format(time.DateOnly), at.Format("2006-01-02T15:04:05.000000000Z")+fmt.Sprintf("/DAILY%07d/dailydailyda", n)
		err := db.Write(w.t.Context(), store.Put(store.Encode("audit/days", day, struct{}{}, time.Time{}), store.Always()), store.Put(store.Encode("audit/"+day+"/0", id,
			map[string]any{"id": id, "time": at, "event": event, "outcome": "ok", "user_id": "user-alice"}, time.Time{}), store.Always()))
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := closeDB(); err != nil {
		w.t.Fatal(err)
	}
}
