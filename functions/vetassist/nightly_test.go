package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// nightJob registers the clinic's job with a key of its own, as an administrator does, and returns it.
func (w *world) nightJob(roles []string, scopes ...string) nightly.Job {
	w.t.Helper()
	key, err := clientkey.New()
	if err != nil {
		w.t.Fatal(err)
	}
	w.change(func(d *directory.Directory) error {
		return d.PutClient(w.t.Context(), directory.Client{ID: "app-nightly", Name: "Nightly reminders", Template: directory.MachineTemplate,
			GrantTypes: []string{directory.GrantMachine}, AuthMethod: directory.PrivateKeyJWT, JWKS: json.RawMessage(key.JWKS()), Roles: roles,
			Authorized: map[string][]string{"mcp://vetassist": scopes}, Source: directory.SourceAdmin}, store.Always())
	})
	return nightly.Job{Server: w.URL + "/mcp", Program: nightly.Program{ID: "app-nightly", Key: &key, Now: w.clock.Now}}
}

func TestNightlyJob(t *testing.T) {
	w := newWorld(t)
	job := w.nightJob([]string{"Vet Staff"}, nightly.Scopes...)
	r, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	r.WriteText(&text)
	t.Log(text.String())
	r, err = job.Run(t.Context())
	text.Reset()
	r.WriteText(&text)
	t.Log(text.String(), err)
}
