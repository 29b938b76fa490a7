package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every route of every function, what it is, and a request for it. TestRoutesAreListed fails for one that is missing here, and TestRoutes
// asks for each.
type route struct {
	function, pattern string
	kind              string // see the checks of TestRoutes
	ask               string // a path; empty: that of the pattern
	status            int
	as                who
	form              string // where a page has this form, with its token; cookie: the form has none; empty: no form
}

// What a route is decides which headers its answers have.
const (
	aPage        = "page"     // for people: never framed, cached or named in a Referer, no script but ours
	aPrivate     = "private"  // an API for whoever proves something, never cached, not for pages of other origins
	anOpen       = "open"     // the same for clients that run in a browser: any origin, without cookies
	aPublic      = "public"   // what everybody may know: any origin, cached
	aDocument    = "document" // the same, but not for pages of other origins
	aStatic      = "static"   // files of our pages
	aRedirect    = "redirect" // to another address
	nothingThere = "absent"   // nothing is there
)

type who int

const (
	anyone  who = iota
	someone     // logged in
)

var routes = []route{
	{"oauth", "/.well-known/oauth-authorization-server", aPublic, "", 200, anyone, ""},
	{"oauth", "/.well-known/openid-configuration", aPublic, "", 200, anyone, ""},
	{"oauth", "GET /oauth/authorize", aPage, "/oauth/authorize?client_id=nobody", 400, anyone, ""},
	{"oauth", "HEAD /oauth/authorize", aPrivate, "", 405, anyone, ""},
	{"oauth", "POST /oauth/authorize", aRedirect, "", 303, anyone, ""},
	{"oauth", "GET /oauth/login", aPage, "", 200, anyone, ""},
	{"oauth", "POST /oauth/login", aPage, "", 400, anyone, "/oauth/login"},
	{"oauth", "GET /oauth/consent", aRedirect, "", 303, someone, ""},
	{"oauth", "POST /oauth/consent", aPage, "", 400, someone, "/oauth/authorize"},
	{"oauth", "GET /oauth/logout", aPage, "", 200, someone, ""},
	{"oauth", "HEAD /oauth/logout", aPrivate, "", 405, anyone, ""},
	{"oauth", "POST /oauth/logout", aPage, "", 400, someone, "/oauth/logout"},
	{"oauth", "POST /oauth/logout/confirm", aPage, "", 400, someone, "/oauth/logout"},
	{"oauth", "GET /oauth/device", aPage, "", 200, someone, ""},
	{"oauth", "POST /oauth/device", aPage, "", 400, someone, "/oauth/device"},
	{"oauth", "GET /oauth/account", aPage, "", 200, someone, ""},
	{"oauth", "POST /oauth/account/apps/remove", aPage, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/account/logins/end", aPage, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/account/logins/end-others", aPage, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/account/password", aPage, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/account/passkeys/remove", aPage, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/passkey/add/begin", aPrivate, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/passkey/add/finish", aPrivate, "", 400, someone, "/oauth/account"},
	{"oauth", "POST /oauth/passkey/login/begin", aPrivate, "", 400, anyone, "/oauth/login"},
	{"oauth", "POST /oauth/passkey/login/finish", aPrivate, "", 400, anyone, "/oauth/login"},
	{"oauth", "GET /oauth/assets/{file}", aStatic, "/oauth/assets/icon.svg", 200, anyone, ""},
	{"oauth", "/oauth/par", anOpen, "", 400, anyone, ""},
	{"oauth", "/oauth/token", anOpen, "", 400, anyone, ""},
	{"oauth", "/oauth/revoke", anOpen, "", 400, anyone, ""},
	{"oauth", "/oauth/userinfo", anOpen, "", 401, anyone, ""},
	{"oauth", "/oauth/register", anOpen, "", 400, anyone, ""},
	{"oauth", "POST /oauth/device_authorization", aPrivate, "", 400, anyone, ""},
	{"oauth", "POST /oauth/introspect", aPrivate, "", 400, anyone, ""},
	{"oauth", "/oauth/", aPrivate, "/oauth/nothing", 404, anyone, ""}, // TestNothingHere has the page

	{"jwks", "/.well-known/jwks.json", aPublic, "", 200, anyone, ""},

	{"mcp", "/mcp", aPrivate, "", 403, anyone, ""},
	{"mcp", "/.well-known/oauth-protected-resource", aPublic, "", 200, anyone, ""},
	{"mcp", "/.well-known/oauth-protected-resource/mcp", aPublic, "", 200, anyone, ""},

	{"admin", "/admin/api/v1/", aPrivate, "/admin/api/v1/users", 401, anyone, ""}, // TestEveryOperation has the rest
	{"admin", "/", aPrivate, "/admin/api/v1/nothing", 401, anyone, ""},            // of the operations
	{"admin", "/admin/api/v1/me", aPrivate, "", 401, anyone, ""},
	{"admin", "GET /admin/api/v1/openapi.json", aPublic, "", 200, anyone, ""},
	{"admin", "GET /admin/api/v1/docs", aPage, "", 200, anyone, ""},
	{"admin", "/admin/api/", nothingThere, "/admin/api/nothing", 404, anyone, ""},
	{"admin", "/.well-known/oauth-protected-resource/admin/api", aPublic, "", 200, anyone, ""},
	{"admin", "/admin/", aPage, "", 200, anyone, ""},
	{"admin", "/admin", aRedirect, "", 308, anyone, ""},
	{"admin", "GET /admin/{screen...}", aPage, "/admin/users", 200, anyone, ""},
	{"admin", "GET /admin/api/", nothingThere, "/admin/api/", 404, anyone, ""},
	{"admin", "GET /admin/assets/", nothingThere, "/admin/assets/", 404, anyone, ""},
	{"admin", "GET /admin/assets/{file}", aStatic, "/admin/assets/icon.svg", 200, anyone, ""},
	{"admin", "GET /admin/assets/{module}/{file}", aStatic, "/admin/assets/old/icon.svg", 200, anyone, ""},

	{"app", "GET /{$}", aPage, "", 200, anyone, ""},
	{"app", "POST /chat", aPage, "", 400, anyone, "cookie"},
	{"app", "POST /answer", aRedirect, "", 303, anyone, "cookie"},
	{"app", "GET /connect", aRedirect, "", 303, anyone, ""},
	{"app", "GET /callback", aPage, "", 400, anyone, ""},
	{"app", "POST /logout", aRedirect, "", 303, anyone, "cookie"},
	{"app", "GET /logged-out", aPage, "", 200, anyone, ""},
	{"app", "POST /new", aRedirect, "", 303, anyone, "cookie"},
	{"app", "GET /setup", aPage, "", 200, anyone, ""},
	{"app", "POST /setup", aPage, "", 403, anyone, "cookie"},
	{"app", "GET /oauth-client.json", aDocument, "", 200, anyone, ""},
	{"app", "GET /chat", aRedirect, "", 303, anyone, ""},
	{"app", "GET /answer", aRedirect, "", 303, anyone, ""},
	{"app", "GET /logout", aRedirect, "", 303, anyone, ""},
	{"app", "GET /new", aRedirect, "", 303, anyone, ""},
	{"app", "GET /", aPage, "/nothing", 404, anyone, ""},
	{"app", "GET /assets/{file}", aStatic, "/assets/icon.svg", 200, anyone, ""},

	{"learn", "GET /learn", aRedirect, "", 308, anyone, ""},
	{"learn", "GET /learn/{$}", aPage, "", 200, anyone, ""},
	{"learn", "GET /learn/{lesson}", aPage, "/learn/nothing", 404, anyone, ""},
	{"learn", "GET /learn/board", aPage, "", 403, someone, ""},
	{"learn", "GET /learn/api/checks", aPrivate, "", 200, anyone, ""},
	{"learn", "GET /learn/api/board", aPrivate, "", 401, anyone, ""},
	{"learn", "POST /learn/clock", aPage, "", 400, anyone, "cookie"},
	{"learn", "GET /flow", aRedirect, "", 303, anyone, ""},
	{"learn", "GET /flow/{$}", aPage, "", 200, anyone, ""},
	{"learn", "GET /flow/{flow}", aPage, "/flow/nothing", 404, anyone, ""},
	{"learn", "GET /flow/compare", aPage, "", 400, anyone, ""},
	{"learn", "GET /flow/panel.js", aStatic, "", 200, anyone, ""},
	{"learn", "GET /flow/api/flows", aPrivate, "", 200, anyone, ""},
	{"learn", "GET /flow/api/flows/latest", aPrivate, "", 200, someone, ""},
	{"learn", "GET /flow/api/flows/{flow}", aPrivate, "/flow/api/flows/nothing", 404, anyone, ""},
	{"learn", "GET /flow/api/flows/{flow}/export", aPrivate, "/flow/api/flows/nothing/export", 404, anyone, ""},
	{"learn", "GET /flow/api/flows/{flow}/records/{record}", aPrivate, "/flow/api/flows/nothing/records/1", 404, anyone, ""},
	{"learn", "GET /learn/assets/{file}", aStatic, "/learn/assets/icon.svg", 200, anyone, ""},
	{"learn", "GET /learn/assets/{module}/{file}", aStatic, "/learn/assets/old/icon.svg", 200, anyone, ""},
}

// request is what to ask for.
func (r route) request() (method, path string) {
	method, path, both := strings.Cut(r.pattern, " ")
	if !both {
		method, path = "GET", r.pattern
		if r.kind == anOpen || r.pattern == "/mcp" {
			method = "POST"
		}
	}
	if r.ask != "" {
		path = r.ask
	}
	return method, strings.TrimSuffix(path, "{$}")
}

// TestRoutesAreListed looks in the source for all that is given to a mux, so that nobody can add a route without saying here what it is.
func TestRoutesAreListed(t *testing.T) {
	var found, listed []string
	for _, f := range []string{"oauth", "jwks", "mcp", "admin", "app", "learn"} {
		for _, pattern := range patternsOf(t, f) {
			found = append(found, f+": "+pattern)
		}
	}
	for _, r := range routes {
		listed = append(listed, r.function+": "+r.pattern)
	}
	slices.Sort(found)
	slices.Sort(listed)
	for _, p := range found {
		if !slices.Contains(listed, p) {
			t.Errorf("%s has no line in the table: say what it is", p)
		}
	}
	for _, p := range listed {
		if !slices.Contains(found, p) {
			t.Errorf("%s is no route any more", p)
		}
	}
	if len(functions) != 6 {
		t.Errorf("%d functions, and 6 are looked at", len(functions))
	}
}

// patternsOf are the patterns in calls of Handle and HandleFunc in a function's package.
func patternsOf(t *testing.T, function string) (all []string) {
	t.Helper()
	files := parseFolder(t, "../"+function)
	s := source{values: map[string][]ast.Expr{}}
	for _, f := range append(files, parseFolder(t, "../../shared/token")...) {
		s.learn(f)
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && (method.Sel.Name == "Handle" || method.Sel.Name == "HandleFunc") && len(call.Args) == 2 {
				patterns := s.text(call.Args[0])
				if len(patterns) == 0 {
					t.Errorf("%s: cannot tell a pattern", function)
				}
				all = append(all, patterns...)
			}
			return true
		})
	}
	return all
}

func parseFolder(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// source knows what names stand for: constants, and variables of loops over a list.
type source struct {
	values map[string][]ast.Expr
	prefix string // of the pages
}

func (s *source) learn(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i < len(n.Values) {
					s.values[name.Name] = n.Values[i : i+1]
				}
			}
		case *ast.RangeStmt:
			name, isName := n.Value.(*ast.Ident)
			list, isList := n.X.(*ast.CompositeLit)
			if isName && isList {
				s.values[name.Name] = list.Elts
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "NewPages" {
				s.prefix = strings.Join(s.text(n.Args[0]), "")
			}
		}
		return true
	})
}

// text is all that an expression can be, or nothing if it is none that is understood here.
func (s *source) text(e ast.Expr) (all []string) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return []string{text}
		}
	case *ast.BinaryExpr:
		for _, a := range s.text(e.X) {
			for _, b := range s.text(e.Y) {
				all = append(all, a+b)
			}
		}
	case *ast.Ident:
		for _, v := range s.values[e.Name] {
			all = append(all, s.text(v)...)
		}
	case *ast.SelectorExpr:
		return s.text(e.Sel)
	case *ast.CallExpr:
		switch f, _ := e.Fun.(*ast.SelectorExpr); {
		case f == nil:
		case f.Sel.Name == "AssetsPattern":
			return []string{"GET " + s.prefix + "/assets/{file}"}
		case f.Sel.Name == "ModulesPattern":
			return []string{"GET " + s.prefix + "/assets/{module}/{file}"}
		}
	}
	return all
}
