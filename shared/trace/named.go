package trace

import "strings"

// ends are how the names of members end that namePattern and htmlPattern look for.
var ends = []string{`html"`, `secret"`, `password"`, `token"`, `code"`, `assertion"`, `verifier"`, `complete"`, `state"`}

// named tells whether JSON can hold such a member. Most does not, and the patterns are slow.
func named(text string) bool {
	text = strings.ToLower(text)
	for _, end := range ends {
		if strings.Contains(text, end) {
			return true
		}
	}
	return false
}
