package walkthrough

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const width = 110 // of a line, in characters

// Intro writes what a step is about, before it happens.
func Intro(w io.Writer, t Told) error {
	var b strings.Builder
	if t.N == 1 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d/%d  %s\n", t.N, t.Of, t.Title)
	for _, line := range wrap(t.Why, width-2) {
		b.WriteString("  " + line + "\n")
	}
	if t.Rule != "" {
		fmt.Fprintf(&b, "  (%s)\n", t.Rule)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Outcome writes what became of a step: of one variant all that went over the wire, of several a table of what is the same and what differs.
func Outcome(w io.Writer, t Told) error {
	var b strings.Builder
	if len(t.Runs) == 1 && t.Runs[0].Variant == "" {
		for _, e := range t.Runs[0].Exchanges {
			if t.Name != cleanup.Name || !t.OK {
				e.write(&b)
			}
		}
		for _, f := range t.Runs[0].Facts {
			lines := wrap(f.What+": "+f.Value, width-6)
			b.WriteString("  = " + strings.Join(lines, "\n    ") + "\n")
		}
	} else {
		t.table(&b)
	}
	if !t.OK {
		fmt.Fprintf(&b, "\n  THIS IS NOT AS IT SHOULD BE\n  expected  %s\n  got       %s\n", t.Wanted, t.Got)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// write shows an exchange: > what was sent, < what came back.
func (e Exchange) write(b *strings.Builder) {
	address, query, _ := strings.Cut(e.URL, "?")
	fmt.Fprintf(b, "  %s\n  > %s %s\n", e.By, e.Method, address)
	for _, h := range e.Headers {
		put(b, "  > ", h)
	}
	if query != "" {
		if strings.HasSuffix(address, "/authorize") && e.Method == "GET" {
			putPairs(b, "  >   ", query)
		} else {
			b.WriteString("  >   ?…\n")
		}
	}
	switch {
	case e.Body != "" && !strings.HasPrefix(e.Body, "{"):
		putPairs(b, "  >   ", e.Body)
	case e.Body != "":
		put(b, "  > ", e.Body)
	}
	if e.Status == 0 {
		b.WriteString("  < no answer\n\n")
		return
	}
	fmt.Fprintf(b, "  < %d\n", e.Status)
	for _, h := range e.Answered {
		if to, found := strings.CutPrefix(h, "Location: "); found && !strings.Contains(to, "code=") && !strings.Contains(to, "error=") {
			address, query, _ := strings.Cut(to, "?")
			if h = "Location: " + address; query != "" {
				h += "?…"
			}
		}
		put(b, "  < ", h)
	}
	if e.Answer != "" {
		put(b, "  < ", e.Answer)
	}
	b.WriteString("\n")
}

func put(b *strings.Builder, prefix, text string) {
	for _, line := range wrap(text, width-len(prefix)) {
		b.WriteString(prefix + line + "\n")
	}
}

// putPairs writes a form, or a query, with one parameter a line.
func putPairs(b *strings.Builder, prefix, form string) {
	for pair := range strings.SplitSeq(form, "&") {
		put(b, prefix, pair)
	}
}

// wrap breaks a text into lines, at blanks where there are some.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		for utf8.RuneCountInString(word) > width { // an address longer than a line
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := string([]rune(word)[:width])
			if i := strings.LastIndexAny(head, "/-_&"); i > len(head)/2 { // better there than anywhere
				head = head[:i+1]
			}
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
