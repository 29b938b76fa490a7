package assistant

import (
	"regexp"
	"sync"
)

// compiled is a regular expression that is compiled when it is first used: a process that starts for one answer, as in Lambda, rarely needs any.
func compiled(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
