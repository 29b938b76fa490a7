package diagram

import (
	"fmt"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// Markdown is the diagram, and below it every exchange with what was decided, the rules it obeys and the command that repeats it. base is
// the origin of our own parties, such as http://localhost:8080.
func Markdown(records []trace.Record, base string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", markdownText(Title(records)))
	if len(records) > 0 {
		fmt.Fprintf(&b, "Recorded on %s. Secrets are shortened.\n\n", records[0].Begin.Time.UTC().Format("2 January 2006 at 15:04:05 UTC"))
	}
	fmt.Fprintf(&b, "%s## Exchanges\n", fenced("mermaid", Mermaid(records)))
	byID := map[string]trace.Record{}
	for _, r := range records {
		byID[r.ID] = r
	}
	answered := map[string]int{} // number of the arrow of each answer
	steps := Steps(records)
	for _, s := range steps {
		if s.Part == Response {
			answered[s.Record] = s.N
		}
	}
	for _, s := range steps {
		if s.Part == Request {
			exchange(&b, byID[s.Record], s, answered[s.Record], base)
		}
	}
	return b.String()
}

// exchange writes a request with its answer, which may be many arrows later.
func exchange(b *strings.Builder, r trace.Record, s Step, answer int, base string) {
	fmt.Fprintf(b, "\n### %d. %s\n\n%s → %s\n\n", s.N, markdownText(s.Label), markdownText(laneOf(r.From)), markdownText(laneOf(r.To)))
	b.WriteString(fenced("http", message(r.Request, r.Request.Method+" "+r.Request.URL)))
	tokens(b, r.Request)
	for _, d := range r.Decisions {
		decision(b, d)
	}
	fmt.Fprintf(b, "Answer, arrow %d: %s\n\n", answer, markdownText(responseLabel(r)))
	if r.Response.Status != 0 {
		b.WriteString(fenced("http", message(r.Response, fmt.Sprint(r.Response.Status, " ", statusText(r.Response.Status)))))
	}
	tokens(b, r.Response)
	for _, rule := range Rules(r) {
		fmt.Fprintf(b, "- **%s** %s ([%s](%s))\n", markdownText(headline(rule.Title)), markdownText(rule.Sentence), markdownText(rule.Source), rule.URL)
	}
	b.WriteString("\nTo repeat it:\n\n" + fenced("sh", Curl(r, base)))
}

// headline ends in a full stop, or in a mark of its own.
func headline(title string) string {
	if strings.HasSuffix(title, "?") {
		return title
	}
	return title + "."
}

// message is a request or response as text, with its first line.
func message(m trace.Message, first string) string {
	var b strings.Builder
	b.WriteString(first + "\n")
	for _, h := range m.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	if m.Body != "" {
		b.WriteString("\n" + m.Body + "\n")
	}
	return b.String()
}

func tokens(b *strings.Builder, m trace.Message) {
	for _, t := range m.Tokens {
		fmt.Fprintf(b, "The token in `%s` says:\n\n| claim | value | meaning |\n|---|---|---|\n", strings.ReplaceAll(t.Where, "`", ""))
		for _, c := range ClaimsOf(t) {
			value := c.Value
			if c.Time != "" {
				value += " (" + c.Time + ")"
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", markdownText(c.Name), markdownText(value), markdownText(c.Meaning))
		}
		b.WriteString("\n")
	}
}

func decision(b *strings.Builder, d trace.Decision) {
	fmt.Fprintf(b, "**%s.** %s\n\n", markdownText(NoteLabel(d)), markdownText(d.Text))
	if len(d.Compared) > 0 {
		b.WriteString("| compared | wanted | got | |\n|---|---|---|---|\n")
		for _, c := range d.Compared {
			fits := "fits"
			if !c.OK {
				fits = "does not fit"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", markdownText(c.What), markdownText(c.Wanted), markdownText(c.Got), fits)
		}
		b.WriteString("\n")
	}
	if s := d.Sets; s != nil {
		b.WriteString("| requested | authorized for the client | allowed by the role | consented | granted |\n|---|---|---|---|---|\n")
		for _, set := range [][]string{s.Requested, s.Client, s.Role, s.Consent, s.Granted} {
			b.WriteString("| " + markdownText(strings.Join(set, ", ")) + " ")
		}
		b.WriteString("|\n\n")
	}
}

// fenced is a block of code, with a fence that is longer than any in the text (CommonMark §4.5).
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n\n"
}

// markdownText is a text of somebody else's as one line in which nothing is markup.
func markdownText(s string) string {
	return markdownEscapes.Replace(strings.Join(strings.Fields(s), " "))
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "|", `\|`, "#", `\#`,
	"!", `\!`, "~", `\~`)
