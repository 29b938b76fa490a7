package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
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
	w.cancel(nextTuesday)
	w.forget("bob")
	story(w, nextTuesday)
}
