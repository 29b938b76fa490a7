package assistant

import (
	_ "embed" // the word lists
	"strings"
	"sync"
)

//go:embed data/lexicon.txt
var lexiconText string

//go:embed data/words.txt
var wordsText string

// class is what a verb does to the world.
type class string

const (
	read    class = "read"
	create  class = "create"
	change  class = "change"
	destroy class = "delete"
)

// sense is one meaning of a verb.
type sense struct {
	concept string
	class   class
}

type phrase struct {
	words []string
	to    string
}

// lexicon is general English as data: see data/lexicon.txt for its form.
type lexicon struct {
	alias   map[string]string
	phrases map[string][]phrase // by first word, longest first
	verbs   map[string][]sense
	objects map[string][]string
	weak    map[string][]string
	sets    map[string]map[string]bool
	common  map[string]bool
}

// lex returns the lexicon, read once.
var lex = sync.OnceValue(func() *lexicon {
	l := &lexicon{map[string]string{}, map[string][]phrase{}, map[string][]sense{}, map[string][]string{}, map[string][]string{}, map[string]map[string]bool{}, map[string]bool{}}
	for line := range strings.Lines(lexiconText) {
		line = strings.TrimSpace(line)
		head, body, ok := strings.Cut(line, ":")
		if line == "" || line[0] == '#' || !ok {
			continue
		}
		h := strings.Fields(head)
		words := strings.Fields(body)
		switch h[0] {
		case "alias":
			for _, w := range words {
				l.alias[w] = h[1]
			}
		case "phrase":
			for p := range strings.SplitSeq(body, "|") {
				f := strings.Fields(p)
				l.phrases[f[0]] = insertPhrase(l.phrases[f[0]], phrase{f, h[1]})
			}
		case "verb":
			for _, w := range words {
				l.verbs[w] = append(l.verbs[w], sense{h[1], class(h[2])})
			}
		case "object":
			for _, w := range words {
				l.objects[w] = appendNew(l.objects[w], h[1])
			}
		case "weak":
			for _, w := range words {
				l.weak[w] = appendNew(l.weak[w], h[1])
			}
		case "set":
			if l.sets[h[1]] == nil {
				l.sets[h[1]] = map[string]bool{}
			}
			for _, w := range words {
				l.sets[h[1]][w] = true
			}
		}
	}
	for line := range strings.Lines(wordsText) {
		if !strings.HasPrefix(line, "#") {
			for _, w := range strings.Fields(line) {
				l.common[w] = true
			}
		}
	}
	return l
})

func insertPhrase(list []phrase, p phrase) []phrase {
	at := 0
	for at < len(list) && len(list[at].words) >= len(p.words) {
		at++
	}
	return append(list[:at], append([]phrase{p}, list[at:]...)...)
}

// appendNew appends v unless the list has it.
func appendNew[T comparable](list []T, v T) []T {
	for _, x := range list {
		if x == v {
			return list
		}
	}
	return append(list, v)
}

// phraseAt returns the length of the known phrase that begins at token i and the word it stands for.
func (l *lexicon) phraseAt(toks []token, i int) (int, string) {
next:
	for _, p := range l.phrases[toks[i].low] {
		if i+len(p.words) > len(toks) {
			continue
		}
		for k, w := range p.words {
			if toks[i+k].low != w || k > 0 && toks[i+k-1].sep != "" {
				continue next
			}
		}
		return len(p.words), p.to
	}
	return 0, ""
}

// is reports whether the word belongs to a named set.
func (l *lexicon) is(name, word string) bool { return l.sets[name][word] }

// senses are the meanings of a word as a verb; inflected forms count where the stem is a known verb.
func (l *lexicon) senses(t token) []sense {
	if s := l.verbs[t.low]; s != nil {
		return s
	}
	for _, end := range []string{"ing", "ed", "s", "d"} {
		if base, ok := strings.CutSuffix(t.low, end); ok && len(base) > 2 {
			if s := l.verbs[base]; s != nil {
				return s
			}
			if s := l.verbs[base+"e"]; s != nil && end == "ing" {
				return s
			}
			if n := len(base); base[n-1] == base[n-2] && l.verbs[base[:n-1]] != nil {
				return l.verbs[base[:n-1]]
			}
		}
	}
	return nil
}

// about are the concepts a word stands for as a noun, its own stem when the lexicon has none.
func (l *lexicon) about(t token) []string {
	if o := l.objects[t.low]; o != nil {
		return o
	}
	if singular, ok := strings.CutSuffix(t.low, "s"); ok && l.objects[singular] != nil {
		return l.objects[singular]
	}
	return []string{t.stem}
}

// knows reports whether a word is ordinary English, so that in lower case it is no name.
func (l *lexicon) knows(word string) bool {
	if l.common[word] || l.verbs[word] != nil || l.objects[word] != nil || l.weak[word] != nil {
		return true
	}
	for _, s := range l.sets {
		if s[word] {
			return true
		}
	}
	for _, end := range []string{"s", "es", "ed", "d", "ing", "ly", "er"} {
		if base, ok := strings.CutSuffix(word, end); ok && len(base) > 2 && (l.common[base] || l.verbs[base] != nil || l.objects[base] != nil || l.common[base+"e"]) {
			return true
		}
	}
	return isCalendarWord(word)
}
