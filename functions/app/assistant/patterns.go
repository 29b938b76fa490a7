package assistant

import (
	_ "embed" // the patterns
	"slices"
	"strings"
	"sync"
)

//go:embed data/patterns.txt
var patternsText string

// pattern is one entry of data/patterns.txt, which tells their form.
type pattern struct {
	kind, query string
	words       [][]string // alternatives, in order
}

// hit is a pattern found in a message.
type hit struct {
	kind, query string
	at          int // where in the message it begins, in bytes
}

// patterns are read once, in their order.
var patterns = sync.OnceValue(func() []pattern {
	var out []pattern
	groups := map[string][]string{}
	for line := range strings.Lines(patternsText) {
		head, body, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(head, "#") {
			continue
		}
		kind, rest, _ := strings.Cut(head, " ")
		if kind == "group" {
			groups[rest] = strings.Fields(body)
			continue
		}
		for alt := range strings.SplitSeq(body, "|") {
			p := pattern{kind: kind, query: rest}
			for _, w := range strings.Fields(alt) {
				var any []string
				for a := range strings.SplitSeq(w, "/") {
					if g, ok := strings.CutPrefix(a, "@"); ok {
						any = append(any, groups[g]...)
					} else {
						any = append(any, a)
					}
				}
				p.words = append(p.words, any)
			}
			out = append(out, p)
		}
	}
	return out
})

// maxGap bounds the words between two of a pattern.
const maxGap = 4

// findPattern is the first pattern of a kind in the tokens, nil for none.
func findPattern(kind string, toks []token) *hit {
	for _, p := range patterns() {
		if p.kind != kind {
			continue
		}
		for i := range toks {
			if last, ok := p.from(toks, i); ok {
				query := strings.ReplaceAll(p.query, "*", toks[last].low)
				return &hit{kind: kind, query: query, at: toks[i].start}
			}
		}
	}
	return nil
}

// from reports whether the pattern begins at token i, and which token it ends with.
func (p pattern) from(toks []token, i int) (last int, ok bool) {
	if !fitsWord(p.words[0], toks[i]) {
		return 0, false
	}
	last = i
	for _, any := range p.words[1:] {
		found := false
		for k := last + 1; k < len(toks) && k <= last+1+maxGap && !strings.ContainsAny(toks[k-1].sep, ".?!;\n"); k++ {
			if fitsWord(any, toks[k]) {
				last, found = k, true
				break
			}
		}
		if !found {
			return 0, false
		}
	}
	return last, true
}

// fitsWord compares with the word as mended and as typed: phrases of the lexicon hide what was typed.
func fitsWord(any []string, t token) bool {
	return slices.Contains(any, t.low) || slices.Contains(any, strings.ToLower(t.text))
}
