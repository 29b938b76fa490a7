package knowledge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxExcerpt is the longest excerpt, in bytes.
const MaxExcerpt = 300

// sentence is one sentence of a body as plain text. Sentences of one block (a paragraph, a list item) follow on
// from each other.
type sentence struct {
	text  string
	block int
	stems map[string]bool
}

var (
	emphasis = strings.NewReplacer("**", "", "*", "", "`", "")
	headings = regexp.MustCompile(`(?m)^#.*$`)
)

// plain is a piece of Markdown as text: links become their words, marks and line breaks go.
func plain(markdown string) string {
	text := linkForm.ReplaceAllString(markdown, "$1")
	return strings.Join(strings.Fields(emphasis.Replace(text)), " ")
}

// blocks cuts a body into paragraphs and list items, as plain text. Headings go. An item that only makes sense with
// the line above its list ("Call at once if: … - vomits") is joined to it.
func blocks(body string) []string {
	var all []string
	lead := ""
	for part := range strings.SplitSeq(headings.ReplaceAllString(body, "\n"), "\n\n") {
		items := strings.Split("\n"+part, "\n- ")
		if text := plain(items[0]); text != "" {
			all = append(all, text)
			lead = text
		}
		for _, item := range items[1:] {
			if item = plain(item); item == "" {
				continue
			}
			if r, _ := utf8.DecodeRuneInString(item); unicode.IsLower(r) && strings.HasSuffix(lead, ":") {
				s := cut(lead)
				item = strings.TrimSuffix(s[len(s)-1], ":") + " " + strings.TrimRight(item, ",.;") + "."
			}
			all = append(all, item)
		}
	}
	return all
}

// cut splits a block into sentences: at . ! ? with a space and a new beginning behind.
func cut(block string) []string {
	var all []string
	start := 0
	for i, r := range block {
		if i < 2 || block[i-1] != ' ' || !strings.ContainsRune(".!?", rune(block[i-2])) || unicode.IsLower(r) {
			continue
		}
		all = append(all, block[start:i-1])
		start = i
	}
	return append(all, block[start:])
}

func sentences(body string, stem func(string) string) []sentence {
	var all []sentence
	for n, block := range blocks(body) {
		for _, text := range cut(block) {
			s := sentence{text: text, block: n, stems: map[string]bool{}}
			for _, w := range split(text) {
				s.stems[stem(w)] = true
			}
			all = append(all, s)
		}
	}
	return all
}

// excerpt is the sentence of an article that holds the most of the question, the first of equals, and the sentences
// behind it while there is room. A line that only announces a list says too little.
func (x *index) excerpt(article int, concepts []concept) string {
	all := x.sentences[article]
	best, most := 0, 0.0
	for i, s := range all {
		if strings.HasSuffix(s.text, ":") {
			continue
		}
		sum := 0.0
		for _, c := range concepts {
			for _, stem := range c.stems {
				if s.stems[stem] {
					_, anywhere := x.rarity(stem)
					sum += anywhere * c.trust
					break
				}
			}
		}
		if sum > most {
			best, most = i, sum
		}
	}
	text := all[best].text
	for i := best + 1; i < len(all) && all[i].block == all[best].block; i++ {
		if len(text)+1+len(all[i].text) > MaxExcerpt || strings.HasSuffix(all[i].text, ":") {
			break
		}
		text += " " + all[i].text
	}
	return shorten(text)
}

// shorten cuts a text to MaxExcerpt bytes, between words where it can and never within a rune.
func shorten(text string) string {
	const more = "…"
	if len(text) <= MaxExcerpt {
		return text
	}
	text = clip(text, MaxExcerpt-len(more))
	if i := strings.LastIndexByte(text, ' '); i > 0 {
		text = text[:i]
	}
	return strings.TrimRight(text, " ,;:") + more
}
