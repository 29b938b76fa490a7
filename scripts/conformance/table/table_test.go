package table

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestReadme is the promise: every requirement of the specification has a row, and behind each row is a test that exists, or a reason.
// That the tests also ran and passed, scripts/check sees.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Parse(string(readme))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadList("requirements.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range Check(rows, list) {
		t.Error(line)
	}
	sources := NewSources("../../..")
	for _, r := range rows {
		for _, test := range r.Tests {
			if wrong := sources.Wrong(test); wrong != "" {
				t.Errorf("%s: %s: %s", r.ID, test, wrong)
			}
		}
	}
	if !strings.Contains(string(readme), Counts(rows)) {
		t.Errorf("the README does not count as we do:\n%s", Counts(rows))
	}
	if !strings.Contains(string(readme), list.Commit) {
		t.Errorf("the README does not name the commit %s", list.Commit)
	}
}

// A check is worth what it finds.
func TestCheck(t *testing.T) {
	list := List{Requirements: []Requirement{{ID: "AUTH-1", Level: "MUST", Section: "overview"}, {ID: "AUTH-2", Level: "MAY", Section: "overview"}}}
	heading := "### [Overview](" + Pages[0].URL + "#overview)\n"
	const first, second = "| AUTH-1 | MUST | Do it | MCP server | `functions/mcp.TestX/a_b` |\n", "| AUTH-2 | MAY | Or this | MCP client, MCP server | not done: it is not worth it. |\n"
	for _, c := range []struct{ name, readme, want string }{
		{"all is well", heading + first + second, ""},
		{"a row is missing", heading + first, "AUTH-2: has no row"},
		{"a row too many", heading + first + second + strings.Replace(second, "AUTH-2", "AUTH-3", 1), "AUTH-3: is no requirement"},
		{"a row twice", heading + first + first + second, "AUTH-1: has two rows"},
		{"below another heading", first + second, "AUTH-1: stands below"},
		{"another word", heading + first + strings.Replace(second, "MAY", "MUST", 1), "AUTH-2: says MUST"},
		{"no proof", heading + strings.Replace(first, "`functions/mcp.TestX/a_b`", "", 1) + second, "AUTH-1: there is neither"},
		{"an empty reason", heading + first + strings.Replace(second, "it is not worth it", "", 1), "AUTH-2: there is neither"},
		{"a MUST that is not done", heading + strings.Replace(first, "`functions/mcp.TestX/a_b`", "not done: too hard", 1) + second, "AUTH-1: what MUST"},
		{"a stranger", heading + strings.Replace(first, "MCP server", "proxy", 1) + second, `AUTH-1: "proxy" is no party`},
		{"nobody proves it", heading + strings.Replace(first, "MCP server", Nobody, 1) + second, "AUTH-1: it is nobody's"},
		{"nobody, with a reason that names a test", heading + strings.Replace(first, "MCP server | ", Nobody+" | does not apply: others do, see ", 1) + second, ""},
		{"nothing said", heading + strings.Replace(first, "Do it", "", 1) + second, "AUTH-1: the requirement is not said"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := Parse(c.readme)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(Check(rows, list), "\n")
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for _, bad := range []string{strings.Replace(first, "`functions/mcp.TestX/a_b`", "surely", 1), strings.Replace(first, "| MUST", "", 1)} {
		if _, err := Parse(heading + bad); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

func TestSources(t *testing.T) {
	sources := NewSources("../../..")
	for test, want := range map[Test]string{
		{"scripts/conformance/table", "TestSources/anything"}:       "",
		{"scripts/conformance/table", "TestNothing"}:                "there is no such test",
		{"scripts/conformance/nowhere", "TestSources"}:              "there is no package scripts/conformance/nowhere",
		{"scripts/conformance/table", "testThatCannotBeReached"}:    "there is no such test",
		{"scripts/conformance/table/testdata/skipping", "TestSkip"}: "it may skip itself",
	} {
		if got := sources.Wrong(test); got != want {
			t.Errorf("%s: %q, want %q", test, got, want)
		}
	}
}

func TestFailed(t *testing.T) {
	const output = `=== RUN   TestA
=== RUN   TestA/one_thing
--- PASS: TestA (0.00s)
    --- PASS: TestA/one_thing (0.00s)
    --- SKIP: TestA/another (0.00s)
PASS
ok  	github.com/vetassist/vetassist/functions/mcp	0.123s
--- FAIL: TestB (1.50s)
FAIL
FAIL	github.com/vetassist/vetassist/functions/app	1.6s
?   	github.com/vetassist/vetassist/seed	[no test files]
--- PASS: TestC (0.00s)
`
	row := func(id, pkg, name string) Row {
		return Row{Requirement: Requirement{ID: id}, Tests: []Test{{pkg, name}}}
	}
	got, err := Failed([]Row{
		row("AUTH-1", "functions/mcp", "TestA"), row("AUTH-2", "functions/mcp", "TestA/one_thing"), row("AUTH-3", "functions/mcp", "TestA/another"),
		row("AUTH-4", "functions/app", "TestB"), row("AUTH-5", "functions/app", "TestA"), row("AUTH-6", "functions/mcp", "TestC"), {},
	}, strings.NewReader(output))
	want := []string{"AUTH-3: functions/mcp.TestA/another was skipped", "AUTH-4: functions/app.TestB failed",
		"AUTH-5: functions/app.TestA did not run", "AUTH-6: functions/mcp.TestC did not run"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q %v", got, err)
	}
}

// TestExtract is how sentences are found. The words of the pages themselves are not here.
func TestExtract(t *testing.T) {
	const page = `---
title: It MUST not count
---

It **MUST** do this, e.g. [Here](https://a.example/MUST). It may
rest. But it **MUST
NOT** rest for ever.

## Lists & more

Clients **MUST**:

- Do one thing. And its second
  half
  - with a part

- **SHOULD** do another

Servers **SHOULD** do as follows:

1. First

   Later.
2. Second

Then nothing. All of this is OPTIONAL.

` + "```\nexamples MUST not count\n```" + `

### Rows

It **MUST** be so:

| a  | b  |
|----|----|
| 1  | 2  |

<Note>
  Notes **MAY** be long.
</Note>

## Twice

### Mitigation

MUST one.

## Again

### Mitigation

MUST two.
`
	found, words, err := Extract(page)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range found {
		got = append(got, r.Level+" #"+r.Section+" "+r.Text())
	}
	want := []string{
		"MUST # It MUST do this, e.g. Here.", "MUST NOT # But it MUST NOT rest for ever.",
		"MUST #lists--more Clients MUST: Do one thing. And its second half - with a part", "SHOULD #lists--more Clients MUST: SHOULD do another",
		"SHOULD #lists--more Servers SHOULD do as follows:", "SHOULD #lists--more Servers SHOULD do as follows: First\nLater.", "SHOULD #lists--more Servers SHOULD do as follows: Second",
		"OPTIONAL #lists--more All of this is OPTIONAL.",
		"MUST #rows It MUST be so:", "MUST #rows It MUST be so: 1 · 2", "MAY #rows Notes MAY be long.", "MUST #twice MUST one.", "MUST #again MUST two.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if words != 10 {
		t.Errorf("%d words", words)
	}
	if _, _, err := Extract("It MUST.\n\nIt MUST.\n"); err == nil {
		t.Error("two requirements that nothing tells apart")
	}
}

// TestNumbers: ids stay with their sentences, and numbers are given once.
func TestNumbers(t *testing.T) {
	extract := func(page string, old List) List {
		found, _, err := Extract(page)
		if err != nil {
			t.Fatal(err)
		}
		return List{Requirements: numbered("AUTH", found, old)}
	}
	old := extract("# A\n\nMUST a. MUST b. MUST c.\n", List{})
	fresh := extract("# A\n\nMUST new. MUST c.\n\n# B\n\nMUST a.\n", old)
	got := Differences(old, fresh)
	want := []string{"new: AUTH-4 MUST #a: MUST new.", "moved: AUTH-1 MUST #b, was MUST #a", "gone: AUTH-2 MUST #a: MUST b."}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if lines := Differences(old, old); lines != nil {
		t.Errorf("different from itself: %q", lines)
	}
}
