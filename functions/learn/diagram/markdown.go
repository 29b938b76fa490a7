package diagram

import "github.com/vetassist/vetassist/shared/trace"

// Markdown is the diagram with what each step said. base is the origin of our own parties, such as http://localhost:8080.
func Markdown(records []trace.Record, base string) string {
	return "# " + Title(records) + "\n\n```mermaid\n" + Mermaid(records) + "```\n"
}
