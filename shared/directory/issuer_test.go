package directory_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const publicKeys = `{"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func (w world) confidential(t *testing.T, template string) string {
	t.Helper()
	n := directory.NewClient{Name: "Keeps a secret", Template: template}
	if template == directory.WebTemplate {
		n.RedirectURIs = []string{"https://app.example/callback"}
	}
	r, _, err := w.AddClient(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return r.Value.ID
}

func wantWrong(t *testing.T, what string, err error, field string) {
	t.Helper()
	var wrong *directory.FieldError
	if field == "" && err != nil || field != "" && (!errors.As(err, &wrong) || wrong.Field != field) {
		t.Errorf("%s: %v, want the field %q", what, err, field)
	}
}

// TestTrustedIssuers: whom an administrator may trust, and for what.
func TestTrustedIssuers(t *testing.T) {
	w := newWorld(t, true)
	web, machine := w.confidential(t, directory.WebTemplate), w.confidential(t, directory.MachineTemplate)
	public := w.addClient(t, "Public", nil).Value.ID
	many := func(n int) (all []directory.Workload) {
		for i := range n {
			all = append(all, directory.Workload{Subject: "a:b" + strings.Repeat("x", i), ClientID: machine})
		}
		return all
	}
	enterprise, platform := directory.EnterpriseIssuer, directory.WorkloadIssuer
	for _, c := range []struct {
		what   string
		kind   directory.IssuerKind
		change func(*directory.Issuer)
		field  string
	}{
		{"an enterprise", enterprise, func(i *directory.Issuer) { i.Clients = []string{web} }, ""},
		{"an enterprise that names users", enterprise, func(i *directory.Issuer) { i.Match = "email" }, ""},
		{"a platform", platform, func(i *directory.Issuer) { i.Workloads = many(50) }, ""},
		{"keys at a URL", enterprise, func(i *directory.Issuer) { i.JWKS, i.JWKSURI = nil, "https://x.example/keys" }, ""},
		{"keys by discovery", platform, func(i *directory.Issuer) { i.JWKS = nil }, ""},
		{"on the same machine", enterprise, func(i *directory.Issuer) { i.URL = "http://localhost:9000" }, ""},
		{"no name", enterprise, func(i *directory.Issuer) { i.Name = "" }, "name"},
		{"no kind", "", func(*directory.Issuer) {}, "kind"},
		{"no URL", enterprise, func(i *directory.Issuer) { i.URL = "acme" }, "issuer"},
		{"http elsewhere", enterprise, func(i *directory.Issuer) { i.URL = "http://login.acme.example" }, "issuer"},
		{"a query", enterprise, func(i *directory.Issuer) { i.URL = "https://login.acme.example?x" }, "issuer"},
		{"a fragment", enterprise, func(i *directory.Issuer) { i.URL = "https://login.acme.example#x" }, "issuer"},
		{"ourselves", enterprise, func(i *directory.Issuer) { i.URL = base }, "issuer"},
		{"ourselves with a slash", enterprise, func(i *directory.Issuer) { i.URL = base + "/" }, "issuer"},
		{"keys in two places", enterprise, func(i *directory.Issuer) { i.JWKSURI = "https://x.example/keys" }, "jwks_uri"},
		{"keys that are none", enterprise, func(i *directory.Issuer) { i.JWKS = json.RawMessage(`{"keys": 7}`) }, "jwks"},
		{"no keys in the set", enterprise, func(i *directory.Issuer) { i.JWKS = json.RawMessage(`{"keys": []}`) }, "jwks"},
		{"a private key", enterprise, func(i *directory.Issuer) {
			i.JWKS = json.RawMessage(strings.Replace(publicKeys, `"kty"`, `"d": "x", "kty"`, 1))
		}, "jwks"},
		{"a secret", enterprise, func(i *directory.Issuer) { i.JWKS = json.RawMessage(`{"keys": [{"kty": "oct", "k": "x"}]}`) }, "jwks"},
		{"keys without end", enterprise, func(i *directory.Issuer) {
			i.JWKS = json.RawMessage(strings.Replace(publicKeys, `"kty"`, `"x5c": "`+strings.Repeat("x", 17<<10)+`", "kty"`, 1))
		}, "jwks"},
		{"keys at an address without TLS", enterprise, func(i *directory.Issuer) { i.JWKS, i.JWKSURI = nil, "http://x.example/keys" }, "jwks_uri"},
		{"a client that is nobody", enterprise, func(i *directory.Issuer) { i.Clients = []string{"nobody"} }, "clients"},
		{"a public client", enterprise, func(i *directory.Issuer) { i.Clients = []string{public} }, "clients"},
		{"a client for no user", enterprise, func(i *directory.Issuer) { i.Clients = []string{machine} }, "clients"},
		{"a claim of any name", enterprise, func(i *directory.Issuer) { i.Match = "sub" }, "match"},
		{"an enterprise with programs", enterprise, func(i *directory.Issuer) { i.Workloads = many(1) }, "workloads"},
		{"a platform with people", platform, func(i *directory.Issuer) { i.Match = "email" }, "clients"},
		{"a program that is a user's application", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: "a:b", ClientID: web}} }, "workloads"},
		{"everybody", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: "*", ClientID: machine}} }, "workloads"},
		{"everybody of a kind", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: "repo:*", ClientID: machine}} }, "workloads"},
		{"everybody behind a scheme", platform, func(i *directory.Issuer) {
			i.Workloads = []directory.Workload{{Subject: "spiffe://*", ClientID: machine}}
		}, "workloads"},
		{"nothing between two separators", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: "repo::*", ClientID: machine}} }, "workloads"},
		{"only separators", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: ":/*", ClientID: machine}} }, "workloads"},
		{"whatever begins so", platform, func(i *directory.Issuer) {
			i.Workloads = []directory.Workload{{Subject: "repo:clinic/pet*", ClientID: machine}}
		}, "workloads"},
		{"a star within", platform, func(i *directory.Issuer) { i.Workloads = []directory.Workload{{Subject: "a:*:b", ClientID: machine}} }, "workloads"},
		{"one name twice", platform, func(i *directory.Issuer) { i.Workloads = append(many(1), many(1)...) }, "workloads"},
		{"too many programs", platform, func(i *directory.Issuer) { i.Workloads = many(51) }, "workloads"},
	} {
		i := directory.Issuer{Name: "Acme", URL: "https://" + strings.ReplaceAll(c.what, " ", "-") + ".example", Kind: c.kind, JWKS: json.RawMessage(publicKeys), Enabled: true}
		c.change(&i)
		r, err := w.AddIssuer(t.Context(), i)
		if wantWrong(t, c.what, err, c.field); err != nil {
			continue
		}
		found, err := w.TrustedIssuer(t.Context(), i.URL)
		if err != nil || found.ID != r.Value.ID {
			t.Errorf("%s: %v", c.what, err)
		}
		if _, err := w.TrustedIssuer(t.Context(), i.URL+"/"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s, with a slash: %v", c.what, err)
		}
		_, err = w.AddIssuer(t.Context(), i)
		wantWrong(t, c.what+", again", err, "issuer")
		other := r.Value
		other.Name, other.URL, other.Kind = "Other name", "https://other.example", "x"
		after, err := w.UpdateIssuer(t.Context(), other, r.Version)
		if err != nil || after.Value.Name != "Other name" || after.Value.URL != i.URL || after.Value.Kind != i.Kind {
			t.Errorf("%s: changed to %+v, %v", c.what, after.Value, err)
		}
		if _, err := w.UpdateIssuer(t.Context(), other, r.Version); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: changed over another change: %v", c.what, err)
		}
		if err := w.DeleteIssuer(t.Context(), r.Value.ID, r.Version); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: deleted over another change: %v", c.what, err)
		}
	}
}

// TestLinks: who at an enterprise is whom here, each once, and gone with the issuer.
func TestLinks(t *testing.T) {
	w := newWorld(t, true)
	r, err := w.AddIssuer(t.Context(), directory.Issuer{Name: "Acme", URL: "https://acme.example", Kind: directory.EnterpriseIssuer, JWKS: json.RawMessage(publicKeys), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	id := r.Value.ID
	for _, c := range []struct{ subject, user, field string }{
		{"u-17", "user-bob", ""},
		{"u-17", "user-bob", ""}, // as it is
		{"u-17", "user-alice", "subject"},
		{"u-18", "user-bob", ""},
		{"u-19", "user-nobody", "user_id"},
		{"", "user-bob", "subject"},
		{strings.Repeat("x", 256), "user-bob", "subject"},
		{"\xff", "user-bob", "subject"},
	} {
		_, err := w.AddLink(t.Context(), id, c.subject, c.user)
		wantWrong(t, c.subject+" "+c.user, err, c.field)
	}
	if _, err := w.AddLink(t.Context(), "nobody", "u-17", "user-bob"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a link at nobody: %v", err)
	}
	page, err := w.Links(t.Context(), id, directory.Query{Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].Subject != "u-17" || page.Next == "" {
		t.Errorf("%+v, %v", page, err)
	}
	if user, err := w.LinkedUser(t.Context(), id, "u-18"); err != nil || user != "user-bob" {
		t.Errorf("%s, %v", user, err)
	}
	if err := w.RemoveLink(t.Context(), id, "u-18"); err != nil {
		t.Error(err)
	}
	if err := w.RemoveLink(t.Context(), id, "u-18"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	for i := range 60 {
		if _, err := w.AddLink(t.Context(), id, "many-"+strings.Repeat("x", i), "user-bob"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.DeleteIssuer(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.LinkedUser(t.Context(), id, "u-17"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a link outlived its issuer: %v", err)
	}
	if _, err := w.TrustedIssuer(t.Context(), "https://acme.example"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("still trusted: %v", err)
	}
}

// TestLinkedMeanwhile: a link that is made while its issuer is deleted goes with it, or is not made: who trusts that issuer anew, links anew.
func TestLinkedMeanwhile(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		for before := range 3 { // so many writes of the deletion
			w := newWorld(t, true)
			acme := directory.Issuer{Name: "Acme", URL: "https://acme.example", Kind: directory.EnterpriseIssuer, JWKS: json.RawMessage(publicKeys), Enabled: enabled}
			r, err := w.AddIssuer(t.Context(), acme)
			if err == nil {
				_, err = w.AddLink(t.Context(), r.Value.ID, "u-17", "user-alice")
			}
			if err != nil {
				t.Fatal(err)
			}
			deleting := &meanwhile{Store: w.db, writes: before, f: func() { _, _ = w.AddLink(t.Context(), r.Value.ID, "u-18", "user-bob") }}
			if err := directory.New(deleting, base, true, w.clock.Now).DeleteIssuer(t.Context(), r.Value.ID, 1); err != nil {
				t.Fatal(err)
			}
			if _, err := w.AddIssuer(t.Context(), acme); err != nil {
				t.Fatal(err)
			}
			if page, err := w.Links(t.Context(), r.Value.ID, directory.Query{}); err != nil || len(page.Items) > 0 {
				t.Errorf("enabled %v, before write %d: links of before: %v, %v", enabled, before, page.Items, err)
			}
		}
	}
}

// TestRelyingServers: whom our word may be given to, and by whom.
func TestRelyingServers(t *testing.T) {
	w := newWorld(t, true)
	web, machine := w.confidential(t, directory.WebTemplate), w.confidential(t, directory.MachineTemplate)
	for _, c := range []struct {
		what   string
		change func(*directory.RelyingServer)
		field  string
	}{
		{"as it should be", func(*directory.RelyingServer) {}, ""},
		{"on the same machine", func(s *directory.RelyingServer) { s.Issuer = "http://127.0.0.1:9000" }, ""},
		{"known already", func(*directory.RelyingServer) {}, "issuer"},
		{"no name", func(s *directory.RelyingServer) { s.Name = "" }, "name"},
		{"http elsewhere", func(s *directory.RelyingServer) { s.Issuer = "http://chat.example" }, "issuer"},
		{"ourselves", func(s *directory.RelyingServer) { s.Issuer = base }, "issuer"},
		{"no resource", func(s *directory.RelyingServer) { s.Resources = nil }, "resources"},
		{"a resource that is no URL", func(s *directory.RelyingServer) { s.Resources = []string{"x y"} }, "resources"},
		{"no scope", func(s *directory.RelyingServer) { s.Scopes = nil }, "scopes"},
		{"a scope that is none", func(s *directory.RelyingServer) { s.Scopes = []string{"a b"} }, "scopes"},
		{"a client that is nobody", func(s *directory.RelyingServer) { s.Clients = []directory.RelyingClient{{ID: "nobody", ClientID: "x"}} }, "clients"},
		{"a client for no user", func(s *directory.RelyingServer) { s.Clients = []directory.RelyingClient{{ID: machine, ClientID: "x"}} }, "clients"},
		{"a client without a name there", func(s *directory.RelyingServer) { s.Clients = []directory.RelyingClient{{ID: web}} }, "clients"},
		{"a client twice", func(s *directory.RelyingServer) { s.Clients = append(s.Clients, s.Clients...) }, "clients"},
	} {
		s := directory.RelyingServer{Name: "Chat", Issuer: "https://chat.example", Resources: []string{"https://mcp.chat.example"}, Scopes: []string{"chat.read"},
			Clients: []directory.RelyingClient{{ID: web, ClientID: "there"}}, Enabled: true}
		c.change(&s)
		r, err := w.AddRelyingServer(t.Context(), s)
		if wantWrong(t, c.what, err, c.field); err != nil {
			continue
		}
		if _, there, err := w.RelyingServer(t.Context(), s.Issuer, web); err != nil || there != "there" {
			t.Errorf("%s: %q, %v", c.what, there, err)
		}
		if _, _, err := w.RelyingServer(t.Context(), s.Issuer, machine); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s, another client: %v", c.what, err)
		}
		if _, err := w.UpdateRelyingServer(t.Context(), r.Value, 7); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: changed over another change: %v", c.what, err)
		}
	}
	r, err := w.RelyingRecords(t.Context())
	if err != nil || len(r) != 2 {
		t.Fatalf("%d, %v", len(r), err)
	}
	if err := w.DeleteRelyingServer(t.Context(), r[0].Value.ID, r[0].Version+1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted over another change: %v", err)
	}
	if err := w.DeleteRelyingServer(t.Context(), r[0].Value.ID, r[0].Version); err != nil {
		t.Error(err)
	}
}
