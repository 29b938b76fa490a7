package attack

import (
	"fmt"
	"io"
	"strings"

	"github.com/vetassist/vetassist/shared/attacks"
)

const width = 110

// WriteText tells a person of one attack.
func (r Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%2d  %s\n", r.Number, r.Title)
	paragraph(&b, r.ID, r.Story)
	for _, f := range r.Findings {
		paragraph(&b, string(f.Outcome), f.Tried+": "+f.Said)
	}
	if r.Why != "" {
		paragraph(&b, string(r.Outcome), r.Why)
	}
	paragraph(&b, "the rule", r.Rule.Section+": "+r.Rule.Sentence+" "+r.Rule.URL)
	paragraph(&b, "without it", r.Otherwise)
	for _, e := range r.Exchanges {
		b.WriteString("\n" + indent("> ", e.Request) + indent("< ", e.Answer))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// paragraph writes text beside a word, in lines.
func paragraph(b *strings.Builder, word, text string) {
	const margin = 4 + 23
	line := fmt.Sprintf("    %-22s", word)
	for part := range strings.FieldsSeq(text) {
		if len([]rune(line))+1+len([]rune(part)) > margin+width && strings.TrimSpace(line) != "" {
			fmt.Fprintln(b, strings.TrimRight(line, " "))
			line = strings.Repeat(" ", margin-1)
		}
		line += " " + part
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

func indent(with, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + with + line)
	}
	return b.String()
}

// WriteSummary tells how it ended, and names what was not refused.
func (r Report) WriteSummary(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d attacks at %s: %d refused, %d succeeded, %d failed, %d not tried.\n", len(r.Results), r.URL, r.Counts[Refused], r.Counts[Succeeded], r.Counts[Failed], r.Counts[NotTried])
	for _, outcome := range []Outcome{Succeeded, Failed, NotTried} {
		for _, x := range r.Results {
			if x.Outcome != outcome {
				continue
			}
			why := x.Why
			for _, f := range x.Findings {
				if f.Outcome == Succeeded {
					why = f.Tried + ": " + f.Said
				}
			}
			paragraph(&b, string(outcome), x.ID+": "+why)
		}
	}
	for _, left := range r.Left {
		paragraph(&b, "left behind", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteList writes the catalogue, a line each.
func WriteList(w io.Writer) error {
	var b strings.Builder
	theme := ""
	for i, a := range attacks.All() {
		if a.Theme != theme {
			theme = a.Theme
			fmt.Fprintf(&b, "%s\n", theme)
		}
		fmt.Fprintf(&b, "%4d  %-22s %s\n", i+1, a.ID, a.Title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
