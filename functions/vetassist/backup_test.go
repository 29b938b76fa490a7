package main

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// The README's two commands, on a database in use: what there was at the backup is there again, what came later is not, and no login,
// code or refresh token of back then comes back to life.
func TestReadmeBackup(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	t.Chdir(root)
	_, chapter, _ := strings.Cut(string(text), "\n## Back up and restore\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	commands := regexp.MustCompile(`(?m)^go run ./functions/vetassist (.*)$`).FindAllStringSubmatch(chapter, -1)
	if len(commands) != 2 {
		t.Fatalf("the chapter has the commands %v", commands)
	}
	ask := func(n int) (code int, said string) {
		var out strings.Builder
		code = run(strings.Fields(commands[n][1]), func(string) string { return "" }, &out, &out)
		return code, out.String()
	}

	w := newWorld(t, func(o *Options) { o.DB = filepath.Join(root, config.FromEnv(func(string) string { return "" }).DB) })
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	bob.connect("Book an appointment for Fido "+nextTuesday.words, "bob")
	code := bob.answerOf(w.request(nil), "bob").Get("code")
	used := w.tokensFor("bob", "pet-profile:read")
	feeder := w.askForDevice()
	var named struct {
		URI string `json:"request_uri"`
	}
	pushed := w.send("POST", "/oauth/par", w.request(nil).Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if err := json.Unmarshal(pushed.body, &named); err != nil || named.URI == "" {
		t.Fatalf("%d %s", pushed.status, pushed.body)
	}
	if code, said := ask(0); code != exitOK {
		t.Fatalf("backup: %d %s", code, said)
	}
	now := w.refresh(used.Refresh) // from here on the token of the backup is used up, and Bob's visit is cancelled
	wantTokens(t, "refreshing", now)
	w.cancel(nextTuesday)
	if code, said := ask(1); code != exitFailed || !strings.Contains(said, "stop that first") {
		t.Errorf("a restore under a running server: %d %s", code, said)
	}
	if n := w.appointmentsAt(nextTuesday.date, nextTuesday.time); n != 0 {
		t.Fatal("a restore that was refused brought the visit back")
	}

	w.options.Addr, w.options.BaseURL = w.listeners[0].Addr().String(), w.URL
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if code, said := ask(1); code != exitOK || !strings.Contains(said, "vetassist.db-before-") {
		t.Fatalf("restore: %d %s", code, said)
	}
	w.start()
	wantRefused(t, "a code of before the backup", w.redeem(code, nil), "invalid_grant")
	wantRefused(t, "a device code of before", w.post("/oauth/token", feeder.form()), "invalid_grant")
	if a := w.send("GET", "/oauth/authorize?"+url.Values{"client_id": {"vet-assist-ai"}, "request_uri": {named.URI}}.Encode(), ""); a.status != http.StatusBadRequest {
		t.Errorf("a pushed request of before: %d", a.status)
	}
	wantRefused(t, "a refresh token of before", w.refresh(used.Refresh), "invalid_grant")
	wantRefused(t, "its successor", w.refresh(now.Refresh), "invalid_grant")
	if bob.open("/oauth/login"); strings.Contains(bob.page.text, "Bob Miller") {
		t.Error("a login of before the backup is open again")
	}
	if n := w.appointmentsAt(nextTuesday.date, nextTuesday.time); n != 1 {
		t.Errorf("there are %d visits, of the one that was there at the backup", n)
	}
	if log := restores(t, w.options.DB); !slices.Equal(log, []string{"saved.db"}) {
		t.Errorf("restored, by the audit log, from %v", log)
	}
	w.cancel(nextTuesday)
	w.forget("bob")
	story(w, nextTuesday)
}

// restores are the files that were put back, by the audit log.
func restores(t *testing.T, path string) (from []string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for e, err := range audit.New(store.Restrict(db, audit.Partitions...), time.Now, rand.Reader, slog.Default()).All(t.Context(), audit.Query{Name: audit.Administration}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Details["action"] == "restore" {
			from = append(from, e.Details["from"])
		}
	}
	return from
}
