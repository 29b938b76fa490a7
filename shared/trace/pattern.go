package trace

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used: a process that starts for one answer, as in Lambda, rarely needs any.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
