package admin_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

// operation is one of the API's, as its OpenAPI document tells.
type operation struct {
	id, method, path string
	match            bool // it takes If-Match
	body             bool
	paged            bool
}

// operations are all of them: so a new one is tested below without a word, or the test fails.
func operations(t testing.TB) (all []operation) {
	t.Helper()
	body, err := document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody json.RawMessage
			Parameters  []struct{ Name string }
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			has := func(name string) bool {
				return slices.ContainsFunc(op.Parameters, func(p struct{ Name string }) bool { return p.Name == name })
			}
			all = append(all, operation{op.OperationID, strings.ToUpper(method), path, has("If-Match"), len(op.RequestBody) > 0, has("cursor")})
		}
	}
	slices.SortFunc(all, func(x, y operation) int { return strings.Compare(x.id, y.id) })
	if len(all) < 40 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

// examples are requests that are right, by operation: an address, and a body where there is one.
var examples = map[string]struct{ path, body string }{
	"me":                        {"/me", ""},
	"list-servers":              {"/servers", ""},
	"register-server":           {"/servers", `{"identifier": "mcp://zoo", "name": "Zoo", "url": "https://zoo.example/mcp"}`},
	"read-server":               {"/servers/" + vetassist, ""},
	"update-server":             {"/servers/" + vetassist, `{"name": "Clinic", "url": "https://clinic.example/mcp", "scopes": [{"name": "pet-profile:read", "title": "See pets"}]}`},
	"delete-server":             {"/servers/" + vetassist, ""},
	"list-roles":                {"/roles", ""},
	"define-role":               {"/roles", `{"name": "Groomer"}`},
	"read-role":                 {"/roles/Pet%20Owner", ""},
	"update-role":               {"/roles/Pet%20Owner", `{"description": "x"}`},
	"delete-role":               {"/roles/Pet%20Owner", ""},
	"list-members":              {"/roles/Pet%20Owner/members", ""},
	"add-member":                {"/roles/Vet%20Staff/members/user-bob", ""},
	"remove-member":             {"/roles/Pet%20Owner/members/user-bob", ""},
	"list-users":                {"/users", ""},
	"create-user":               {"/users", `{"username": "dora", "name": "Dora"}`},
	"read-user":                 {"/users/user-bob", ""},
	"update-user":               {"/users/user-bob", `{"name": "Robert"}`},
	"delete-user":               {"/users/user-bob", ""},
	"set-password":              {"/users/user-bob/password", `{"password": "correct horse 1"}`},
	"sign-out":                  {"/users/user-bob/sign-out", ""},
	"unlock-user":               {"/users/user-bob/unlock", ""},
	"list-passkeys":             {"/users/user-bob/passkeys", ""},
	"remove-passkey":            {"/users/user-bob/passkeys/bobs-passkey", ""},
	"list-applications":         {"/applications", ""},
	"create-application":        {"/applications", `{"name": "App", "template": "MCP client application", "redirect_uris": ["https://app.example/"]}`},
	"read-application":          {"/applications/vet-assist-ai", ""},
	"update-application":        {"/applications/vet-assist-ai", `{"name": "Another name"}`},
	"delete-application":        {"/applications/vet-assist-ai", ""},
	"rotate-secret":             {"/applications/app-secret/secret", ""},
	"authorize-application":     {"/applications/vet-assist-ai/authorizations/" + vetassist, `{"scopes": ["pet-profile:read"]}`},
	"unauthorize-application":   {"/applications/vet-assist-ai/authorizations/" + vetassist, ""},
	"list-naming-applications":  {"/applications/vet-assist-ai/named-by", ""},
	"read-registration":         {"/registration", ""},
	"list-registration-tokens":  {"/registration-tokens", ""},
	"create-registration-token": {"/registration-tokens", `{"note": "For the workshop", "days": 1, "uses": 30}`},
	"delete-registration-token": {"/registration-tokens/{token}", ""},
	"list-issuers":              {"/trusted-issuers", ""},
	"trust-issuer":              {"/trusted-issuers", `{"issuer": "https://login.zoo.example", "kind": "enterprise", "name": "Zoo", "enabled": true, "match": "email"}`},
	"read-issuer":               {"/trusted-issuers/{issuer}", ""},
	"update-issuer":             {"/trusted-issuers/{issuer}", `{"name": "Acme Corporation", "jwks_uri": "https://login.acme.example/keys"}`},
	"remove-issuer":             {"/trusted-issuers/{issuer}", ""},
	"list-links":                {"/trusted-issuers/{issuer}/links", ""},
	"add-link":                  {"/trusted-issuers/{issuer}/links", `{"subject": "u-17", "user_id": "user-bob"}`},
	"remove-link":               {"/trusted-issuers/{issuer}/links/dS0xOA", ""}, // u-18
	"list-relying-servers":      {"/relying-servers", ""},
	"add-relying-server":        {"/relying-servers", `{"issuer": "https://zoo.example", "name": "Zoo", "resources": ["https://zoo.example/mcp"], "scopes": ["animal:read"]}`},
	"read-relying-server":       {"/relying-servers/{relying}", ""},
	"update-relying-server":     {"/relying-servers/{relying}", `{"name": "Chat", "enabled": true, "resources": ["https://chat.example/mcp"], "scopes": ["chat.read"]}`},
	"remove-relying-server":     {"/relying-servers/{relying}", ""},
	"list-consents":             {"/consents?user_id=user-bob", ""},
	"revoke-consent":            {"/consents/" + bobsConsent, ""},
	"list-grants":               {"/grants?client_id=vet-assist-ai", ""},
	"revoke-grant":              {"/grants/bobs-grant", ""},
	"list-sessions":             {"/sessions?user_id=user-bob", ""},
	"end-session":               {"/sessions/bobs-login", ""},
	"list-keys":                 {"/keys", ""},
	"rotate-keys":               {"/keys", ""},
	"retire-key":                {"/keys/{kid}", ""},
	"list-events":               {"/audit", ""},
	"export-events":             {"/audit/export", ""},
	"reset-clinic":              {"/clinic/reset", ""},
	"add-owner":                 {"/clinic/owners/user-carol", ""},
	"forget-owner":              {"/clinic/owners/user-bob", ""},
	"list-snapshots":            {"/clinic/snapshots", ""},
	"make-snapshot":             {"/clinic/snapshots", `{"name": "Before the break"}`},
	"restore-snapshot":          {"/clinic/snapshots/{id}/restore", ""},
	"delete-snapshot":           {"/clinic/snapshots/{id}", ""},
	"why":                       {"/why?user_id=user-bob&client_id=vet-assist-ai&server_id=" + vetassist, ""},
}

// example makes an operation's example true in a world: what it names is there.
func (w *world) example(op operation) (path, body string) {
	w.t.Helper()
	e, ok := examples[op.id]
	if !ok {
		w.t.Fatalf("the operation %s has no example: add one", op.id)
	}
	w.bobsAccess()
	if op.id == "rotate-secret" {
		_, _, err := w.directory.AddClient(w.t.Context(), directory.NewClient{ID: "app-secret", Name: "Secret", Template: directory.MachineTemplate})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if op.id == "retire-key" {
		if _, err := w.keys.Rotate(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		keys, err := w.keys.Keys(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		e.path = "/keys/" + keys[len(keys)-1].ID
	}
	if op.id == "delete-registration-token" {
		made := as[struct{ ID string }](w.t, w.call("POST", "/registration-tokens", `{"note": "Old"}`))
		e.path = "/registration-tokens/" + made.ID
	}
	if strings.HasSuffix(op.id, "-snapshot") && op.id != "make-snapshot" {
		made := as[struct{ ID string }](w.t, w.call("POST", "/clinic/snapshots", `{"name": "Morning"}`))
		e.path = strings.Replace(e.path, "{id}", made.ID, 1)
	}
	w.trust(&e.path)
	w.store.writes() // those do not count
	return e.path, e.body
}

// right are the headers that a right request needs besides its token.
func (w *world) right(op operation, path string) []string {
	if !op.match {
		return nil
	}
	record, _, _ := strings.Cut(path, "/authorizations")
	return []string{"If-Match", w.tag(record)}
}
