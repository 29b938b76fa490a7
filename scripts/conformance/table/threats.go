package table

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A Threat is a row of threats.md: what somebody could do, or what the ASVS asks for, and what is done about it.
type Threat struct {
	Row     // id, what it says, and its proof; Done is false where a risk is accepted
	Defence string
}

// ThreatSources are the texts that threats.md answers, by the prefix of their ids, in its order.
var ThreatSources = []struct{ Prefix, Name string }{
	{"MCP", "MCP 2026-07-28, its two security pages"}, {"BCP", "RFC 9700, §2 and §4"}, {"TM", "RFC 6819, §4"}, {"ASVS", "OWASP ASVS 5.0, V6 to V10, levels 1 and 2"},
}

const accepted = "accepted: "

var threatID = regexp.MustCompile(`^\| ((?:MCP|BCP|TM|ASVS)-[0-9.]+) \|`)

// ParseThreats reads the rows of threats.md.
func ParseThreats(text string) ([]Threat, error) {
	var threats []Threat
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		m := threatID.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 {
			return nil, fmt.Errorf("not four cells: %s", line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		t := Threat{Row: Row{Says: cells[1], Done: true}, Defence: cells[2]}
		t.ID = m[1]
		proof, isAccepted := strings.CutPrefix(cells[3], accepted)
		if isAccepted {
			proof = notDone + proof
		}
		if err := t.proof(proof); err != nil {
			return nil, fmt.Errorf("%s: %w", t.ID, err)
		}
		threats = append(threats, t)
	}
	return threats, nil
}

// ThreatList are the ids that threats.tsv holds: of every threat and requirement of the sources.
func ThreatList(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var ids []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s: not four fields: %q", file, lines.Text())
		}
		ids = append(ids, fields[0])
	}
	return ids, lines.Err()
}

// CheckThreats says, a line each, what is wrong with the rows: each id of the list has one, in the list's order.
func CheckThreats(threats []Threat, list []string) []string {
	var wrong []string
	seen := map[string]bool{}
	var order []string
	for _, t := range threats {
		switch {
		case seen[t.ID]:
			wrong = append(wrong, t.ID+": has two rows")
		case !slices.Contains(list, t.ID):
			wrong = append(wrong, t.ID+": is in none of the sources")
		}
		seen[t.ID] = true
		order = append(order, t.ID)
		if t.Says == "" || t.Defence == "" {
			wrong = append(wrong, t.ID+": the threat or the defence is not said")
		}
		if reason := strings.Trim(testName.ReplaceAllString(t.Reason, ""), " ."); len(t.Tests) == 0 && reason == "" || t.Reason != "" && reason == "" {
			wrong = append(wrong, t.ID+": there is neither a test nor a reason")
		}
	}
	for _, id := range list {
		if !seen[id] {
			wrong = append(wrong, id+": has no row")
		}
	}
	if wrong == nil && !slices.Equal(order, list) {
		wrong = append(wrong, "the rows are not in the order of the sources")
	}
	return wrong
}

// ThreatCounts is the table at the head of threats.md, which SECURITY.md shows too.
func ThreatCounts(threats []Threat) string {
	var b strings.Builder
	b.WriteString("| Source | rows | proved by tests | does not apply | accepted |\n|---|---|---|---|---|\n")
	line := func(name string, has func(Threat) bool) {
		var all, proved, none, open int
		for _, t := range threats {
			switch {
			case !has(t):
				continue
			case t.Reason == "":
				proved++
			case t.Done:
				none++
			default:
				open++
			}
			all++
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, all, proved, none, open)
	}
	for _, s := range ThreatSources {
		line(s.Name, func(t Threat) bool { return strings.HasPrefix(t.ID, s.Prefix+"-") })
	}
	line("**all rows**", func(Threat) bool { return true })
	return b.String()
}

// ThreatRows are the rows as Failed wants them.
func ThreatRows(threats []Threat) []Row {
	rows := make([]Row, len(threats))
	for i, t := range threats {
		rows[i] = t.Row
	}
	return rows
}
