package directory_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func TestRedirectURIs(t *testing.T) {
	w := newWorld(t, true)
	for uri, kind := range map[string]string{ // the application type; empty: refused
		"https://app.example/callback":                    "web",
		"https://app.example:8443/cb?x=1":                 "web",
		base + "/callback":                                "web", // the deployment's own
		"http://localhost:3000/callback":                  "native",
		"http://127.0.0.1/callback":                       "native",
		"http://[::1]:7777/callback":                      "native",
		"com.example.app:/callback":                       "native",
		"com.example.app://host/callback":                 "native",
		"http://app.example/callback":                     "",
		"http://localhost.evil.example/":                  "",
		"https://":                                        "",
		"https:/callback":                                 "",
		"/callback":                                       "",
		"callback":                                        "",
		"":                                                "",
		"{base}/callback":                                 "",
		"myapp:/callback":                                 "native",
		"javascript:alert(1)":                             "",
		"data:text/html,x":                                "",
		"com.example.app:callback":                        "",
		"https://app.example/callback#":                   "",
		"https://app.example/callback#x":                  "",
		"https://me@app.example/callback":                 "",
		"https://app.example/a b":                         "",
		"https://app.example\\@evil.test/":                "",
		"https://*.app.example/callback":                  "",
		"https://app.example:81111/callback":              "",
		"https://app.example/é":                           "",
		"https://app.example/\n":                          "",
		"https://app.example/" + strings.Repeat("x", 500): "",
	} {
		r, err := w.addMCPClient(t, "App", []string{uri})
		if kind == "" {
			wantField(t, fmt.Sprintf("%.80q", uri), err, "redirect_uris")
			continue
		}
		if err != nil || r.Value.ApplicationType != kind || !slices.Equal(r.Value.RedirectURIs, []string{uri}) {
			t.Errorf("%q: %+v, %v", uri, r, err)
		}
		if c, err := w.Client(t.Context(), r.Value.ID); err != nil || !c.HasRedirect(uri) {
			t.Errorf("%q: %+v, %v", uri, c, err)
		}
	}
	wantField(t, "none", second(w.addMCPClient(t, "App", nil)), "redirect_uris")
	wantField(t, "eleven", second(w.addMCPClient(t, "App", make([]string, 11))), "redirect_uris")
	wantField(t, "twice", second(w.addMCPClient(t, "App", []string{"https://a.example/", "https://a.example/"})), "redirect_uris")
	wantField(t, "no name", second(w.addMCPClient(t, "", []string{"https://a.example/"})), "name")
}

func TestClients(t *testing.T) {
	w := newWorld(t, true)
	r, err := w.addMCPClient(t, "Zoo App", []string{base + "/callback", "https://app.example/callback"})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Value
	if len(c.ID) < 26 || c.Template != directory.MCPClientTemplate || c.Source != directory.SourceAdmin || !c.May("authorization_code") ||
		!c.May("refresh_token") || len(c.GrantTypes) != 2 || !c.Created.Equal(w.clock.Now()) || len(c.Authorized) != 0 {
		t.Errorf("%+v", c)
	}
	if read, err := w.ClientRecord(t.Context(), c.ID); err != nil || !reflect.DeepEqual(read, r) {
		t.Errorf("%+v, %v; want %+v", read, err, r)
	}
	moved := directory.New(w.db, "https://vet.example", false, w.clock.Now) // our own address moves with us
	if there, err := moved.Client(t.Context(), c.ID); err != nil || there.RedirectURIs[0] != "https://vet.example/callback" {
		t.Errorf("%+v, %v", there, err)
	}

	name, off, on, uris := "An App", true, false, []string{"com.example.app:/callback"}
	listed := func() string { return strings.Join(pages(t, w.ClientsByName, "", 10, clientName), ", ") }
	for i, s := range []struct {
		edit directory.ClientEdit
		ok   func(directory.Client) bool
		list string
	}{
		{directory.ClientEdit{Name: &name}, func(c directory.Client) bool { return c.Name == name && len(c.RedirectURIs) == 2 }, "An App, Scheduling Agent, Smart Feeder, Vet Assist AI, VetAssist Command Line, VetAssist Console"},
		{directory.ClientEdit{RedirectURIs: &uris}, func(c directory.Client) bool {
			return slices.Equal(c.RedirectURIs, uris) && c.ApplicationType == "native"
		}, "An App, Scheduling Agent, Smart Feeder, Vet Assist AI, VetAssist Command Line, VetAssist Console"},
		{directory.ClientEdit{Disabled: &off}, func(c directory.Client) bool { return c.Disabled && c.Name == name }, "An App, Scheduling Agent, Smart Feeder, Vet Assist AI, VetAssist Command Line, VetAssist Console"},
		{directory.ClientEdit{Disabled: &on}, func(c directory.Client) bool { return !c.Disabled }, "An App, Scheduling Agent, Smart Feeder, Vet Assist AI, VetAssist Command Line, VetAssist Console"},
	} {
		version := int64(i + 1)
		if _, err := w.UpdateClient(t.Context(), c.ID, version+1, s.edit); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%d: another version: %v", i, err)
		}
		r, err := w.UpdateClient(t.Context(), c.ID, version, s.edit)
		if err != nil || !s.ok(r.Value) || r.Version != version+1 || listed() != s.list {
			t.Errorf("%d: %+v, %v, listed %s", i, r, err, listed())
		}
		if _, err := w.Client(t.Context(), c.ID); (err == nil) == r.Value.Disabled {
			t.Errorf("%d: disabled %v: %v", i, r.Value.Disabled, err)
		}
		page, err := w.ClientsByID(t.Context(), directory.Query{Prefix: c.ID})
		if err != nil || len(page.Items) != 1 || page.Items[0].Disabled != r.Value.Disabled {
			t.Errorf("%d: the list says %+v, %v", i, page, err)
		}
	}
	wantField(t, "a bad URI", second(w.UpdateClient(t.Context(), c.ID, 5, directory.ClientEdit{RedirectURIs: &[]string{"x"}})), "redirect_uris")
	if err := w.DeleteClient(t.Context(), c.ID, 4, false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	if err := w.DeleteClient(t.Context(), c.ID, 5, false); err != nil {
		t.Error(err)
	}
	if got := listed(); got != "Scheduling Agent, Smart Feeder, Vet Assist AI, VetAssist Command Line, VetAssist Console" {
		t.Errorf("listed: %s", got)
	}
	for _, id := range []string{c.ID, strings.Repeat("x", 600)} {
		if _, err := w.ClientRecord(t.Context(), id); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("reading: %v", err)
		}
		if err := w.DeleteClient(t.Context(), id, 5, false); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("deleting: %v", err)
		}
	}
}

func TestAuthorizeClient(t *testing.T) {
	w := newWorld(t, true)
	w.addZoo(t)
	c := w.addClient(t, "Zoo App", nil)
	for i, s := range []struct {
		server string
		scopes []string
		want   string
	}{
		{zoo.Identifier, []string{"animal:feed", "animal:read", "animal:feed"}, "map[mcp://zoo:[animal:read animal:feed]]"},
		{vetassist, []string{"pet-profile:read"}, "map[mcp://vetassist:[pet-profile:read] mcp://zoo:[animal:read animal:feed]]"},
		{zoo.Identifier, []string{"animal:feed"}, "map[mcp://vetassist:[pet-profile:read] mcp://zoo:[animal:feed]]"},
		{zoo.Identifier, nil, "map[mcp://vetassist:[pet-profile:read]]"},
		{"mcp://no-such", nil, "map[mcp://vetassist:[pet-profile:read]]"},
	} {
		r, err := w.AuthorizeClient(t.Context(), c.Value.ID, int64(i+1), s.server, s.scopes)
		if err != nil || fmt.Sprint(r.Value.Authorized) != s.want || r.Version != int64(i+2) {
			t.Errorf("%+v: %+v, %v", s, r, err)
		}
	}
	for what, s := range map[string]struct {
		server string
		scopes []string
	}{
		"no server":        {"mcp://no-such", []string{"animal:read"}},
		"no scope":         {zoo.Identifier, []string{"animal:eat"}},
		"another's scope":  {zoo.Identifier, []string{"pet-profile:read"}},
		"no key":           {strings.Repeat("x", 600), []string{"animal:read"}},
		"one and no other": {zoo.Identifier, []string{"animal:read", ""}},
	} {
		wantField(t, what, second(w.AuthorizeClient(t.Context(), c.Value.ID, 6, s.server, s.scopes)), "scopes")
	}
	if _, err := w.AuthorizeClient(t.Context(), c.Value.ID, 5, zoo.Identifier, []string{"animal:read"}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	all, version := []string{"x:read"}, int64(6)
	for i := range 10 {
		s := directory.Server{Identifier: fmt.Sprint("mcp://s", i), Name: "S", URL: fmt.Sprintf("https://s%d.example/", i), Scopes: []directory.Scope{{Name: "x:read", Title: "X"}}}
		if _, err := w.AddServer(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		_, err := w.AuthorizeClient(t.Context(), c.Value.ID, version, s.Identifier, all)
		if version++; i == 9 {
			wantField(t, "an eleventh server", err, "server")
		} else if err != nil {
			t.Error(i, err)
		}
	}
	name := "At its bounds, renamed"
	if _, err := w.UpdateClient(t.Context(), c.Value.ID, version-1, directory.ClientEdit{Name: &name}); err != nil {
		t.Error(err)
	}
	if err := w.DeleteClient(t.Context(), c.Value.ID, version, false); err != nil {
		t.Error(err)
	}
}

func TestWhy(t *testing.T) {
	w := newWorld(t, true)
	client, err := w.Client(t.Context(), "vet-assist-ai")
	if err != nil {
		t.Fatal(err)
	}
	server, err := w.Server(t.Context(), vetassist)
	if err != nil {
		t.Fatal(err)
	}
	_, ops, err := w.Allow(t.Context(), "user-bob", client.ID, vetassist, []string{"pet-profile:read", "pet-profile:write"})
	if err == nil {
		err = w.db.Write(t.Context(), ops...)
	}
	if err != nil {
		t.Fatal(err)
	}
	server.Scopes = slices.DeleteFunc(server.Scopes, func(s directory.Scope) bool { return s.Name == "reminder:read" })
	bob := w.user(t, "user-bob").Value
	asked := []string{"pet-profile:write", "pet-profile:read", "appointment:read", "reminder:read", "pets:eat"}
	d, err := w.Why(t.Context(), bob, client, server, asked)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(d.Verdicts), "[{pet-profile:write [role]} {pet-profile:read []} {appointment:read [consent]} "+
		"{reminder:read [client consent]} {pets:eat [client role consent]}]"; got != want || !slices.Equal(d.Granted, []string{"pet-profile:read"}) {
		t.Errorf("%s granted %q\nwant %s", got, d.Granted, want)
	}
	if got, want := fmt.Sprint(d.Sets), "{[pet-profile:write pet-profile:read appointment:read reminder:read pets:eat] "+
		"[pet-profile:read pet-profile:write appointment:read appointment:write reminder:write] "+
		"[appointment:read appointment:write pet-profile:read reminder:read reminder:write] "+
		"[pet-profile:read pet-profile:write]}"; got != want {
		t.Errorf("sets %s\nwant %s", got, want)
	}
	server.Deleting = true
	if d, err := w.Why(t.Context(), bob, client, server, asked); err != nil || len(d.Granted) > 0 || len(d.Sets.Client) > 0 {
		t.Errorf("half deleted: %+v, %v", d, err)
	}
}

// TestConsentToAnEarlierServer: who trusted a server did not trust the next one that takes its identifier.
func TestConsentToAnEarlierServer(t *testing.T) {
	w := newWorld(t, true)
	first := w.addZoo(t)
	if _, err := w.AddRole(t.Context(), directory.Role{Name: "Keeper", Permissions: map[string][]string{zoo.Identifier: {"animal:read", "animal:feed"}}}); err != nil {
		t.Fatal(err)
	}
	keeper := w.addUser(t, "dora", "Keeper").Value
	client := w.addClient(t, "Zoo App", map[string][]string{zoo.Identifier: {"animal:read", "animal:feed"}})
	agree := func(scope string) {
		t.Helper()
		_, ops, err := w.Allow(t.Context(), keeper.ID, client.Value.ID, zoo.Identifier, []string{scope})
		if err == nil {
			err = w.db.Write(t.Context(), ops...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	granted := func(server directory.Server) string {
		t.Helper()
		c, err := w.Client(t.Context(), client.Value.ID)
		if err != nil {
			t.Fatal(err)
		}
		d, err := w.Why(t.Context(), keeper, c, server, []string{"animal:read", "animal:feed"})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(d.Granted, " ")
	}
	agree("animal:read")
	if got := granted(first.Value); got != "animal:read" {
		t.Fatalf("granted %q", got)
	}
	first, err := w.UpdateServer(t.Context(), zoo, first.Version, false)
	if got := granted(first.Value); err != nil || got != "animal:read" {
		t.Fatalf("after an edit granted %q, %v", got, err)
	}
	if err := w.DeleteServer(t.Context(), zoo.Identifier, first.Version, true); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	next := w.addZoo(t).Value
	role := w.role(t, "Keeper")
	role.Value.Permissions = map[string][]string{zoo.Identifier: {"animal:read", "animal:feed"}}
	if _, err := w.UpdateRole(t.Context(), role.Value, role.Version); err != nil {
		t.Fatal(err)
	}
	if client, err = w.ClientRecord(t.Context(), client.Value.ID); err == nil {
		client, err = w.AuthorizeClient(t.Context(), client.Value.ID, client.Version, zoo.Identifier, []string{"animal:read", "animal:feed"})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := granted(next); got != "" {
		t.Errorf("the next server inherits %q", got)
	}
	agree("animal:feed")
	if got := granted(next); got != "animal:feed" {
		t.Errorf("granted %q", got)
	}
}
