package mcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// forge changes a good token's header and claims, and signs it with another key.
func forge(t *testing.T, raw string, change func(header, claims map[string]any)) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	var decoded [2]map[string]any
	for i := range decoded {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &decoded[i]); err != nil {
			t.Fatal(err)
		}
	}
	change(decoded[0], decoded[1])
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(decoded[1]))
	forged.Header = decoded[0]
	s, err := forged.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBadTokens(t *testing.T) {
	w := newWorld(t)
	good := w.mint(bob(ownerScope...))
	same := func(_, _ map[string]any) {}
	otherAudience := bob(ownerScope...)
	otherAudience.Audience = []string{"https://elsewhere.example/mcp"}
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1]
	old := w.mint(bob(ownerScope...))
	if a := w.post(w.mintAs(base, "at+jwt", bob(ownerScope...)), call("list_pets", `{}`)); a.status != 200 {
		t.Fatalf("our own forgery of a good token: %d %s", a.status, a.body)
	}
	for what, raw := range map[string]string{
		"empty":            "",
		"malformed":        "abc",
		"three dots":       "a.b.c.d",
		"two tokens":       good + " " + good,
		"not base64":       "!.!.!",
		"alg none":         none + ".",
		"unsigned":         parts[0] + "." + parts[1] + ".",
		"unsigned, no dot": parts[0] + "." + parts[1],
		"foreign key":      forge(t, good, same),
		"foreign kid":      forge(t, good, func(h, _ map[string]any) { h["kid"] = "x" }),
		"own jwk":          forge(t, good, func(h, _ map[string]any) { h["jwk"] = map[string]any{"kty": "EC"} }),
		"wrong audience":   w.mint(otherAudience),
		"wrong issuer":     w.mintAs("https://other.example", "at+jwt", bob(ownerScope...)),
		"wrong typ":        w.mintAs(base, "JWT", bob(ownerScope...)),
		"too long":         good + strings.Repeat("x", 9000),
		"changed":          parts[0] + "." + forgeClaims(t, parts[1]) + "." + parts[2],
	} {
		a := w.post(raw, call("list_pets", `{}`))
		refusedAs(t, what, a, 401, "invalid_token", rbac.PetProfileRead)
	}
	w.clock.Advance(token.Lifetime + time.Second)
	a := w.post(old, call("list_pets", `{}`))
	refusedAs(t, "expired", a, 401, "invalid_token", rbac.PetProfileRead)
	if !strings.Contains(a.header.Get("WWW-Authenticate"), "expired") {
		t.Errorf("expired: %s", a.header.Get("WWW-Authenticate"))
	}
	if a := w.post(w.mint(bob(ownerScope...)), call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("a fresh one: %d %s", a.status, a.body)
	}
}

// mintAs signs with the server's own key what its keyring would never say.
func (w *world) mintAs(issuer, typ string, g token.Grant) string {
	w.t.Helper()
	type stored struct{ Kid, Private string }
	keys, _, err := store.ReadPage[stored](w.t.Context(), w.store, store.Query{Partition: "signing-key/all"})
	if err != nil {
		w.t.Fatal(err)
	}
	scalar, err := base64.RawURLEncoding.DecodeString(keys[0].Value.Private)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.clock.Now()
	t := jwt.NewWithClaims(jwt.SigningMethodES256, token.Claims{ClientID: g.ClientID, Scope: rbac.JoinScope(g.Scopes), Roles: g.Roles,
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Subject: g.Subject, Audience: g.Audience, ID: g.ID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}})
	t.Header["typ"], t.Header["kid"] = typ, keys[0].Value.Kid
	raw, err := t.SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func forgeClaims(t *testing.T, part string) string {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(b), "user-bob", "user-eve", 1)))
}

// refusedAs checks the challenge in the header and its copy in the body.
func refusedAs(t *testing.T, what string, a answer, status int, code, scope string) {
	t.Helper()
	h := a.header.Get("WWW-Authenticate")
	metadata := base + "/.well-known/oauth-protected-resource/mcp"
	e, _ := a.json(t)["error"].(map[string]any)
	data, _ := e["data"].(map[string]any)
	if a.status != status || !strings.HasPrefix(h, "Bearer ") || !strings.Contains(h, `scope="`+scope+`"`) || !strings.Contains(h, `resource_metadata="`+metadata+`"`) ||
		data["scope"] != scope || data["resource_metadata"] != metadata || a.json(t)["scope"] != scope || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %d %s\n%s", what, a.status, h, a.body)
	}
	if code == "" && (strings.Contains(h, "error") || data["error"] != nil) || code != "" && (!strings.Contains(h, `error="`+code+`"`) || data["error"] != code) {
		t.Errorf("%s: want error %q: %s\n%s", what, code, h, a.body)
	}
}

func TestWithoutToken(t *testing.T) {
	w := newWorld(t)
	good := w.mint(bob(ownerScope...))
	for what, headers := range map[string][]string{
		"nothing":     nil,
		"Basic":       {"Authorization: Basic Ym9iOmJvYi1kZW1v"},
		"other spell": {"X-Authorization: Bearer " + good},
	} {
		refusedAs(t, what, w.send("POST", "/mcp", call("list_pets", `{}`), headers...), 401, "", rbac.PetProfileRead)
	}
	refusedAs(t, "GET", w.send("GET", "/mcp", ""), 401, "", rbac.PetProfileRead)
	refusedAs(t, "in the query", w.send("POST", "/mcp?access_token="+good, call("list_pets", `{}`)), 401, "", rbac.PetProfileRead)
	refusedAs(t, "two", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: Bearer "+good, "Authorization: Bearer "+good), 400, "invalid_request", rbac.PetProfileRead)
	if a := w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: bearer  "+good); a.status != 200 {
		t.Errorf("the scheme's name has no case: %d %s", a.status, a.body)
	}
	onlyIdentifier := bob(ownerScope...)
	onlyIdentifier.Audience = []string{mcp.Identifier}
	if a := w.post(w.mint(onlyIdentifier), call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("mcp://vetassist is as good as the URL: %d %s", a.status, a.body)
	}
}

func TestKeysUnavailable(t *testing.T) {
	w := newWorld(t)
	good := w.mint(bob(ownerScope...))
	w.down = true
	a := w.post(good, call("list_pets", `{}`))
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Get("WWW-Authenticate") != "" || a.json(t)["error"] == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestChallenges fixes the wire format of every challenge.
func TestChallenges(t *testing.T) {
	w := newWorld(t)
	var out strings.Builder
	show := func(what string, a answer) {
		fmt.Fprintf(&out, "# %s\nHTTP %d\n", what, a.status)
		challenges := a.header.Values("WWW-Authenticate")
		if len(challenges) == 0 {
			challenges = []string{""}
		}
		for _, c := range challenges {
			fmt.Fprintf(&out, "WWW-Authenticate: %s\n", c)
		}
		fmt.Fprintf(&out, "%s\n", a.body)
	}
	show("no token", w.send("POST", "/mcp", call("list_pets", `{}`)))
	show("a bad token", w.post("abc", call("list_pets", `{}`)))
	read := w.mint(bob(rbac.PetProfileRead))
	show("a tool whose scope the token lacks", w.post(read, call("book_vet_appointment", `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`)))
	show("a resource whose scope the token lacks", w.post(w.mint(bob(rbac.ReminderRead)), `{"jsonrpc":"2.0","id":"r-1","method":"resources/read","params":{"uri":"vetassist://pets/pet-fido"}}`))
	show("a prompt whose scope the token lacks", w.post(w.mint(bob(rbac.ReminderRead)), `{"jsonrpc":"2.0","id":2,"method":"prompts/get","params":{"name":"explain_vaccination_plan","arguments":{"pet":"Fido"}}}`))
	h := w.holder()
	bound := h.bind(bob(rbac.PetProfileRead))
	show("a bound token without a proof", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: DPoP "+bound))
	show("a bound token with a proof that has no nonce", h.post(bound, h.proof(bound, nil), call("list_pets", `{}`)))
	show("a bound token as a bearer token", w.post(bound, call("list_pets", `{}`)))
	show("a tool whose scope a bound token lacks", h.call(bound, call("book_vet_appointment", `{}`)))
	show("a token in two ways", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: Bearer "+bound, "Authorization: DPoP "+bound))
	show("a tool that the role forbids: no challenge", w.post(read, call("update_pet", `{"pet":"Fido","weight_kg":30}`)))
	golden(t, "challenges.txt", []byte(out.String()))
}

func TestScopeOfEveryTool(t *testing.T) {
	w := newWorld(t)
	for name, scope := range rbac.Tools {
		a := w.post(w.mint(carol()), call(name, `{}`), "Mcp-Name: search_pet_health") // a header must not talk it out of it
		if scope == rbac.AnyToken {
			if a.status != 200 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			continue
		}
		refusedAs(t, name, a, 403, "insufficient_scope", scope)
		if a.json(t)["id"] != 7.0 {
			t.Errorf("%s: %s", name, a.body)
		}
		// With the scope, bad arguments are the next thing to be refused; nothing else is.
		a = w.post(w.mint(carol(scope)), call(name, `{"nonsense":1}`))
		res, _ := a.json(t)["result"].(map[string]any)
		if a.status != 200 || res["isError"] != true || res["structuredContent"].(map[string]any)["error"] != "invalid" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		// The roles of an administrator of the directory can never get it.
		a = w.post(w.mint(grant("user-admin", []string{"Administrator"})), call(name, `{}`))
		res, _ = a.json(t)["result"].(map[string]any)
		if a.status != 200 || a.header.Get("WWW-Authenticate") != "" || res["isError"] != true || res["structuredContent"].(map[string]any)["error"] != "role_forbidden" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestChallengeReadsWhatTheServerReads: members whose names differ in case are others, for the challenge as for the SDK.
func TestChallengeReadsWhatTheServerReads(t *testing.T) {
	w := newWorld(t)
	read := w.mint(bob(rbac.PetProfileRead))
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","Method":"tools/list","params":{"name":"book_vet_appointment","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"book_vet_appointment","NAME":"list_pets","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","PARAMS":{"name":"list_pets"},"params":{"name":"book_vet_appointment","arguments":{}}}`,
		// Of two members with one name, both take the last.
		`{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call","params":{"name":"book_vet_appointment","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","name":"book_vet_appointment","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets"},"params":{"name":"book_vet_appointment","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"n\u0061me":"book_vet_appointment","arguments":{}}}`,
	} {
		refusedAs(t, body, w.post(read, body), 403, "insufficient_scope", rbac.AppointmentWrite)
	}
}

func TestWritingImpliesReading(t *testing.T) {
	w := newWorld(t)
	a := w.post(w.mint(bob(rbac.AppointmentWrite)), call("list_appointments", `{}`))
	if res, _ := a.json(t)["result"].(map[string]any); a.status != 200 || res["isError"] == true {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// roleScopes are what every role allows.
type roleScopes []string

func (r *roleScopes) RoleScopes(context.Context, []string, string) ([]string, error) { return *r, nil }

// TestChallengeFollowsTheHierarchy: who may write may read, in the token as in the roles, so a challenge asks for what can be had and
// never for what is there already in a stronger form only to lose it.
func TestChallengeFollowsTheHierarchy(t *testing.T) {
	const pr, pw, ar, aw, rr = rbac.PetProfileRead, rbac.PetProfileWrite, rbac.AppointmentRead, rbac.AppointmentWrite, rbac.ReminderRead
	var roles roleScopes
	w := newWorld(t, func(c *mcp.Config) { c.Roles = &roles })
	batch := func(tools ...string) string {
		var b []string
		for i, tool := range tools {
			b = append(b, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, i, tool))
		}
		return "[" + strings.Join(b, ",") + "]"
	}
	for _, c := range []struct {
		what           string
		granted, roles []string
		body, asks     string // asks empty: no challenge
	}{
		{"writing implies reading", []string{pw}, []string{pr, pw}, call("list_pets", `{}`), ""},
		{"reading does not imply writing", []string{pr}, []string{pr, pw}, call("update_pet", `{}`), pw},
		{"writing of something else does not count", []string{aw}, []string{pr, aw}, call("list_pets", `{}`), pr},
		{"roles that allow only writing", nil, []string{pw}, call("list_pets", `{}`), pw},
		{"roles that allow only reading", []string{pr}, []string{pr}, call("update_pet", `{}`), ""},
		{"all that a batch needs", nil, []string{pr, ar, aw, rr}, batch("list_pets", "list_appointments", "list_reminders"), pr + " " + ar + " " + rr},
		{"with what is there", []string{ar}, []string{pr, ar}, batch("list_appointments", "list_pets"), ar + " " + pr},
		{"without what no role allows", nil, []string{pr}, batch("list_pets", "list_appointments"), pr},
		{"a stronger one in the token stays", []string{aw}, []string{pr, aw}, batch("list_appointments", "list_pets"), aw + " " + pr},
		{"one scope for two needs", nil, []string{aw}, batch("list_appointments", "book_vet_appointment"), aw},
	} {
		roles = c.roles
		a := w.post(w.mint(bob(c.granted...)), c.body)
		if c.asks == "" {
			if a.status != 200 || a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("%s: %d %s", c.what, a.status, a.header.Get("WWW-Authenticate"))
			}
			continue
		}
		refusedAs(t, c.what, a, 403, "insufficient_scope", c.asks)
	}
}

func TestRoleRefusals(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		roles []string
		want  string
	}{
		{[]string{"Pet Owner"}, "The role Pet Owner does not have the permission pet-profile:write"},
		{[]string{"Pet Owner", "Administrator"}, "The roles Pet Owner and Administrator do not have"},
		{nil, "Without a role you cannot have"},
	} {
		s := w.connect(grant("user-bob", c.roles, rbac.PetProfileRead))
		o := use(t, s, "update_pet", map[string]any{"pet": "Fido", "weight_kg": 30})
		if !o.isError || o.code() != "role_forbidden" || !strings.HasPrefix(o.text, c.want) || !strings.Contains(o.text, "No consent") {
			t.Errorf("%v: %+v", c.roles, o)
		}
	}
	// A resource and a prompt have no result with isError: there it is an error of the protocol.
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/pet-fido"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"prepare_for_visit","arguments":{"pet":"Fido"}}}`,
	} {
		a := w.post(w.mint(grant("user-admin", []string{"Administrator"})), body)
		e, _ := a.json(t)["error"].(map[string]any)
		if a.status != 200 || e["data"].(map[string]any)["error"] != "role_forbidden" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

func TestRateLimit(t *testing.T) {
	w := newWorld(t, func(c *mcp.Config) { c.Rate = 1 })
	raw := w.mint(bob(ownerScope...))
	for n := range 4 {
		if a := w.post(raw, call("list_pets", `{}`)); a.status != 200 {
			t.Fatalf("%d: %d %s", n, a.status, a.body)
		}
	}
	if a := w.post(raw, call("list_pets", `{}`)); a.status != 429 || a.header.Get("Retry-After") == "" || a.json(t)["error"] == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.post(w.mint(alice(ownerScope...)), call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("Alice pays for Bob: %d", a.status)
	}
	w.clock.Advance(time.Second)
	if a := w.post(raw, call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("a second later: %d", a.status)
	}
	// A batch is as many requests as it has messages.
	w.clock.Advance(3 * time.Second)
	batch := func(n int) string {
		var b []string
		for id := range n {
			b = append(b, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"ping"}`, id))
		}
		return "[" + strings.Join(b, ",") + "]"
	}
	if a := w.post(raw, batch(3)); a.status != 200 {
		t.Errorf("a batch of three: %d %s", a.status, a.body)
	}
	w.clock.Advance(2 * time.Second)
	if a := w.post(raw, batch(3)); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("another one, after time for two: %d %s", a.status, a.body)
	}
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		a := w.send("GET", path, "", "Origin: https://anywhere.example")
		m := a.json(t)
		if a.status != 200 || m["resource"] != base+"/mcp" || fmt.Sprint(m["authorization_servers"]) != "["+base+"]" ||
			fmt.Sprint(m["scopes_supported"]) != fmt.Sprint(everything) || a.header.Get("Access-Control-Allow-Origin") != "*" ||
			a.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
		if a := w.send("OPTIONS", path, "", "Origin: https://anywhere.example"); a.status != http.StatusNoContent {
			t.Errorf("%s: preflight %d", path, a.status)
		}
	}
	if a := w.send("GET", "/.well-known/oauth-protected-resource/other", ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}
