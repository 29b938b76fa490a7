package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
)

func decode(t testing.TB, part string, v any) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFirstTryLosesNothing: libraries that do not know how a server wants clients to authenticate try one way after the other, most
// of them HTTP Basic first. What does not let a client in spends neither its code nor its refresh token.
func TestFirstTryLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secretID, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	w.signingClient("signs", func(c *directory.Client) {
		c.Template, c.Roles, c.GrantTypes, c.RedirectURIs = directory.WebTemplate, nil, []string{"authorization_code", "refresh_token"}, []string{w.url + "/callback"}
	})
	none := func(*http.Request) {}
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	assertion := func() url.Values {
		return url.Values{"client_id": nil, "client_assertion_type": {assertionType}, "client_assertion": {w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)}}
	}
	type try struct {
		header func(*http.Request)
		body   url.Values
	}
	for _, c := range []struct {
		what   string
		client string
		wrong  []try
		right  func() try
	}{
		{"public, its name in the body", clientID, []try{
			{basic(clientID, "x"), nil}, {basic("nobody", ""), nil}, {basic("", ""), nil}, {header("Bearer x"), nil}, {header("Basic"), nil}, {header("Basic %"), nil},
			{none, url.Values{"client_secret": {"x"}}}, {none, url.Values{"client_id": nil}}, {none, url.Values{"client_assertion": {"x"}}},
			{none, url.Values{"client_assertion_type": {assertionType}, "client_assertion": {"a.b.c"}}},
			{none, url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "client_assertion": {"x"}}},
			{basic(clientID, ""), url.Values{"client_secret": {"x"}}},
		}, func() try { return try{none, nil} }},
		{"public, in the header with an empty secret", clientID, []try{{none, url.Values{"client_id": nil}}}, func() try { return try{basic(clientID, ""), url.Values{"client_id": nil}} }},
		{"public, in both", clientID, []try{{basic(clientID, "x"), nil}}, func() try { return try{basic(clientID, ""), nil} }},
		{"public, with an empty secret in the body", clientID, nil, func() try { return try{none, url.Values{"client_secret": {""}}} }},
		{"with a secret, in the body", secretID, []try{
			{none, nil}, {basic(secretID, ""), nil}, {basic(secretID, "x"), nil}, {basic("x", secret), nil}, {basic(secretID, secret), url.Values{"client_secret": {secret}}},
			{none, url.Values{"client_secret": {"x"}}}, {none, url.Values{"client_secret": {secret}, "client_assertion_type": {assertionType}, "client_assertion": {"x"}}},
		}, func() try { return try{none, url.Values{"client_secret": {secret}}} }},
		{"with a secret, in the header", secretID, []try{{none, nil}, {none, url.Values{"client_secret": {"x"}}}}, func() try { return try{basic(secretID, secret), nil} }},
		{"that signs", "signs", []try{{none, nil}, {basic("signs", ""), nil}, {basic("signs", "x"), nil}, {none, url.Values{"client_secret": {"x"}}},
			{none, url.Values{"client_id": nil, "client_assertion_type": {assertionType}, "client_assertion": {w.assertion(jwt.SigningMethodES256, ecOther, "signs", nil, nil)}}},
		}, func() try { return try{none, assertion()} }},
	} {
		t.Run(c.what, func(t *testing.T) {
			send := func(form url.Values, try try) tokens {
				for name, values := range try.body {
					form[name] = values
				}
				got, _ := w.post("/oauth/token", form, try.header)
				return got
			}
			code := w.code("client_id", c.client)
			form := func() url.Values {
				f := w.codeForm(code)
				f.Set("client_id", c.client)
				return f
			}
			for n, wrong := range c.wrong {
				if got := send(form(), wrong); got.Error != "invalid_client" && got.Error != "invalid_request" || got.Access != "" {
					t.Errorf("wrong try %d with the code: %+v", n, got)
				}
			}
			got := send(form(), c.right())
			got.expect(t, "")
			refresh := func() url.Values {
				return url.Values{"grant_type": {"refresh_token"}, "client_id": {c.client}, "refresh_token": {got.Refresh}}
			}
			for n, wrong := range c.wrong {
				if got := send(refresh(), wrong); got.Error != "invalid_client" && got.Error != "invalid_request" || got.Access != "" {
					t.Errorf("wrong try %d with the refresh token: %+v", n, got)
				}
			}
			send(refresh(), c.right()).expect(t, "")
		})
	}
}
