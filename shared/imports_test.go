// Package shared_test holds the one rule that no single package can hold: who may import whom.
package shared_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/vetassist/vetassist/"

// house is the table: each package of the module, and what of the module it may import. A new package needs a line.
//
// A function imports shared/, never another function: they meet over HTTP and in the store. Only
// functions/vetassist, which is all of them in one process, imports them all.
var house = map[string][]string{
	"seed": {},

	"shared/config":    {},
	"shared/web":       {},
	"shared/attacks":   {}, // words
	"shared/clientkey": {}, // the key of whoever is on the other side
	"shared/egress":    {"shared/config"},
	"shared/rbac":      {}, // the formula is pure: no store, no token, no HTTP

	"shared/store":               {}, // no rules of the domain
	"shared/store/sqlite":        {"shared/store"},
	"shared/store/dynamo":        {"shared/store"},
	"shared/store/dynamo/faulty": {},                                 // of tests
	"shared/store/storetest":     {"shared/store", "shared/store/*"}, // it gives tests the engine

	"shared/audit":            {"shared/store", "shared/web"}, // of web it knows who sent the request
	"shared/access":           {"shared/store"},               // logins and grants, with no idea of what a token says
	"shared/token":            {"shared/rbac", "shared/store"},
	"shared/limit":            {"shared/store"},
	"shared/secret":           {"shared/store", "shared/web"}, // of web it knows how a secret is made
	"shared/possession":       {"shared/clientkey"},
	"shared/dpop":             {"shared/possession", "shared/secret", "shared/store", "shared/token", "shared/web"}, // of token it knows who may sign; of web, how a secret is hashed
	"shared/directory":        {"shared/limit", "shared/rbac", "shared/store", "shared/token", "shared/web"},        // of token it knows which keys may sign; of web, how secrets are made and kept
	"shared/clinic":           {"shared/store"},                                                                     // no idea of tokens, scopes or who logs in
	"shared/clinic/knowledge": {},

	"shared/secrettest": {}, // of tests
	"shared/host":       {"shared/config", "shared/store"},
	"shared/trace":      {"shared/secret", "shared/store", "shared/web"},

	"shared/web/lambda":            {"shared/config", "shared/egress", "shared/host", "shared/trace", "shared/web"},          // what makes a function one of AWS Lambda
	"shared/web/lambda/coldstart":  {"shared/config", "shared/store", "shared/store/dynamo", "shared/web/lambda/lambdatest"}, // it warms the table up
	"shared/web/lambda/lambdatest": {},                                                                                       // knows events and processes, nothing of ours

	"functions/oauth": {"shared/access", "shared/audit", "shared/config", "shared/directory", "shared/dpop", "shared/possession", "shared/egress", "shared/host", "shared/limit", "shared/rbac", "shared/secret", "shared/store", "shared/token", "shared/trace", "shared/web"},
	"functions/jwks":  {"shared/config", "shared/host", "shared/store", "shared/token", "shared/web"},
	"functions/admin": {"shared/access", "shared/audit", "shared/clinic", "shared/directory", "shared/host", "shared/rbac", "shared/store", "shared/token", "shared/web"},
	// The resource server sees the policy, not the people: it opens no other partition of the directory.
	"functions/mcp": {"shared/clinic", "shared/clinic/knowledge", "shared/config", "shared/directory", "shared/dpop", "shared/possession", "shared/host", "shared/rbac", "shared/secret", "shared/store", "shared/token", "shared/trace", "shared/web"},
	// The chat app is a stranger here: it has what any client of the world would have, and learns the rest over HTTP.
	"functions/app":           {"functions/app/assistant", "shared/clientkey", "shared/config", "shared/possession", "shared/host", "shared/store", "shared/trace", "shared/web"},
	"functions/app/assistant": {},

	// The teaching layer reads what was recorded, and who is looking.
	"functions/learn/diagram": {"shared/trace"}, // pure: what was recorded, drawn and explained
	"functions/learn":         {"functions/learn/*", "shared/access", "shared/attacks", "shared/audit", "shared/config", "shared/directory", "shared/host", "shared/rbac", "shared/store", "shared/token", "shared/trace", "shared/web"},
	"functions/learn/course":  {"shared/audit", "shared/trace"}, // pure

	// A Lambda entry puts a function on DynamoDB.
	"functions/oauth/lambda": {"functions/oauth", "seed", "shared/*"},
	"functions/jwks/lambda":  {"functions/jwks", "shared/*"},
	"functions/mcp/lambda":   {"functions/mcp", "seed", "shared/*"},
	"functions/admin/lambda": {"functions/admin", "seed", "shared/*"},
	"functions/app/lambda":   {"functions/app", "shared/*"},
	"functions/learn/lambda": {"functions/learn", "functions/learn/*", "shared/*"},

	// The official suite judges the chat app from outside; see there.
	"scripts/conformance/client":          {"functions/app", "functions/app/assistant", "functions/vetassist/federation", "functions/vetassist/nightly", "shared/clientkey", "shared/config", "shared/store/sqlite"},
	"scripts/conformance/table":           {},
	"scripts/conformance/extract":         {"scripts/conformance/table"},
	"scripts/conformance/extract/threats": {"scripts/conformance/table"},
	"scripts/conformance/ran":             {"scripts/conformance/table"},
	"scripts/supply/archive":              {},
	"scripts/supply/licences":             {},
	"scripts/supply/pinned":               {},

	// It prepares a database as people and administrators would have left it.
	"scripts/bench":               {"seed", "shared/*"},
	"scripts/bench/load":          {},
	"scripts/bench/peers":         {}, // a module of its own, as those below
	"scripts/bench/peers/gosdk":   {},
	"scripts/bench/peers/hello":   {},
	"scripts/bench/peers/mcpgo":   {},
	"scripts/bench/peers/zitadel": {},

	// Strangers, to whatever they talk to.
	"functions/vetassist/doctor":       {"shared/config"},
	"functions/vetassist/discovery":    {"shared/config"},
	"functions/vetassist/federation":   {"functions/vetassist/discovery", "functions/vetassist/tokenrequest"},
	"functions/vetassist/nightly":      {"functions/vetassist/discovery", "functions/vetassist/tokenrequest", "shared/clientkey"},
	"functions/vetassist/tokenrequest": {},
	"functions/vetassist/visitor":      {"functions/vetassist/discovery"},
	"functions/vetassist/walkthrough":  {"functions/vetassist/discovery", "functions/vetassist/visitor", "shared/config"},
	"functions/vetassist/attack":       {"functions/vetassist/visitor", "shared/attacks", "shared/clientkey", "shared/config", "shared/possession"},
	"functions/vetassist/workshop":     {"functions/vetassist/visitor"},
	"functions/vetassist/progress":     {"functions/vetassist/visitor"},

	"functions/vetassist": {"functions/*", "shared/*", "seed"},

	// What drives foreign programs is no part of the house, but some of it opens a door of it.
	"scripts/clients/documents":   {},
	"scripts/clients/go-sdk":      {},
	"scripts/clients/mcp-go":      {}, // and a module of its own
	"scripts/soak":                {"functions/vetassist/visitor", "functions/vetassist/workshop", "scripts/soak/results"},
	"scripts/soak/kill":           {"functions/vetassist/visitor", "scripts/soak/results"},
	"scripts/soak/results":        {},
	"scripts/growth":              {},
	"scripts/secrets":             {"shared/secrettest"},
	"scripts/conformance/browser": {},
	"scripts/conformance/judge":   {},
	"scripts/conformance/server":  {"functions/mcp", "seed", "shared/*"},
}

// A test may use more of shared/ than the code it tests (an engine, the seed), but no function's test reaches into
// another function.
var tests = []string{"shared/*", "seed"}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		pkg := path.Dir(filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator))))
		if pkg == "shared" {
			return nil // this file
		}
		seen[pkg] = true
		allowed, ok := house[pkg]
		if !ok {
			t.Errorf("package %s is not in the table of who may import whom", pkg)
			return nil
		}
		if strings.HasSuffix(file, "_test.go") {
			allowed = slices.Concat(allowed, tests, []string{pkg, pkg + "/*"})
		}
		return check(t, file, allowed)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range slices.Sorted(maps.Keys(house)) {
		if !seen[pkg] {
			t.Errorf("package %s is in the table, but not in the house", pkg)
		}
	}
}

func check(t *testing.T, file string, allowed []string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if name, ours := strings.CutPrefix(name, module); ours && !allows(allowed, name) {
			t.Errorf("%s imports %s, which the table does not allow", file, name)
		}
	}
	return nil
}

// allows reports whether a line of the table covers a package. "shared/*" covers everything below shared.
func allows(line []string, pkg string) bool {
	return slices.ContainsFunc(line, func(entry string) bool {
		prefix, all := strings.CutSuffix(entry, "*")
		return entry == pkg || all && strings.HasPrefix(pkg, prefix)
	})
}

// The table is worth what the check is worth.
func TestAllows(t *testing.T) {
	for _, c := range []struct {
		line []string
		pkg  string
		want bool
	}{
		{[]string{"shared/store"}, "shared/store", true},
		{[]string{"shared/store"}, "shared/store/sqlite", false},
		{[]string{"shared/*"}, "shared/store/sqlite", true},
		{[]string{"shared/*"}, "functions/oauth", false},
		{nil, "seed", false},
	} {
		if got := allows(c.line, c.pkg); got != c.want {
			t.Errorf("allows(%q, %q) = %v", c.line, c.pkg, got)
		}
	}
}
