package trace

import "strings"

// ends are how the names of members end that namePattern and htmlPattern look for, by their last letter. Some are all of a name: they
// begin with its quotation mark.
var ends = map[byte][]string{
	'l': {`"html`, `"status_html`},
	't': {`secret`},
	'd': {`password`},
	'n': {`_token`, `"token`, `_assertion`, `"assertion`},
	'e': {`_code`, `"state`, `"requestState`, `"verification_uri_complete`},
	'r': {`_verifier`},
}

// named tells whether JSON can hold such a member. Most does not, and the patterns are slow.
func named(text string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '"')
		if i < 0 {
			return false
		}
		if at += i; at == 0 {
			continue
		}
		switch last := text[at-1] | 0x20; last { // in lower case
		case 'l', 't', 'd', 'n', 'e', 'r': // a map alone is slower
			for _, end := range ends[last] {
				if from := at - len(end); from >= 0 && strings.EqualFold(text[from:at], end) {
					return true
				}
			}
		}
	}
}
