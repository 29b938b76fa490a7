package doctor

import (
	"fmt"
	"io"
	"strings"
)

const width = 110 // columns of a line

// WriteText writes the report for people: outcomes as words, so that it needs no colour.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Examining %s\n", r.URL)
	part := ""
	for _, f := range r.Findings {
		if f.Part != part {
			part = f.Part
			fmt.Fprintf(&b, "\n%s\n", part)
		}
		paragraph(&b, fmt.Sprintf("  %-8s", f.Outcome), strings.ReplaceAll(f.Looked, r.URL, "")+": "+f.Reason)
		if f.Outcome != OK {
			if f.Rule != "" {
				paragraph(&b, "          Rule: ", f.Rule)
			}
			paragraph(&b, "          Mend: ", f.Mend)
		}
	}
	b.WriteByte('\n')
	switch {
	case r.Wrong > 0:
		fmt.Fprintf(&b, "%s wrong, %s, of %s. Each has its mend below it.\n", things(r.Wrong, "is", "are"), count(r.Warnings, "warning"), count(len(r.Findings), "finding"))
	case r.Warnings > 0:
		fmt.Fprintf(&b, "Nothing is wrong; %s, of %s.\n", count(r.Warnings, "warning"), count(len(r.Findings), "finding"))
	default:
		fmt.Fprintf(&b, "Nothing is wrong; %s looked at.\n", things(len(r.Findings), "was", "were"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func things(n int, one, many string) string {
	if n == 1 {
		return "1 thing " + one
	}
	return fmt.Sprintf("%d things %s", n, many)
}

// paragraph writes words in lines of at most width columns, behind a label.
func paragraph(b *strings.Builder, label, text string) {
	indent := "\n" + strings.Repeat(" ", len(label))
	b.WriteString(label)
	at := len(label)
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && at+1+n > width:
			b.WriteString(indent)
			at = len(label)
		case i > 0:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
}
