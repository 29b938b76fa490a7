package diagram

import (
	"fmt"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// Mermaid is the diagram as text for https://mermaid.js.org/syntax/sequenceDiagram.html.
func Mermaid(records []trace.Record) string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n    autonumber\n")
	for _, lane := range Lanes(records) {
		kind := "participant"
		if lane.Party == trace.Browser {
			kind = "actor"
		}
		fmt.Fprintf(&b, "    %s %s as %s\n", kind, lane.Party, mermaidText(lane.Title))
	}
	for _, s := range Steps(records) {
		switch {
		case s.Kind == Note:
			fmt.Fprintf(&b, "    Note over %s: %s\n", s.To, mermaidText(s.Label))
		case s.Dashed && s.Failed:
			fmt.Fprintf(&b, "    %s--x%s: %s\n", s.From, s.To, mermaidText(s.Label))
		case s.Dashed:
			fmt.Fprintf(&b, "    %s-->>%s: %s\n", s.From, s.To, mermaidText(s.Label))
		default:
			fmt.Fprintf(&b, "    %s->>%s: %s\n", s.From, s.To, mermaidText(s.Label))
		}
	}
	return b.String()
}

// mermaidText writes what Mermaid would read as syntax as entities: the end of a statement, a comment, an entity, and HTML.
func mermaidText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return mermaidEscapes.Replace(s)
}

var mermaidEscapes = strings.NewReplacer("#", "#35;", ";", "#59;", "<", "#lt;", ">", "#gt;", "&", "#amp;", `"`, "#quot;", "%", "#37;", "`", "#96;", "$", "#36;", "\\", "#92;", "{", "#123;", "}", "#125;")
