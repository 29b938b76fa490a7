package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
)

// TestWorkload: what a platform may say of its programs, and what it may not (RFC 7523 §3; MCP, SEP-1933).
func TestWorkload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, _ := w.platform()
	w.enterprise()
	in := func(d time.Duration) int64 { return w.clock.Now().Add(d).Unix() }
	for _, c := range []struct {
		what           string
		change, header claims
		want, says     string
	}{
		{"as it should be", nil, claims{"kid": "a"}, "", ""},
		{"no kind", nil, claims{"typ": nil}, "", ""},
		{"an hour, and some seconds as Kubernetes has it", claims{"exp": in(time.Hour + 7*time.Second)}, nil, "", ""},
		{"more than an hour", claims{"exp": in(time.Hour + time.Minute)}, nil, "invalid_grant", "60 minutes"},
		{"over", claims{"exp": in(-31 * time.Second)}, nil, "invalid_grant", "expired"},
		{"no end", claims{"exp": nil}, nil, "invalid_grant", "exp is missing"},
		{"no iat", claims{"iat": nil}, nil, "invalid_grant", "iat is missing"},
		{"issued in the future", claims{"iat": in(time.Minute)}, nil, "invalid_grant", "not valid yet"},
		{"not before later", claims{"nbf": in(time.Minute)}, nil, "invalid_grant", "not valid yet"},
		{"no id", claims{"jti": nil}, nil, "invalid_grant", "jti"},
		{"another program", claims{"sub": "system:serviceaccount:clinic:other"}, nil, "invalid_grant", "no application here"},
		{"a longer name", claims{"sub": nightly + "-x"}, nil, "invalid_grant", "no application here"},
		{"the name in capitals", claims{"sub": strings.ToUpper(nightly)}, nil, "invalid_grant", "no application here"},
		{"the client's own name", claims{"sub": client}, nil, "invalid_grant", "no application here"},
		{"no subject", claims{"sub": nil}, nil, "invalid_grant", "sub is missing"},
		{"another server", claims{"aud": "https://elsewhere.example"}, nil, "invalid_grant", "aud must be"},
		{"the platform's own audience", claims{"aud": []string{cluster, w.url}}, nil, "invalid_grant", "aud must be"},
		{"no audience", claims{"aud": nil}, nil, "invalid_grant", "aud must be"},
		{"an issuer that nobody trusts", claims{"iss": "https://evil.example"}, nil, "invalid_grant", "no issuer"},
		{"an issuer that vouches for people", claims{"iss": acme}, nil, "invalid_grant", "no issuer"},
		{"no issuer", claims{"iss": nil}, nil, "invalid_grant", "iss is missing"},
		{"as an enterprise's word", nil, claims{"typ": "oauth-id-jag+jwt"}, "invalid_client", "client_id is missing"},
		{"an unknown kid", nil, claims{"kid": "z"}, "invalid_grant", "not signed"},
		{"an unknown extension", nil, claims{"crit": []string{"x"}}, "invalid_grant", "extension"},
		{"bound to a key, and no proof of it", claims{"cnf": claims{"jkt": "x"}}, nil, "invalid_grant", "DPoP"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.bring(w.workloadJWT(c.change, c.header), "", "")
			if got.expect(t, c.want); !strings.Contains(got.Description, c.says) {
				t.Errorf("it says %q", got.Description)
			}
		})
	}
	w.bring(w.assertion(jwt.SigningMethodES256, ecKey, cluster, claims{"sub": nightly}, nil), "", "").expect(t, "invalid_grant") // another's key
	w.bring(w.assertion(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, cluster, claims{"sub": nightly}, nil), "", "").expect(t, "invalid_grant")
}

// TestWorkloadRequest: the same JWT in other requests. None of it uses up the JWT.
func TestWorkloadRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, _ := w.platform()
	other, otherSecret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	raw := w.workloadJWT(nil, nil)
	for _, c := range []struct {
		what, client, secret string
		change               []string
		want                 string
	}{
		{"under another name", other, "", nil, "invalid_grant"},
		{"for another client that proves itself", other, otherSecret, nil, "invalid_grant"},
		{"with a wrong secret beside it", client, "x", nil, "invalid_client"},
		{"for an unknown resource", "", "", []string{"resource", "https://elsewhere.example"}, "invalid_target"},
		{"for more than the application may", "", "", []string{"scope", "appointment:read"}, "invalid_scope"},
		{"for what no role of it allows", "", "", []string{"scope", "admin:read"}, "invalid_scope"},
		{"a scope that is none", "", "", []string{"scope", "a  b"}, "invalid_scope"},
		{"as client credentials", "", "", []string{"grant_type", "client_credentials"}, "invalid_client"},
		{"as a client's assertion", "", "", []string{"grant_type", "client_credentials", "client_assertion_type", assertionType, "client_assertion", raw}, "invalid_client"},
		// Last, so that it was good for all of them.
		{"with its own name, for less", client, "", []string{"resource", w.url + "/mcp", "scope", "pet-profile:read"}, ""},
		{"a second time", "", "", nil, "invalid_grant"},
	} {
		t.Run(c.what, func(t *testing.T) { w.bring(raw, c.client, c.secret, c.change...).expect(t, c.want) })
	}
	// It proves nothing at another endpoint.
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		got, _ := w.post(path, url.Values{"grant_type": {jwtGrant}, "assertion": {w.workloadJWT(nil, nil)}, "token": {"x"}})
		got.expect(t, "invalid_client")
	}
}

// TestWorkloadToken: an application's own token, which ends with what it stands on.
func TestWorkloadToken(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		what string
		edit func(*directory.Issuer)
	}{
		{"the issuer is disabled", func(i *directory.Issuer) { i.Enabled = false }},
		{"the program is no application any more", func(i *directory.Issuer) { i.Workloads = nil }},
	} {
		t.Run(end.what, func(t *testing.T) {
			w := newWorld(t)
			client, issuer := w.platform()
			id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
			gateway := basic(id, secret)
			got := w.bring(w.workloadJWT(nil, nil), "", "")
			c, err := w.verifier.Verify(t.Context(), got.Access)
			if err != nil || c.Subject != client || c.ClientID != client || c.Scope != "pet-profile:read reminder:write" || got.Refresh != "" || len(c.Roles) != 1 {
				t.Errorf("%+v, %+v, %v", got, c, err)
			}
			if !w.isActive(got.Access, gateway) {
				t.Fatal("not active from the start")
			}
			w.editIssuer(issuer.ID, end.edit)
			if w.isActive(got.Access, gateway) {
				t.Error("still active")
			}
			w.bring(w.workloadJWT(nil, nil), "", "").expect(t, "invalid_grant")
		})
	}
}

// TestWorkloadIsAnother: when an administrator says that a program is another application, what it got as the first one ends.
func TestWorkloadIsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, issuer := w.platform()
	other, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	gateway := basic(other, secret)
	before := w.bring(w.workloadJWT(nil, nil), "", "")
	if !w.isActive(before.Access, gateway) {
		t.Fatal("not active from the start")
	}
	w.editIssuer(issuer.ID, func(i *directory.Issuer) { i.Workloads[0].ClientID = other })
	after := w.bring(w.workloadJWT(nil, nil), "", "")
	if c, err := w.verifier.Verify(t.Context(), after.Access); err != nil || c.Subject != other {
		t.Errorf("it is %s (%v)", c.Subject, err)
	}
	if w.isActive(before.Access, gateway) || !w.isActive(after.Access, gateway) {
		t.Error("the first token is active still, or the second is not")
	}
}

// TestWorkloadSubjects: which of several names counts, and that one may come again where the administrator says so.
func TestWorkloadSubjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exact, _ := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	ours, _ := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	all, _ := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	w.trust(directory.Issuer{Name: "Cluster", URL: cluster, Kind: directory.WorkloadIssuer, JWKS: jwks(jwk(edKey, "a", nil)), Enabled: true, Reusable: true,
		Workloads: []directory.Workload{{Subject: "repo:clinic/*", ClientID: all}, {Subject: "repo:clinic/pets:*", ClientID: ours}, {Subject: "repo:clinic/pets:ref:main", ClientID: exact}}})
	for subject, want := range map[string]string{
		"repo:clinic/pets:ref:main": exact, "repo:clinic/pets:ref:dev": ours, "repo:clinic/pets:": all, "repo:clinic/x": all,
		"repo:clinic/": "", "repo:clinic": "", "repo:clinic-evil/pets": "", "REPO:clinic/x": "",
	} {
		raw := w.workloadJWT(claims{"sub": subject, "jti": nil}, nil)
		for range 2 {
			got := w.bring(raw, "", "")
			if want == "" {
				got.expect(t, "invalid_grant")
				continue
			}
			c, err := w.verifier.Verify(t.Context(), got.Access)
			if err != nil || c.Subject != want {
				t.Errorf("%s is %s, not %s (%v)", subject, c.Subject, want, err)
			}
		}
	}
	_, a := w.post("/oauth/token", url.Values{"grant_type": {jwtGrant}, "assertion": {"x"}})
	if a.status != http.StatusUnauthorized {
		t.Errorf("nobody, with no JWT: %d %s", a.status, a.body)
	}
}
