package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
)

// sendForm posts a body as a form, with a header or none, and checks what holds for every answer to a client: it is JSON, it is not an
// error of ours, it may not be stored, and nobody gets a token.
func (w *world) sendForm(t *testing.T, path, body, authorization string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if rec.Code == http.StatusOK && path == "/oauth/revoke" {
		return // whatever the token was
	}
	var got struct {
		Error  string `json:"error"`
		Access string `json:"access_token"`
		Active bool   `json:"active"`
	}
	err := json.Unmarshal(rec.Body.Bytes(), &got)
	inactive := path == "/oauth/introspect" && rec.Code == http.StatusOK && !got.Active
	if err != nil || rec.Code >= 500 || got.Access != "" || got.Active || (got.Error == "") != inactive || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %q, %q: %d %s, %v", path, body, authorization, rec.Code, rec.Body, err)
	}
}

func FuzzTokenForm(f *testing.F) {
	for _, s := range []struct{ body, authorization string }{
		{"", ""},
		{"grant_type=authorization_code&client_id=vet-assist-ai&code=x&code_verifier=y&redirect_uri=z&resource=mcp://vetassist", ""},
		{"grant_type=refresh_token&refresh_token=x&client_id=vet-assist-ai&scope=a++b", ""},
		{"grant_type=client_credentials&scope=openid&resource=%23&resource=x", "Basic dmV0LWFzc2lzdC1haTo="},
		{"token=x&token_type_hint=access_token", "Basic Og=="},
		{"token=x&client_id=%zz;a=b&client_id=", "Bearer x"},
		{"client_assertion_type=" + url.QueryEscape(assertionType) + "&client_assertion=a.b.c", "Basic ="},
	} {
		f.Add(s.body, s.authorization)
	}
	w := newWorld(f)
	id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
	device := w.deviceClient("pet-profile:read")
	f.Fuzz(func(t *testing.T, body, authorization string) {
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"} {
			w.sendForm(t, path, body, authorization)
			w.sendForm(t, path, "client_id="+id+"&client_secret="+secret+"&"+body, "") // past the door
		}
		w.sendForm(t, "/oauth/token", "client_id="+clientID+"&grant_type=authorization_code&code=x&"+body, "")
		w.sendForm(t, "/oauth/token", "client_id="+clientID+"&grant_type=refresh_token&refresh_token=x&"+body, "")
		w.sendForm(t, "/oauth/token", "client_id="+device+"&grant_type="+url.QueryEscape(deviceGrant)+"&device_code=x&"+body, "")
		w.sendForm(t, "/oauth/par", "client_id="+clientID+"&request=x&"+body, "")
	})
}

func FuzzAssertion(f *testing.F) {
	w := newWorld(f)
	w.signingClient("signs", nil)
	f.Add(w.assertion(jwt.SigningMethodES256, ecOther, "signs", nil, map[string]any{"kid": "a"}))
	f.Add(w.assertion(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "signs", nil, nil))
	f.Add(w.assertion(jwt.SigningMethodHS256, []byte("secret"), "signs", map[string]any{"aud": nil}, nil))
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzaWducyIsImF1ZCI6MX0.AA")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, raw string) {
		form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {raw}}
		w.sendForm(t, "/oauth/token", form.Encode(), "")
	})
}

// FuzzGrantAssertion: no JWT that an issuer did not sign opens anything, by a client that proves itself or by nobody.
func FuzzGrantAssertion(f *testing.F) {
	w := newWorld(f)
	client, secret, _ := w.enterprise()
	w.platform()
	f.Add(w.signedBy(jwt.SigningMethodES256, ecOther, acme, client, nil, claims{"kid": "a"}))
	f.Add(w.signedBy(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, acme, client, nil, nil))
	f.Add(w.signedBy(jwt.SigningMethodHS256, []byte("secret"), acme, client, claims{"resource": []string{"x"}, "cnf": claims{}}, nil))
	f.Add(w.assertion(jwt.SigningMethodES256, ecKey, cluster, claims{"sub": nightly}, nil))
	f.Add(w.assertion(jwt.SigningMethodES256, ecKey, client, nil, claims{"typ": "at+jwt"}))
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6Im9hdXRoLWlkLWphZytqd3QifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuZXhhbXBsZSIsInJlc291cmNlIjoxfQ.AA")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, raw string) {
		form := url.Values{"grant_type": {jwtGrant}, "assertion": {raw}}
		w.sendForm(t, "/oauth/token", form.Encode(), "")
		w.sendForm(t, "/oauth/token", "client_id="+client+"&client_secret="+secret+"&"+form.Encode(), "")
		form.Set("grant_type", exchangeGrant)
		w.sendForm(t, "/oauth/token", "requested_token_type="+url.QueryEscape(idJAGToken)+"&subject_token_type="+url.QueryEscape(idToken)+"&subject_token="+url.QueryEscape(raw)+
			"&audience=x&resource=y&client_id="+client+"&client_secret="+secret+"&"+form.Encode(), "")
	})
}
