package main

import (
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
)

// readmeSays checks that the README says something, whatever the line breaks.
func readmeSays(t *testing.T, words string) {
	t.Helper()
	if !strings.Contains(strings.Join(strings.Fields(readmeText(t)), " "), words) {
		t.Errorf("the README does not say %q", words)
	}
}

// readmeTable reads the README's table with these column names: the cells of each row, without backquotes.
func readmeTable(t *testing.T, columns ...string) [][]string {
	t.Helper()
	head := "\n| " + strings.Join(columns, " | ") + " |\n"
	_, rest, found := strings.Cut(readmeText(t), head)
	if !found {
		t.Fatalf("the README has no table %s", head)
	}
	var rows [][]string
	for line := range strings.Lines(rest) {
		line, isRow := strings.CutPrefix(line, "|")
		if !isRow {
			break
		}
		if strings.HasPrefix(line, "---") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), "|")
		if len(cells) != len(columns) {
			t.Fatalf("%d columns and the row %s", len(columns), line)
		}
		for i, c := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(c, "`", ""))
		}
		rows = append(rows, cells)
	}
	return rows
}

// policy is a file of servers and roles.
type policy struct {
	Servers []directory.Server `json:"mcp_servers"`
	Roles   []directory.Role   `json:"roles"`
}

func readPolicy(t *testing.T, name string) policy {
	t.Helper()
	body, err := seed.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var p policy
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// scopes are all scopes of all its servers.
func (p policy) scopes() (names []string) {
	for _, s := range p.Servers {
		names = append(names, s.ScopeNames()...)
	}
	return names
}

// permissions are the scopes of the VetAssist MCP server that a role has.
func (p policy) permissions(t *testing.T, role string) []string {
	t.Helper()
	i := slices.IndexFunc(p.Roles, func(r directory.Role) bool { return r.Name == role })
	if i < 0 {
		t.Fatalf("there is no role %s", role)
	}
	return p.Roles[i].Permissions["mcp://vetassist"]
}

// sameSet fails unless both hold the same strings, in whatever order, each once.
func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestReadmeScopes holds the table of scopes to the tool policy, and to the roles as they are seeded.
func TestReadmeScopes(t *testing.T) {
	policy := readPolicy(t, "policy.json")
	tools := map[string]string{}
	var scopes []string
	for _, row := range readmeTable(t, "Scope", "Tools", "Pet Owner", "Vet Staff") {
		scope := row[0]
		if scope == "any valid token" {
			scope = rbac.AnyToken
		} else {
			scopes = append(scopes, scope)
		}
		for tool := range strings.SplitSeq(row[1], ", ") {
			if _, twice := tools[tool]; twice {
				t.Errorf("%s stands there twice", tool)
			}
			tools[tool] = scope
		}
		for role, got := range map[string]string{"Pet Owner": row[2], "Vet Staff": row[3]} {
			want := "own pets"
			switch {
			case scope == rbac.AnyToken:
				want = "yes"
			case !slices.Contains(policy.permissions(t, role), scope):
				want = "no"
			case strings.HasPrefix(scope, "reminder:") && role == rbac.StaffRole:
				want = "own, and those that the clinic sets for owners"
			case strings.HasPrefix(scope, "reminder:"):
				want = "own"
			case role == rbac.StaffRole:
				want = "all"
			}
			if got != want {
				t.Errorf("%s, %s: the README says %q, want %q", role, row[0], got, want)
			}
		}
	}
	if !maps.Equal(tools, rbac.Tools) {
		t.Errorf("the README's tools are %v\nand the tool policy has %v", tools, rbac.Tools)
	}
	sameSet(t, "the README's scopes", scopes, policy.scopes())
}

// TestReadmeLogins holds the table of demo logins to seed/people.json.
func TestReadmeLogins(t *testing.T) {
	people, err := directory.DemoPeople(seed.Files)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range people {
		want = append(want, p.Username+" "+p.Password+" "+strings.Join(p.Roles, ", "))
	}
	roles := readPolicy(t, "policy.json")
	roles.Roles = append(roles.Roles, readPolicy(t, "admin.json").Roles...)
	var got []string
	for _, row := range readmeTable(t, "Username", "Password", "Role", "May") {
		got = append(got, row[0]+" "+row[1]+" "+row[2])
		if scopes := roles.permissions(t, row[2]); strings.HasPrefix(row[3], "nothing") != (len(scopes) == 0) {
			t.Errorf("%s may %s, and the role has %q", row[0], row[3], scopes)
		}
	}
	sameSet(t, "the README's logins", got, want)
}

// TestReadmeGuide holds what the guide tells to type to the demo's words: its result is the demo.
func TestReadmeGuide(t *testing.T) {
	server := readPolicy(t, "policy.json").Servers[0]
	want := [][]string{{"Name", server.Name}, {"Identifier", server.Identifier}, {"URL", strings.ReplaceAll(server.URL, "{base}", "http://localhost:8080")}}
	if got := readmeTable(t, "Field", "Enter"); !reflect.DeepEqual(got, want) {
		t.Errorf("the server is %q, want %q", got, want)
	}
	want = nil
	for _, s := range server.Scopes {
		want = append(want, []string{s.Name, s.Title, s.Description})
	}
	if got := readmeTable(t, "Name of the scope", "Display name", "Description"); !reflect.DeepEqual(got, want) {
		t.Errorf("the scopes are %q, want %q", got, want)
	}
}

// TestReadmeStarts: the program takes each command line that the README shows.
func TestReadmeStarts(t *testing.T) {
	unset := func(string) string { return "" }
	lines := regexp.MustCompile("go run ./functions/vetassist([^`\n]*)").FindAllStringSubmatch(readmeText(t), -1)
	for _, l := range lines {
		args := strings.Fields(l[1])
		if len(args) > 0 && slices.Contains([]string{"admin-password", "backup", "restore", "seed", "doctor", "nightly", "learn", "walkthrough", "attack", "workshop"}, args[0]) { // TestCommandLine runs these
			continue
		}
		if _, err := parseFlags(args, unset, io.Discard, io.Discard); err != nil {
			t.Errorf("%s: %v", l[0], err)
		}
	}
	if len(lines) < 4 {
		t.Errorf("only %d commands found", len(lines))
	}
}

// TestReadmeSettings holds the table of settings to the flags that the program parses and those that -h tells, and to
// the environment variables that it reads.
func TestReadmeSettings(t *testing.T) {
	unset := func(string) string { return "" }
	defaults, err := parseFlags(nil, unset, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var flags, variables []string
	for _, row := range readmeTable(t, "Flag", "Environment", "Default", "Meaning") {
		name, variable, value := row[0], row[1], row[2]
		if name != "" {
			flags = append(flags, name)
		}
		if variable != "" {
			variables = append(variables, variable)
		}
		if name == "-addr" || name == "-db" { // the other defaults are no values
			got, err := parseFlags([]string{name, value}, unset, io.Discard, io.Discard)
			if err != nil || !reflect.DeepEqual(got, defaults) {
				t.Errorf("%s %s is not the default: %+v %v", name, value, got, err)
			}
		}
		if name != "" && variable != "" {
			value := map[string]string{"-addr": "localhost:1", "-db": "x.db", "-base-url": "https://vet.example", "-trusted-proxies": "10.0.0.0/8",
				"-seed": "none", "-app-client-id": "chat", "-recorder": "on", "-token-life": "1m", "-durability": "full"}[name]
			byFlag, err := parseFlags([]string{name, value}, unset, io.Discard, io.Discard)
			set := func(asked string) string { return map[string]string{variable: value}[asked] }
			byVariable, err2 := parseFlags(nil, set, io.Discard, io.Discard)
			if err != nil || err2 != nil || !reflect.DeepEqual(byFlag, byVariable) || reflect.DeepEqual(byFlag, defaults) {
				t.Errorf("%s and %s have not the same meaning: %+v %v, %+v %v", name, variable, byFlag, err, byVariable, err2)
			}
		}
	}
	sameSet(t, "the README's flags", flags, parsedFlags(t))

	var help strings.Builder
	if _, err := parseFlags([]string{"-h"}, unset, &help, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^ +(-[a-z-]+)`).FindAllStringSubmatch(help.String(), -1) {
		told = append(told, m[1])
	}
	sameSet(t, "the flags that -h tells", told, flags)

	read := map[string]bool{}
	config.FromEnv(func(name string) string { read[name] = true; return "" })
	sameSet(t, "the README's environment variables", variables, slices.Collect(maps.Keys(read)))
}

// parsedFlags are the names of the flags that flags.go defines.
func parsedFlags(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "flags.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 4 { // f.StringVar(&x, "name", default, usage) and the like
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !strings.HasSuffix(method.Sel.Name, "Var") {
			return true
		}
		name, ok := call.Args[1].(*ast.BasicLit)
		if !ok {
			t.Fatalf("a flag's name is no literal")
		}
		text, err := strconv.Unquote(name.Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, "-"+text)
		return true
	})
	return names
}

// TestOneSetOfScopes: what the tools need, what the demo's policy knows and what the MCP server's metadata offers is the
// same; the authorization server offers the admin API's besides, and those that are no resource's: offline_access, openid and profile.
func TestOneSetOfScopes(t *testing.T) {
	w := newWorld(t)
	offered := func(path string) []string {
		var metadata struct {
			Scopes []string `json:"scopes_supported"`
		}
		if err := json.Unmarshal(w.send("GET", path, "").body, &metadata); err != nil {
			t.Fatal(err)
		}
		return metadata.Scopes
	}
	needed := slices.DeleteFunc(slices.Collect(maps.Values(rbac.Tools)), func(s string) bool { return s == rbac.AnyToken })
	slices.Sort(needed)
	needed = slices.Compact(needed)
	sameSet(t, "seed/policy.json", readPolicy(t, "policy.json").scopes(), needed)
	sameSet(t, "the MCP server's metadata", offered("/.well-known/oauth-protected-resource/mcp"), needed)
	all := append(needed, append(readPolicy(t, "admin.json").scopes(), "offline_access", "openid", "profile")...)
	sameSet(t, "the authorization server's metadata", offered("/.well-known/oauth-authorization-server"), all)
}
