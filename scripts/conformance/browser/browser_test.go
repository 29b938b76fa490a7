package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// authorizationServer asks for bob's password, then for consent, and sends back what was decided.
func authorizationServer(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("who"); err != nil || c.Value != "bob" {
			http.Redirect(w, r, "/login?"+r.URL.RawQuery, http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, `<form method="post" action="/logout"><button>Switch user</button></form>
			<form method="post" action="/consent?%s"><input type="hidden" name="form_token" value="f">
			<input type="checkbox" name="scope" value="a" checked><input type="checkbox" name="scope" value="b">
			<button name="decision" value="approve">Allow</button><button name="decision" value="deny">Deny</button></form>`, r.URL.RawQuery)
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<form method="post" action="/login?%s"><input name="username"><input type="password" name="password"></form>`, r.URL.RawQuery)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("username") == "bob" && r.FormValue("password") == "right" {
			http.SetCookie(w, &http.Cookie{Name: "who", Value: "bob"})
		}
		http.Redirect(w, r, "/authorize?"+r.URL.RawQuery, http.StatusSeeOther)
	})
	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
		q := url.Values{"code": {r.PostFormValue("form_token") + strings.Join(r.PostForm["scope"], "")}}
		if r.PostFormValue("decision") != "approve" {
			q = url.Values{"error": {"access_denied"}}
		}
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+q.Encode(), http.StatusSeeOther)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestBrowse(t *testing.T) {
	var answers []string
	client := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { answers = append(answers, r.URL.RequestURI()) }))
	t.Cleanup(client.Close)
	redirect := client.URL + "/callback"
	address := authorizationServer(t).URL + "/authorize?response_type=code&redirect_uri=" + url.QueryEscape(redirect)
	native := authorizationServer(t).URL + "/authorize?response_type=code&redirect_uri=" + url.QueryEscape("com.example.app:/callback")

	for _, c := range []struct {
		what          string
		args          []string
		in            string
		printed, came string // empty printed: an error
	}{
		{"yes", []string{"-user", "bob", "-password", "right", address}, "", redirect + "?code=fa\n", "/callback?code=fa"},
		{"no", []string{"-user", "bob", "-password", "right", "-deny", address}, "", redirect + "?error=access_denied\n", "/callback?error=access_denied"},
		{"print", []string{"-user", "bob", "-password", "right", "-print", address}, "", redirect + "?code=fa\n", ""},
		{"an app's own scheme", []string{"-user", "bob", "-password", "right", native}, "", "com.example.app:/callback?code=fa\n", ""},
		{"a wrong password", []string{"-user", "bob", "-password", "wrong", address}, "", "", ""},
		{"lines", []string{"-user", "bob", "-password", "right"}, "Please open\n  " + address + "\nand wait\n", "Please open\n  " + address + "\nand wait\n", "/callback?code=fa"},
		{"lines without", []string{"-user", "bob", "-password", "right"}, "Hello\n", "", ""},
		{"no redirect_uri", []string{"http://localhost/authorize?response_type=code"}, "", "", ""},
	} {
		answers = nil
		var out strings.Builder
		err := run(c.args, strings.NewReader(c.in), &out)
		if (err != nil) != (c.printed == "") || c.printed != "" && out.String() != c.printed || strings.Join(answers, " ") != c.came {
			t.Errorf("%s: printed %q, the client got %q, %v", c.what, out.String(), answers, err)
		}
	}
}
