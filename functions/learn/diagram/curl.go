package diagram

import "github.com/vetassist/vetassist/shared/trace"

// Curl is the shell command that repeats a request. Its secrets are variables, each with a line that says where to get it. base is the
// origin of our own parties, such as http://localhost:8080.
func Curl(r trace.Record, base string) string {
	return "curl -i -X " + r.Request.Method + " '" + base + r.Request.URL + "'\n"
}
