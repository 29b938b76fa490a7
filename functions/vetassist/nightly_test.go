package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

func newKey(t *testing.T) clientkey.Key {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// program registers an application that proves itself with a key, as an administrator does.
func (w *world) program(id string, key clientkey.Key, roles []string, scopes ...string) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error {
		return d.PutClient(w.t.Context(), directory.Client{ID: id, Name: "Nightly reminders", Template: directory.MachineTemplate,
			GrantTypes: []string{directory.GrantMachine}, AuthMethod: directory.PrivateKeyJWT, JWKS: key.JWKS(), Roles: roles,
			Authorized: map[string][]string{"mcp://vetassist": scopes}, Source: directory.SourceAdmin}, store.Always())
	})
}

// nightJob is the job of an application that was just registered.
func (w *world) nightJob(roles []string, scopes ...string) nightly.Job {
	w.t.Helper()
	key := newKey(w.t)
	w.program("app-nightly", key, roles, scopes...)
	return nightly.Job{Server: w.URL + "/mcp", Program: nightly.Program{ID: "app-nightly", Key: &key, Now: w.clock.Now}}
}

// night runs the job, and returns how many reminders were set and how many were there.
func night(t *testing.T, job nightly.Job) (set, there int) {
	t.Helper()
	r, err := job.Run(t.Context())
	if err != nil || r.Count(nightly.Failed) > 0 {
		t.Fatalf("%+v %v", r, err)
	}
	return r.Count(nightly.Set), r.Count(nightly.There)
}

// TestNightlyJob: with no user anywhere, each owner gets one reminder of each vaccination that is due.
func TestNightlyJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.nightJob([]string{"Vet Staff"}, nightly.Scopes...)
	dry := job
	dry.DryRun = true
	due, there := night(t, dry)
	if due < 3 || there != 0 {
		t.Fatalf("%d are due, %d are there", due, there)
	}
	if set, there := night(t, job); set != due || there != 0 {
		t.Errorf("the first run sets %d of %d, and finds %d", set, due, there)
	}
	for _, j := range []nightly.Job{job, dry} {
		if set, there := night(t, j); set != 0 || there != due {
			t.Errorf("the second run sets %d, and finds %d of %d", set, there, due)
		}
	}
	w.clock.turn(24 * time.Hour)
	if set, _ := night(t, job); set != 0 {
		t.Errorf("the next night sets %d more", set)
	}

	// What the people of the story see of it.
	type reminders struct {
		Reminders []struct {
			Text       string
			FromClinic bool `json:"from_clinic"`
		}
	}
	for user, want := range map[string]string{"bob": "Fido: the vaccination against Rabies is due on ", "alice": "Luna: the vaccination against Cat flu"} {
		list := structured[reminders](t, w.callTool(w.tokensFor(user, "reminder:read").Access, "list_reminders", "{}")).Reminders
		n := 0
		for _, r := range list {
			if r.FromClinic && strings.HasPrefix(r.Text, want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s sees %d of %q: %+v", user, n, want, list)
		}
	}
	if log := w.log.String(); !strings.Contains(log, "tool=set_reminder sub=app-nightly client=app-nightly") {
		t.Error("the log does not show who set them")
	}

	// A vaccination that was given is due no more, and the one after it is a long time away.
	carol := w.tokensFor("carol", "pet-profile:write").Access
	if got := w.callTool(carol, "record_vaccination", `{"pet":"Fido","vaccine":"rabies"}`).result(t); got.Result.IsError {
		t.Fatalf("%+v", got)
	}
	if set, there := night(t, job); set != 0 || there != due-1 {
		t.Errorf("after Fido's vaccination it sets %d, and finds %d", set, there)
	}
}

// TestTwoNightlyJobs: run twice at once it sets nothing twice.
func TestTwoNightlyJobs(t *testing.T) {
	w := newWorld(t)
	job := w.nightJob([]string{"Vet Staff"}, nightly.Scopes...)
	dry := job
	dry.DryRun = true
	due, _ := night(t, dry)
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 4 {
		wg.Go(func() {
			r, err := job.Run(t.Context())
			if err != nil || r.Count(nightly.Failed) > 0 {
				t.Errorf("%+v %v", r, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += r.Count(nightly.Set)
		})
	}
	wg.Wait()
	if total != due {
		t.Errorf("%d were set of %d that are due", total, due)
	}
}

// TestNightlyJobWithoutPermission: what an administrator did not allow ends the job before it has begun, and it says what to do.
func TestNightlyJobWithoutPermission(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		roles, scopes []string
		want          string
	}{
		"no role":               {nil, nightly.Scopes, "give it a role"},
		"a role that lacks it":  {[]string{"Administrator"}, nightly.Scopes, "give it a role"},
		"not authorized at all": {[]string{"Vet Staff"}, nil, "authorize it for this MCP server"},
		"authorized for less":   {[]string{"Vet Staff"}, []string{"pet-profile:read", "reminder:read"}, "lacks the permission reminder:write"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			r, err := w.nightJob(c.roles, c.scopes...).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || r.Pets != 0 {
				t.Errorf("%d pets: %v", r.Pets, err)
			}
		})
	}
	// An owner's role without an owner sees no pets.
	w := newWorld(t)
	if r, err := w.nightJob([]string{"Pet Owner"}, nightly.Scopes...).Run(t.Context()); err != nil || r.Pets != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestMachineProofs is what RFC 7523 §3 and its security considerations make of a bad proof, over HTTP: each row has one fault.
func TestMachineProofs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, other := newKey(t), newKey(t)
	w.program("app-nightly", key, []string{"Vet Staff"}, "pet-profile:read")
	w.program("app-other", other, []string{"Vet Staff"}, "pet-profile:read")
	now := w.clock.Now()
	bob := w.tokensFor("bob", "pet-profile:read")
	ask := func(assertion string, more url.Values) tokens {
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {w.URL + "/mcp"},
			"client_assertion_type": {clientkey.AssertionType}, "client_assertion": {assertion}}
		maps.Copy(form, more)
		return w.post("/oauth/token", form)
	}
	n := 0
	sign := func(by clientkey.Key, typ string, change jwt.MapClaims) string {
		n++
		claims := jwt.MapClaims{"iss": "app-nightly", "sub": "app-nightly", "aud": w.URL, "jti": n, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
		claims["jti"] = strings.Repeat("x", n)
		maps.Copy(claims, change)
		raw, err := by.Sign(typ, claims)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	const typ = "client-authentication+jwt"
	good := sign(key, typ, nil)
	wantAccess(t, "a good one", ask(good, nil))
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "app-nightly", "sub": "app-nightly", "aud": w.URL, "jti": "n", "exp": now.Add(time.Minute).Unix()}).
		SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "app-nightly", "sub": "app-nightly", "aud": w.URL, "jti": "h", "exp": now.Add(time.Minute).Unix()}).
		SignedString([]byte(key.JWKS()))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ assertion, why string }{
		"replayed":                         {good, "jti was used before"},
		"for another audience":             {sign(key, typ, jwt.MapClaims{"aud": "https://elsewhere.example"}), "aud must be"},
		"for the MCP server":               {sign(key, typ, jwt.MapClaims{"aud": w.URL + "/mcp"}), "aud must be"},
		"for the token endpoint":           {sign(key, typ, jwt.MapClaims{"aud": w.URL + "/oauth/token"}), "aud must be"}, // draft-ietf-oauth-rfc7523bis-10 §4
		"for two audiences":                {sign(key, typ, jwt.MapClaims{"aud": []string{w.URL, "https://elsewhere.example"}}), "aud must be"},
		"for nobody":                       {sign(key, typ, jwt.MapClaims{"aud": nil}), "aud must be"},
		"expired":                          {sign(key, typ, jwt.MapClaims{"exp": now.Add(-time.Minute).Unix()}), "it has expired"},
		"without an end":                   {sign(key, typ, jwt.MapClaims{"exp": nil}), "exp is missing"},
		"good for a day":                   {sign(key, typ, jwt.MapClaims{"exp": now.Add(24 * time.Hour).Unix()}), "ten minutes away"},
		"from the future":                  {sign(key, typ, jwt.MapClaims{"iat": now.Add(time.Hour).Unix()}), "not valid yet"},
		"not valid yet":                    {sign(key, typ, jwt.MapClaims{"nbf": now.Add(time.Hour).Unix()}), "not valid yet"},
		"without an id":                    {sign(key, typ, jwt.MapClaims{"jti": nil}), "jti must have"},
		"by another client's key":          {sign(other, typ, nil), "not signed with a key"},
		"by a key of nobody":               {sign(newKey(t), typ, nil), "not signed with a key"},
		"about another client":             {sign(key, typ, jwt.MapClaims{"iss": "app-other", "sub": "app-other"}), "not signed with a key"},
		"issued by another client":         {sign(key, typ, jwt.MapClaims{"iss": "app-other"}), "iss and sub"},
		"about a user":                     {sign(key, typ, jwt.MapClaims{"sub": "user-bob"}), "unknown client_id"},
		"about nobody":                     {sign(key, typ, jwt.MapClaims{"sub": nil}), "names the client as sub"},
		"of another kind: an access token": {sign(key, token.Type, nil), "typ must be"},
		"of another kind: a DPoP proof":    {sign(key, "dpop+jwt", nil), "typ must be"},
		"Bob's access token":               {bob.Access, "unknown client_id"},
		"Bob's refresh token":              {bob.Refresh, "not a JWT"},
		"unsigned":                         {unsigned, "not signed with a key"},
		"signed with the public key":       {hmac, "not signed with a key"},
		"nothing":                          {"", "is missing"},
	} {
		t.Run(what, func(t *testing.T) {
			wantUnproven(t, c.why, ask(c.assertion, nil))
		})
	}
	t.Run("with a secret as well", func(t *testing.T) {
		wantRefused(t, "two proofs", ask(sign(key, typ, nil), url.Values{"client_secret": {"x"}}), "invalid_request")
	})
	t.Run("under another name", func(t *testing.T) {
		wantRefused(t, "two names", ask(sign(key, typ, nil), url.Values{"client_id": {"app-other"}}), "invalid_request")
	})
	t.Run("of another type", func(t *testing.T) {
		wantUnproven(t, "client_assertion_type must be", ask(sign(key, typ, nil), url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}))
	})
	t.Run("for Bob's refresh token", func(t *testing.T) {
		wantRefused(t, "another grant", ask(sign(key, typ, nil), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {bob.Refresh}}), "unauthorized_client")
	})
	wantAccess(t, "a good one afterwards", ask(sign(key, typ, nil), nil))
}

// wantUnproven is a client that did not prove who it is (RFC 6749 §5.2).
func wantUnproven(t *testing.T, why string, got tokens) {
	t.Helper()
	if got.status != http.StatusUnauthorized || got.Error != "invalid_client" || !strings.Contains(got.Description, why) {
		t.Errorf("%d %s %q, want %q", got.status, got.Error, got.Description, why)
	}
}

// wantAccess is what a program gets: no refresh token (RFC 6749 §4.4.3).
func wantAccess(t *testing.T, what string, got tokens) {
	t.Helper()
	if got.status != http.StatusOK || got.Access == "" || got.Refresh != "" {
		t.Errorf("%s: %d %s %s", what, got.status, got.Error, got.Description)
	}
}

// TestMachineTokens: a program's token opens the MCP server as its roles say, and nothing else.
func TestMachineTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newKey(t)
	w.program("app-nightly", key, []string{"Vet Staff"}, nightly.Scopes...)
	w.program("app-admin", key, []string{"Administrator"}, "pet-profile:read")
	get := func(id, resource string) tokens {
		assertion, err := key.Assertion(id, w.URL, w.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {resource},
			"client_assertion_type": {clientkey.AssertionType}, "client_assertion": {assertion}})
	}
	got := get("app-nightly", w.URL+"/mcp")
	wantAccess(t, "the nightly job", got)
	var claims struct {
		Subject string `json:"sub"`
		Client  string `json:"client_id"`
	}
	parse(t, got.Access, &claims)
	if claims.Subject != "app-nightly" || claims.Client != "app-nightly" { // RFC 9068 §2.2
		t.Errorf("%+v", claims)
	}
	for _, c := range []struct{ method, path string }{{"GET", "/admin/api/v1/users"}, {"GET", "/admin/api/v1/me"}, {"POST", "/admin/api/v1/clinic/reset"}} {
		if a := w.send(c.method, c.path, "", "Authorization", "Bearer "+got.Access); a.status != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", c.method, c.path, a.status)
		}
	}
	wantRefused(t, "the admin API", get("app-nightly", w.URL+"/admin/api"), "invalid_target")
	wantRefused(t, "the admin API, as an administrator", get("app-admin", w.URL+"/admin/api"), "invalid_target")
	for form, what := range map[string]url.Values{
		"a refresh token": {"grant_type": {"refresh_token"}, "refresh_token": {got.Access}, "client_id": {"vet-assist-ai"}},
		"a code":          {"grant_type": {"authorization_code"}, "code": {got.Access}, "client_id": {"vet-assist-ai"}, "redirect_uri": {w.URL + "/callback"}, "code_verifier": {verifier}},
	} {
		wantRefused(t, form, w.post("/oauth/token", what), "invalid_grant")
	}

	// What an administrator takes from it, it has no more.
	w.program("app-nightly", key, nil, nightly.Scopes...)
	wantRefused(t, "without its role", get("app-nightly", w.URL+"/mcp"), "invalid_scope")
}

func parse(t *testing.T, raw string, into any) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatal("no JWT")
	}
	body, err := jwt.NewParser().DecodeSegment(parts[1])
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadmeNightly runs the chapter "Programs without a person", one command after the other.
func TestReadmeNightly(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n### Programs without a person\n")
	chapter, _, _ = strings.Cut(chapter, "\n### ")
	w := newWorld(t, func(o *Options) { o.Now = time.Now }, onFile(t)) // the command has no other clock
	blocks := regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(chapter, -1)
	if len(blocks) < 4 {
		t.Fatalf("%d blocks", len(blocks))
	}
	dir := t.TempDir()
	run := func(command string) string {
		cmd := exec.CommandContext(t.Context(), "bash", "-uc", strings.NewReplacer("http://localhost:8080", w.URL, "go run ./functions/vetassist", "vetassist").Replace(command))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CLIENT_ID=app-nightly")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		return strings.ReplaceAll(string(out), w.URL, "http://localhost:8080")
	}
	needs(t, "bash")
	for i := 0; i+1 < 4; i += 2 {
		out := run(blocks[i][1])
		if !likeness(blocks[i+1][1]).MatchString(strings.TrimSpace(out)) {
			t.Errorf("%s printed\n%s\nand the README says\n%s", blocks[i][1], out, blocks[i+1][1])
		}
		if i == 0 {
			var set struct{ Keys []json.RawMessage }
			if err := json.Unmarshal([]byte(out), &set); err != nil || len(set.Keys) != 1 {
				t.Fatalf("%s: %v", out, err)
			}
			pem, err := os.ReadFile(filepath.Join(dir, "nightly.pem"))
			if err != nil {
				t.Fatal(err)
			}
			key, err := clientkey.Parse(pem)
			if err != nil || string(key.JWKS()) != strings.TrimSpace(out) {
				t.Fatalf("the key of the file is not the one that was printed: %v", err)
			}
			w.program("app-nightly", key, []string{"Vet Staff"}, nightly.Scopes...)
		}
	}
	for _, scope := range nightly.Scopes {
		if !strings.Contains(chapter, "`"+scope+"`") {
			t.Errorf("the chapter does not name %s", scope)
		}
	}
	if cron := blocks[4][1]; !slices.Contains(strings.Fields(cron), "nightly") || !regexp.MustCompile(`^\d+ \d+ \* \* \* `).MatchString(cron) {
		t.Errorf("no line of cron: %s", cron)
	}
}
