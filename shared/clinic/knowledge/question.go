package knowledge

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a question: what lies beyond them is not read.
const (
	maxQuery = 500 // bytes
	maxWords = 60
)

// concept is one thing that a question asks for: any of its stems will do.
type concept struct {
	stems      []string
	background bool
	// trust is 1, or less where a typo was mended.
	trust float64
}

// question reads what was typed: its concepts, each once, and the species it names.
func (x *index) question(query string) (concepts []concept, about []string) {
	words := split(clip(query, maxQuery))
	words = words[:min(len(words), maxWords)]
	said, trust := make([]string, len(words)), make([]float64, len(words))
	for i, w := range words {
		said[i], trust[i] = x.spelled(w)
		if s := speciesWords[said[i]]; s != "" && !slices.Contains(about, s) {
			about = append(about, s)
		}
	}
	for i := 0; i < len(words); {
		c := concept{trust: trust[i]}
		used := 1
		if p, ok := x.synonym(said[i:]); ok {
			used = len(p.said)
			c.stems = slices.Clone(p.meant)
		}
		if used == 1 && !filler(words[i]) {
			c.stems = append(c.stems, said[i])
		}
		i += used
		slices.Sort(c.stems)
		c.stems = slices.Compact(c.stems)
		c.background = len(c.stems) == 1 && background[c.stems[0]]
		same := func(d concept) bool { return slices.Equal(d.stems, c.stems) }
		if len(c.stems) > 0 && !slices.ContainsFunc(concepts, same) {
			concepts = append(concepts, c)
		}
	}
	return concepts, about
}

// synonym finds the longest phrase of the table that these stems begin with.
func (x *index) synonym(said []string) (phrase, bool) {
	for _, p := range x.phrases[said[0]] {
		if len(p.said) <= len(said) && slices.Equal(p.said, said[:len(p.said)]) {
			return p, true
		}
	}
	return phrase{}, false
}

// typoTrust is what a mended word counts. minTypo is the shortest word that is mended, in letters: short words have
// too many neighbours.
const (
	typoTrust = 0.8
	minTypo   = 6
)

// spelled is the stem of a word, mended if nothing knows it and one typo explains it. The first letter must be right.
func (x *index) spelled(word string) (stemmed string, trust float64) {
	s := stem(word)
	if filler(word) || x.postings[s] != nil || x.phrases[s] != nil || utf8.RuneCountInString(word) < minTypo {
		return s, 1
	}
	first, _ := utf8.DecodeRuneInString(word)
	for _, w := range x.spellings[first] {
		if oneTypo(word, w) {
			return stem(w), typoTrust
		}
	}
	return s, 1
}

// oneTypo reports whether one letter too many, too few, wrong, or two letters swapped make a into b.
func oneTypo(a, b string) bool {
	if d := len(a) - len(b); d > utf8.UTFMax || d < -utf8.UTFMax {
		return false
	}
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	switch rest := x[i:]; {
	case len(y) == len(x)+1:
		return slices.Equal(rest, y[i+1:])
	case len(y) != len(x) || len(rest) == 0:
		return false
	case slices.Equal(rest[1:], y[i+1:]):
		return true
	default:
		return len(rest) > 1 && rest[0] == y[i+1] && rest[1] == y[i] && slices.Equal(rest[2:], y[i+2:])
	}
}

// clip cuts s after at most n bytes, between runes, and drops what is not UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.ToValidUTF8(s, " ")
}
