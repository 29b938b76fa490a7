package walkthrough

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	nothing = "–"       // in a cell of a variant that does not have this
	over    = "(ended)" // in one of a variant that ended before
)

// row is what one fact is for each variant.
type row struct {
	what  string
	cells []string
}

// rows puts the facts of all variants side by side, in the order in which they came, after what each of them asked for.
func (t Told) rows() []row {
	rows := []row{{what: "requests"}}
	if t.Name == cleanup.Name { // the same for every story, and no news
		rows = nil
	}
	for _, r := range t.Runs {
		for i, f := range r.Facts {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.what == f.What }) {
				at := len(rows)
				if i > 0 { // after the one that it came after
					at = 1 + slices.IndexFunc(rows, func(row row) bool { return row.what == r.Facts[i-1].What })
				}
				rows = slices.Insert(rows, at, row{what: f.What})
			}
		}
	}
	for i := range rows {
		for _, r := range t.Runs {
			cell := nothing
			if rows[i].what == "requests" && len(r.Exchanges) > 0 {
				cell = r.requests()
			}
			if at := slices.IndexFunc(r.Facts, func(f Fact) bool { return f.What == rows[i].what }); at >= 0 {
				cell = r.Facts[at].Value
			}
			if r.Ended != "" && len(r.Facts) == 0 && len(r.Exchanges) == 0 {
				cell = over
			}
			rows[i].cells = append(rows[i].cells, cell)
		}
	}
	return rows
}

// same is what all variants have that have not ended.
func (r row) same() (string, bool) {
	going := slices.DeleteFunc(slices.Clone(r.cells), func(c string) bool { return c == over })
	if len(going) == 0 || going[0] == nothing {
		return "", false
	}
	return going[0], !slices.ContainsFunc(going, func(c string) bool { return c != going[0] })
}

// requests is what went over the wire, one a line: a method and a path, and the status that came back.
func (r Run) requests() string {
	var lines []string
	for _, e := range r.Exchanges {
		path, _, _ := strings.Cut(e.URL, "?")
		lines = append(lines, fmt.Sprintf("%s %s %d", e.Method, path, e.Status))
	}
	return strings.Join(lines, "\n")
}

// table writes the rows: a column for each variant where they differ, one line where all are the same.
func (t Told) table(b *strings.Builder) {
	label := 0
	rows := t.rows()
	for _, r := range rows {
		label = max(label, utf8.RuneCountInString(r.what))
	}
	label = min(label, 26)
	column := (width - 2 - label) / len(t.Runs)
	line := func(what string, cells []string) {
		columns := [][]string{wrap(what, label)}
		for _, c := range cells {
			var lines []string
			for part := range strings.SplitSeq(c, "\n") {
				lines = append(lines, wrap(part, column-2)...)
			}
			columns = append(columns, lines)
		}
		height := 0
		for _, c := range columns {
			height = max(height, len(c))
		}
		for i := range height {
			out := "  "
			for n, c := range columns {
				cell, w := "", column
				if n == 0 {
					w = label
				} else {
					out += "  "
					w -= 2
				}
				if i < len(c) {
					cell = c[i]
				}
				out += cell + strings.Repeat(" ", max(0, w-utf8.RuneCountInString(cell)))
			}
			b.WriteString(strings.TrimRight(out, " ") + "\n")
		}
	}
	var names []string
	for _, r := range t.Runs {
		names = append(names, r.Variant)
	}
	line("", names)
	b.WriteString("  " + strings.Repeat("─", width-2) + "\n")
	for _, r := range rows {
		if all, same := r.same(); same {
			for i, text := range wrap("the same for all: "+strings.ReplaceAll(all, "\n", " · "), width-4-label) {
				what := r.what
				if i > 0 {
					what = ""
				}
				fmt.Fprintf(b, "  %-*s  %s\n", label, what, text)
			}
			continue
		}
		line(r.what, r.cells)
	}
	for _, r := range t.Runs {
		if r.See != "" { // in one piece, to be opened
			b.WriteString("  " + r.Variant + ": " + r.See + "\n")
		}
		if r.Ended != "" {
			put(b, "  ", r.Variant+" ended: "+r.Ended)
		}
	}
}
