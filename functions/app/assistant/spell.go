package assistant

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"
)

// maxMended bounds how many unknown words of a message are compared with those that are known: who is understood at all
// misspells a few.
const maxMended = 40

// trained is what spelling is mended towards: words of the lexicon that the planner acts on, days and months. Not ordinary
// English, so that a pet called Daisy does not become "daily". It is kept by first letter, in which nobody errs.
var trained = sync.OnceValue(func() map[byte][]string {
	lx := lex()
	m := set("tomorrow today yesterday weekend morning afternoon evening next")
	for w := range lx.verbs {
		m[w] = true
	}
	for w := range lx.objects {
		m[w] = true
	}
	for w := range weekdayNames {
		m[w] = true
	}
	for w := range monthNames {
		m[w] = true
	}
	for w := range lx.sets["outside"] {
		m[w] = true
	}
	byLetter := map[byte][]string{}
	for w := range m {
		if len(w) >= minMended {
			byLetter[w[0]] = append(byLetter[w[0]], w)
		}
	}
	return byLetter
})

const minMended = 5 // bytes of a word that is mended, or mended to

// mend corrects the spelling of words that are almost known. Words that may be names keep theirs: capitals inside a sentence,
// possessives, short words, names that tools returned.
func mend(toks []token, known []string, extra map[string]bool) {
	lx := lex()
	tried := 0
	for i := range toks {
		t := &toks[i]
		if len(t.low) < minMended || len(t.low) > 20 || t.poss || t.upper && !t.first || lx.knows(t.low) || !isWord(*t) || extra[t.low] {
			continue
		}
		if _, ok := knownAt(toks, i, known); ok {
			continue
		}
		if tried++; tried > maxMended {
			return
		}
		best, bestAt := "", 99
		for _, vocabulary := range []iter.Seq[string]{slices.Values(trained()[t.low[0]]), maps.Keys(extra)} {
			for w := range vocabulary {
				if len(w) < minMended || w[0] != t.low[0] {
					continue
				}
				limit := 1
				if len(t.low) >= 8 && len(w) >= 8 {
					limit = 2
				}
				d := distance(t.low, w, limit)
				if d > limit || len(t.low) == 5 && len(w) != 5 || len(t.low) == 5 && !transposed(t.low, w) {
					continue
				}
				if d < bestAt || d == bestAt && w < best { // map order must not show
					best, bestAt = w, d
				}
			}
		}
		if best != "" {
			t.low, t.stem, t.mended = best, stem(best), true
		}
	}
}

// transposed reports whether two words differ by two neighbouring letters.
func transposed(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// distance counts insertions, deletions, substitutions and swaps of neighbours between two words; beyond limit it may stop.
func distance(a, b string, limit int) int {
	ra, rb := []rune(a), []rune(b)
	if d := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); d > limit || -d > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(rb)]
}
