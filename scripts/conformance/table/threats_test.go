package table

import (
	"os"
	"strings"
	"testing"
)

// TestThreats is the promise of SECURITY.md: no threat of the sources is left out, and behind each is a test that exists, or a reason.
// That the tests also ran and passed, scripts/check sees.
func TestThreats(t *testing.T) {
	text, err := os.ReadFile("../threats.md")
	if err != nil {
		t.Fatal(err)
	}
	threats, err := ParseThreats(string(text))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ThreatList("threats.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range CheckThreats(threats, list) {
		t.Error(line)
	}
	sources := NewSources("../../..")
	for _, r := range threats {
		for _, test := range r.Tests {
			if wrong := sources.Wrong(test); wrong != "" {
				t.Errorf("%s: %s: %s", r.ID, test, wrong)
			}
		}
	}
	security, err := os.ReadFile("../../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{"threats.md": string(text), "SECURITY.md": string(security)} {
		if !strings.Contains(page, ThreatCounts(threats)) {
			t.Errorf("%s does not count as we do:\n%s", name, ThreatCounts(threats))
		}
	}
}

// The sources were counted by hand once; whoever shortens the list has to change this, too.
func TestThreatList(t *testing.T) {
	list, err := ThreatList("threats.tsv")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, id := range list {
		prefix, number, _ := strings.Cut(id, "-")
		if prefix == "ASVS" {
			chapter, _, _ := strings.Cut(number, ".")
			prefix += " V" + chapter
		}
		count[prefix]++
	}
	for prefix, want := range map[string]int{"MCP": 22, "BCP": 28, "TM": 51, "ASVS V6": 35, "ASVS V7": 18, "ASVS V8": 7, "ASVS V9": 7, "ASVS V10": 29} {
		if count[prefix] != want {
			t.Errorf("%s: %d in the list, and %d in the source", prefix, count[prefix], want)
		}
	}
}

// A check is worth what it finds.
func TestCheckThreats(t *testing.T) {
	list := []string{"BCP-4.1", "ASVS-6.2.1"}
	const first, second = "| BCP-4.1 | Do it | So | `functions/mcp.TestX/a_b` |\n", "| ASVS-6.2.1 | Be it | Not so | accepted: it is not worth it. |\n"
	for _, c := range []struct{ name, text, want string }{
		{"all is well", first + second, ""},
		{"does not apply, with a test beside", first + strings.Replace(second, "accepted: it", "does not apply: `functions/mcp.TestX` it", 1), ""},
		{"a row is missing", first, "ASVS-6.2.1: has no row"},
		{"a row twice", first + first + second, "BCP-4.1: has two rows"},
		{"a row too many", first + second + strings.Replace(first, "4.1", "4.99", 1), "BCP-4.99: is in none of the sources"},
		{"another order", second + first, "the rows are not in the order"},
		{"no proof", strings.Replace(first, "`functions/mcp.TestX/a_b`", "", 1) + second, "BCP-4.1: there is neither"},
		{"an empty reason", first + strings.Replace(second, "it is not worth it", "", 1), "ASVS-6.2.1: there is neither"},
		{"a reason that is only a test", first + strings.Replace(second, "it is not worth it", "`functions/mcp.TestX`", 1), "ASVS-6.2.1: there is neither"},
		{"no defence", strings.Replace(first, "So", "", 1) + second, "BCP-4.1: the threat or the defence"},
	} {
		t.Run(c.name, func(t *testing.T) {
			threats, err := ParseThreats(c.text)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(CheckThreats(threats, list), "\n")
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for _, bad := range []string{strings.Replace(first, "`functions/mcp.TestX/a_b`", "surely", 1), strings.Replace(first, "| So", "", 1)} {
		if _, err := ParseThreats(bad); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

// TestThreatSources is how the sources are read. Their own words are not here.
func TestThreatSources(t *testing.T) {
	const page = "---\ntitle: x\n---\n\n## Introduction\n\n### Purpose and Scope\n\n## Attacks\n\n### One\n\n#### Mitigation\n\n```bash\n# Not this\n```\n\n### Two\n\n## Three\n"
	if got := strings.Join(MCPThreats(page), ", "); got != "One, Two, Three" {
		t.Errorf("headings: %s", got)
	}
	const file = "\ufeffchapter_id,chapter_name,section_id,section_name,req_id,req_description,L\n" +
		"V5,Files,V5.1,A,V5.1.1,\"Not, this\",1\nV6,Authentication,V6.1,B,V6.1.1,This,1\nV10,OAuth,V10.2,C,V10.2.3,Too strict,3\nV10,OAuth,V10.2,C,V10.2.4,This,2\n"
	got, err := ASVSRequirements(file)
	if err != nil || strings.Join(got, ", ") != "ASVS-6.1.1 1, ASVS-10.2.4 2" {
		t.Errorf("requirements: %q %v", got, err)
	}
	if _, err := ASVSRequirements("a,b\n1,2\n"); err == nil {
		t.Error("another file is taken for the ASVS")
	}
}
