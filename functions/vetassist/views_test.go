package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// What "sqlite3 vetassist.db" shows after the story. The views use SQLite's own clock, so this test uses the real one.
func TestViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onFile(t), func(o *Options) { o.Now = time.Now })
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	bob.connect("Book an appointment for Fido on "+openDay()+" at 10", "bob")
	bob.connect("Remind me tomorrow at 9 to buy dog food", "bob")
	tokens := w.tokensFor("bob", "pet-profile:read")
	w.change(func(d *directory.Directory) error {
		return d.AddPasskey(t.Context(), "user-bob", time.Now(), time.Time{}, directory.Passkey{ID: "passkey-id", Name: "My phone", Credential: json.RawMessage(`{"publicKey":"public"}`)})
	})
	w.change(func(d *directory.Directory) error {
		_, err := d.AddIssuer(t.Context(), directory.Issuer{Name: "Acme", URL: "https://login.acme.example", Kind: directory.EnterpriseIssuer, Enabled: true})
		return err
	})
	w.callTool(tokens.Access, "contact_support", `{"message":"Do you sell dog food?"}`)

	db, err := sql.Open("sqlite", "file:"+w.options.DB+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	covered := []string{"live"}
	for _, c := range []struct {
		view, where string // the rows to look at
		count       int    // 0: at least one
		has         string // what the first of them shows
	}{
		{"users", "", 4, ""},
		{"users", "id = 'user-bob'", 1, "username=bob name=Bob Miller roles=Pet Owner disabled=0"},
		{"roles", "", 3, ""},
		{"roles", "name = 'Pet Owner'", 1, "scopes=pet-profile:read appointment:read appointment:write reminder:read reminder:write"},
		{"roles", "name = 'Administrator'", 1, "server=admin://vetassist scopes=admin:read admin:write"},
		{"mcp_servers", "", 2, ""},
		{"mcp_servers", "identifier = 'mcp://vetassist'", 1, "identifier=mcp://vetassist name=VetAssist MCP Server"},
		{"scopes", "server = 'mcp://vetassist'", 6, ""},
		{"scopes", "name = 'pet-profile:read'", 1, "open=1"},
		{"clients", "", 5, ""},
		{"clients", "NOT pushed_only AND NOT bound_tokens AND auth_method IS NULL AND logout_uris IS NULL AND may_act IS NULL", 3, ""},
		{"clients", "id = 'vet-assist-ai'", 1, "id=vet-assist-ai name=Vet Assist AI template=MCP client application"},
		{"trusted_issuers", "", 1, "name=Acme url=https://login.acme.example kind=enterprise enabled=1"},
		{"consents", "user_id = 'user-bob'", 1, "client_id=vet-assist-ai server=mcp://vetassist scopes=appointment:write openid pet-profile:read profile reminder:write"},
		{"sessions", "user_id = 'user-bob'", 0, "method=password address=127.0.0.1"},
		{"passkeys", "user_id = 'user-bob'", 1, "name=My phone"},
		{"codes", "used", 0, "user_id=user-bob client_id=vet-assist-ai"},
		{"grants", "user_id = 'user-bob' AND vouched_by IS NULL", 0, "client_id=vet-assist-ai"},
		{"grants", "bound_to IS NOT NULL", 0, "client_id=vet-assist-ai"},
		{"signing_keys", "", 1, "kid="},
		{"audit", "event = 'login' AND user_id = 'user-bob'", 0, "outcome=ok user_id=user-bob client_id=vet-assist-ai address=127.0.0.1"},
		{"audit", "event = 'token'", 0, `"server":"mcp://vetassist"`},
		{"app_sessions", "connected", 1, "scopes="},
		{"owners", "", 7, ""},
		{"owners", "id = 'user-bob'", 1, "name=Bob Miller"},
		{"pets", "owner_id = 'user-bob'", 2, ""},
		{"pets", "name = 'Fido'", 1, "species=dog breed=Labrador sex=male"},
		{"vaccinations", "pet_id = 'pet-fido'", 12, ""},
		{"appointments", "pet_id = 'pet-fido' AND status = 'past'", 1, "time=09:30 kind=check-up vet=Dr. Carol Reyes"},
		{"appointments", "pet_id = 'pet-fido' AND status = 'booked'", 1, "time=10:00 kind=check-up"},
		{"reminders", "user_id = 'user-bob' AND text LIKE '%dog food%'", 1, "time=09:00"},
		{"tickets", "user_id = 'user-bob'", 1, "message=Do you sell dog food?"},
	} {
		rows := query(t, db, "SELECT * FROM "+c.view+where(c.where))
		if len(rows) == 0 || (c.count != 0 && len(rows) != c.count) {
			t.Errorf("%s where %q has %d rows, want %d: %v", c.view, c.where, len(rows), c.count, rows)
			continue
		}
		if !strings.Contains(rows[0], c.has) {
			t.Errorf("%s where %q shows %s, want %s", c.view, c.where, rows[0], c.has)
		}
		covered = append(covered, c.view)
	}

	secrets := []string{"argon2", tokens.Access, tokens.Refresh}
	for _, k := range bob.http.Jar.Cookies(mustParse(t, w.URL)) {
		secrets = append(secrets, k.Value)
	}
	for _, name := range query(t, db, "SELECT name FROM sqlite_master WHERE type = 'view'") {
		name = strings.TrimPrefix(name, "name=")
		if !slices.Contains(covered, name) {
			t.Errorf("no row of the view %s is looked at here", name)
		}
		if name == "live" { // it is the records as they are, hashes and all
			continue
		}
		all := strings.Join(query(t, db, "SELECT * FROM "+name), "\n")
		for _, p := range query(t, db, `SELECT partition FROM live WHERE partition GLOB 'login/*' OR partition GLOB 'code/*'
			OR partition GLOB 'refresh/*' OR partition GLOB 'app/session/*'`) {
			secrets = append(secrets, p[strings.LastIndex(p, "/")+1:])
		}
		for _, s := range secrets {
			if strings.Contains(all, s) {
				t.Errorf("the view %s shows the secret %s", name, s)
			}
		}
	}

	// Roles that know no user, as for a person whom an administrator made and forgot, still show.
	w.change(func(d *directory.Directory) error {
		return d.CreateUser(t.Context(), directory.User{ID: "user-x", Username: "x", Name: "X"}, "x-password", false)
	})
	if rows := query(t, db, "SELECT * FROM users WHERE id = 'user-x'"); len(rows) != 1 {
		t.Errorf("a user without roles: %v", rows)
	}
}

func where(condition string) string {
	if condition == "" {
		return ""
	}
	return " WHERE " + condition
}

// query returns rows as "column=value column=value".
func query(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for i, v := range values {
			cells = append(cells, fmt.Sprintf("%s=%v", columns[i], v))
		}
		out = append(out, strings.Join(cells, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
