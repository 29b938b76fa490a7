package table

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
)

// MCPThreats are the headings of a security page that a threat stands below: those without smaller ones below them. Examples between
// fences have no headings.
func MCPThreats(page string) []string {
	type title struct {
		depth int
		text  string
	}
	var titles []title
	fenced := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		m := heading.FindStringSubmatch(strings.TrimSpace(line))
		if !fenced && m != nil && len(m[1]) <= 3 {
			titles = append(titles, title{len(m[1]), m[2]})
		}
	}
	var threats []string
	for i, t := range titles {
		if t.text != "Purpose and Scope" && (i+1 == len(titles) || titles[i+1].depth <= t.depth) {
			threats = append(threats, t.text)
		}
	}
	return threats
}

// ASVSRequirements are the ids and levels, as "ASVS-6.2.1 1", of the chapters V6 to V10 at levels 1 and 2, in the ASVS's own CSV file.
func ASVSRequirements(file string) ([]string, error) {
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, row := range rows[1:] {
		if len(row) != 7 {
			return nil, fmt.Errorf("not seven columns: %q", row)
		}
		if slices.Contains([]string{"V6", "V7", "V8", "V9", "V10"}, row[0]) && (row[6] == "1" || row[6] == "2") {
			all = append(all, "ASVS-"+strings.TrimPrefix(row[4], "V")+" "+row[6])
		}
	}
	return all, nil
}

// Listed are those of a source that threats.tsv lists: the headings of MCP's pages, or ids and levels of the ASVS.
func Listed(file, prefix string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		switch {
		case !strings.HasPrefix(line, prefix+"-") || len(fields) != 4:
		case prefix == "ASVS":
			all = append(all, fields[0]+" "+fields[1])
		default:
			all = append(all, fields[3])
		}
	}
	return all, nil
}
