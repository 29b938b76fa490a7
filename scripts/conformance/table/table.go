// Package table holds scripts/conformance/README.md to its word: a row for every requirement of the MCP authorization pages, and behind
// each row a test that exists, ran and passed, or a reason.
//
// What the specification requires is in requirements.tsv, which scripts/conformance/extract makes from the pages themselves. The test of
// this package compares it with the README and looks for the tests in their source; scripts/conformance/ran reads from the output of
// "go test -v" that they passed, as step test of scripts/check does.
package table

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Row of the README answers one requirement.
type Row struct {
	Requirement          // id, word and section, as the README has them
	Heading     string   // the link of the heading above it
	Says        string   // the requirement in short
	Parties     []string // who must, or Nobody
	Tests       []Test   // what proves it, or what a reason speaks of
	Reason      string   // why nothing has to
	Done        bool     // false: we could, and the reason says why we do not
}

// A Test is named `functions/mcp.TestBadTokens/expired`.
type Test struct{ Package, Name string }

func (t Test) String() string { return t.Package + "." + t.Name }

// Func is the function of a test or, for a subtest, of the test that it is part of.
func (t Test) Func() string {
	name, _, _ := strings.Cut(t.Name, "/")
	return name
}

// Nobody is the party of a requirement for something that is not here.
const Nobody = "nobody here"

// Parties are who may have to do something, in the order of the README.
var Parties = []string{"authorization server", "MCP server", "MCP client", Nobody}

const (
	doesNotApply = "does not apply: "
	notDone      = "not done: "
)

var (
	section  = regexp.MustCompile(`^##+ \[.+\]\((.+)\)$`)
	testName = regexp.MustCompile("`((?:functions|shared|scripts|seed)[a-z0-9/]*)\\.((?:Test|Fuzz)[^`]*)`")
)

// Parse reads the rows of the README.
func Parse(readme string) ([]Row, error) {
	var rows []Row
	heading := ""
	for line := range strings.Lines(readme) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			heading = ""
			if m := section.FindStringSubmatch(line); m != nil {
				heading = m[1]
			}
			continue
		}
		if !isRow(line) {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 {
			return nil, fmt.Errorf("not five cells: %s", line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		row := Row{Heading: heading, Says: cells[2], Parties: strings.Split(cells[3], ", "), Done: true}
		row.ID, row.Level = cells[0], cells[1]
		if err := row.proof(cells[4]); err != nil {
			return nil, fmt.Errorf("%s: %w", row.ID, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func isRow(line string) bool {
	return slices.ContainsFunc(Pages, func(p Page) bool { return strings.HasPrefix(line, "| "+p.Prefix+"-") })
}

func (r *Row) proof(cell string) error {
	var reason bool
	for _, m := range testName.FindAllStringSubmatch(cell, -1) {
		r.Tests = append(r.Tests, Test{m[1], m[2]})
	}
	if r.Reason, reason = strings.CutPrefix(cell, doesNotApply); reason {
		return nil
	}
	if r.Reason, reason = strings.CutPrefix(cell, notDone); reason {
		r.Done = false
		return nil
	}
	r.Reason = ""
	if rest := strings.Trim(testName.ReplaceAllString(cell, ""), " "); rest != "" {
		return fmt.Errorf("%q is neither a test nor a reason that begins with %q or %q", rest, doesNotApply, notDone)
	}
	return nil
}

// Check compares the rows with the list and says, a line each, what is wrong with them.
func Check(rows []Row, list List) []string {
	var wrong []string
	say := func(id, format string, args ...any) { wrong = append(wrong, id+": "+fmt.Sprintf(format, args...)) }
	required := map[string]Requirement{}
	for _, r := range list.Requirements {
		required[r.ID] = r
	}
	seen := map[string]bool{}
	for _, r := range rows {
		switch want, ok := required[r.ID]; {
		case seen[r.ID]:
			say(r.ID, "has two rows")
		case !ok:
			say(r.ID, "is no requirement of the pages")
		case r.Level != want.Level:
			say(r.ID, "says %s, and the specification %s", r.Level, want.Level)
		case r.Heading != want.Link():
			say(r.ID, "stands below %q, not %q", r.Heading, want.Link())
		}
		seen[r.ID] = true
		if r.Says == "" {
			say(r.ID, "the requirement is not said")
		}
		for _, p := range r.Parties {
			if !slices.Contains(Parties, p) {
				say(r.ID, "%q is no party", p)
			}
		}
		nobody := slices.Contains(r.Parties, Nobody)
		switch {
		case len(r.Tests) == 0 && strings.Trim(r.Reason, " .") == "":
			say(r.ID, "there is neither a test nor a reason")
		case nobody && (len(r.Parties) > 1 || r.Reason == ""):
			say(r.ID, "it is nobody's, and no reason says why")
		case !r.Done && strings.Contains(r.Level, "MUST"):
			say(r.ID, "what MUST be done cannot be left")
		}
	}
	for _, r := range list.Requirements {
		if !seen[r.ID] {
			say(r.ID, "has no row: %s", r.Words)
		}
	}
	return wrong
}

// Counts is the table at the head of the README: how many requirements of which word each party has, and what became of them.
func Counts(rows []Row) string {
	columns := []string{"MUST", "SHOULD", "MAY"}
	var b strings.Builder
	b.WriteString("| Party | " + strings.Join(columns, " | ") + " | proved by tests | does not apply | not done |\n|---|---|---|---|---|---|---|\n")
	line := func(title string, has func(Row) bool) {
		var count [6]int
		for _, r := range rows {
			if !has(r) {
				continue
			}
			switch {
			case strings.Contains(r.Level, "MUST"):
				count[0]++
			case strings.Contains(r.Level, "SHOULD"):
				count[1]++
			default:
				count[2]++
			}
			switch {
			case r.Reason == "":
				count[3]++
			case r.Done:
				count[4]++
			default:
				count[5]++
			}
		}
		fmt.Fprintf(&b, "| %s |", title)
		for _, n := range count {
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteString("\n")
	}
	for _, p := range Parties {
		line(p, func(r Row) bool { return slices.Contains(r.Parties, p) })
	}
	line("**all rows**", func(Row) bool { return true })
	return b.String()
}
