package diagram

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/trace"
)

var (
	quoted    = regexp.MustCompile(`'[^']*'`)
	reference = regexp.MustCompile(`"\$[A-Z_][A-Z0-9_]*"`)
	bare      = regexp.MustCompile(`^[a-zA-Z \n\\-]*$`)
	statement = regexp.MustCompile(`^    (?:sequenceDiagram|autonumber|(?:actor|participant) [a-z]+ as [^;<>{}%"]*|[a-z]+(?:->>|-->>|--x)[a-z]+: [^;<>{}%"]*|Note over [a-z]+: [^;<>{}%"]*)$`)
	entity    = regexp.MustCompile(`#(?:[0-9]+|[a-z]+);`)
)

// FuzzExports: whatever a stranger sent, it stays text: in a command nothing but quoted words and variables, in a diagram one statement a line.
func FuzzExports(f *testing.F) {
	f.Add("POST", "/mcp?a='b…", "X'\n", "'; touch x; '…", `{"method":"tools/call","params":{"name":"a;b\n%%"}}`, jsonType)
	f.Add("GET", "/oauth/token?code=…&$(id)=…", "Cookie", "a\nb=…; c`d`", "a'b=…&c=\n", formType)
	f.Add("$(id)", "/`id`", "Authorization", "$(id) x…", `{"a'$(id)\n": "x…", "…":"…"`, jsonType)
	f.Add("POST", "/chat", "A", "b", "message=%0A", formType)
	f.Add(" ", "\u2003", "", "b", "", "")
	f.Fuzz(func(t *testing.T, method, address, name, value, body, bodyType string) {
		r := with(exchangeOf("a", "", trace.Client, trace.MCP, 1, 2, "GET /"), body, bodyType, 200, body, bodyType, name, value, "Location", address, "Www-Authenticate", value)
		r.Request.Method, r.Request.URL, r.Name = method, address, name
		r.Request.Headers = []trace.Header{{Name: name, Value: value}}
		for _, r.To = range []trace.Party{trace.MCP, trace.OAuth, trace.App, trace.Outside} {
			records := []trace.Record{r}
			command := Curl(r, "http://localhost:8080")
			for strings.HasPrefix(command, "# ") {
				_, command, _ = strings.Cut(command, "\n")
			}
			command = strings.ReplaceAll(command, `'\''`, "")
			if left := reference.ReplaceAllString(quoted.ReplaceAllString(command, ""), ""); !strings.HasPrefix(left, "curl -i") || !bare.MatchString(left) {
				t.Fatalf("the shell reads %q in\n%s", left, Curl(r, "http://localhost:8080"))
			}
			for i, line := range strings.Split(strings.TrimSuffix(Mermaid(records), "\n"), "\n") {
				if i > 0 && !statement.MatchString(entity.ReplaceAllString(line, "")) {
					t.Fatalf("%q is no statement of a diagram", line)
				}
			}
			if _, err := HAR(records, "http://localhost:8080"); err != nil {
				t.Fatal(err)
			}
			if Markdown(records, "http://localhost:8080") == "" || Title(records) == "" {
				t.Fatal("nothing")
			}
			Compare(records, records)
		}
	})
}
