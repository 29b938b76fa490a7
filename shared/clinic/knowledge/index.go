package knowledge

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// field is a part of an article, indexed for itself. The heading (title and topics) is where the author says what the
// article is about. A word's rarity is counted for each: nearly every article mentions vomiting, one is about it.
type field int

const (
	heading field = iota
	text          // summary and body
	fields
)

// BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009) in each field: weight is what the field
// counts, slope how much a long one is held against it, saturation where repeating a word stops to pay.
var (
	weight = [fields]float64{heading: 2.5, text: 1}
	slope  = [fields]float64{heading: 0.3, text: 0.75}
)

const saturation = 1.2

// posting is one stem in one article.
type posting struct {
	article int
	score   [fields]float64 // without rarity; 0: not in that field
}

type index struct {
	postings map[string][]posting // by stem, each list in the order of the articles
	phrases  map[string][]phrase  // synonyms by the stem of their first word, the longest first
	// spellings are the words that a typo is mended to: those of titles, topics, summaries and synonyms,
	// by first letter, each list sorted.
	spellings map[rune][]string
	sentences [][]sentence // by article
}

// phrase is a synonym: when said is in a question, it means the stems of meant.
type phrase struct{ said, meant []string }

func newIndex(articles []Article) *index {
	x := &index{
		postings:  map[string][]posting{},
		phrases:   map[string][]phrase{},
		spellings: map[rune][]string{},
		sentences: make([][]sentence, len(articles)),
	}
	counts := make([]map[string]*[fields]float64, len(articles)) // how often a stem is in each field
	lengths := make([][fields]float64, len(articles))
	var mean [fields]float64
	stem := stemmer()
	for i, a := range articles {
		x.sentences[i] = sentences(a.Body, stem)
		counts[i] = map[string]*[fields]float64{}
		add := func(f field, text string, times float64) {
			for _, w := range split(text) {
				if filler(w) {
					continue
				}
				s := stem(w)
				if counts[i][s] == nil {
					counts[i][s] = &[fields]float64{}
				}
				counts[i][s][f] += times
				lengths[i][f] += times
				mean[f] += times / float64(len(articles))
			}
		}
		topics := strings.Join(a.Topics, "\n")
		add(heading, a.Title, 2)
		add(heading, topics, 1)
		add(text, a.Summary, 2)
		add(text, plain(a.Body), 1)
		x.spell(a.Title + "\n" + topics + "\n" + a.Summary)
	}
	for i := range articles {
		for s, n := range counts[i] {
			p := posting{article: i}
			for f := range fields {
				long := 1 - slope[f] + slope[f]*lengths[i][f]/max(mean[f], 1)
				p.score[f] = weight[f] * (saturation + 1) * n[f] / (n[f] + saturation*long)
			}
			x.postings[s] = append(x.postings[s], p)
		}
	}
	x.addSynonyms()
	for first, words := range x.spellings {
		slices.Sort(words)
		x.spellings[first] = slices.Compact(words)
	}
	return x
}

func (x *index) spell(text string) {
	for _, w := range split(text) {
		if first, _ := utf8.DecodeRuneInString(w); !filler(w) {
			x.spellings[first] = append(x.spellings[first], w)
		}
	}
}

func (x *index) addSynonyms() {
	for _, line := range synonyms {
		meant := allStems(line.meant)
		for said := range strings.SplitSeq(line.said, ",") {
			p := phrase{allStems(said), meant}
			x.phrases[p.said[0]] = append(x.phrases[p.said[0]], p)
			if len(p.said) == 1 {
				x.spell(said)
			}
		}
	}
	for _, list := range x.phrases {
		slices.SortStableFunc(list, func(a, b phrase) int { return cmp.Compare(len(b.said), len(a.said)) })
	}
}

func allStems(text string) []string {
	words := split(text)
	for i, w := range words {
		words[i] = stem(w)
	}
	return words
}

// rarity is the inverse document frequency: how much it says that an article holds this stem, in its heading
// and anywhere.
func (x *index) rarity(stem string) (inHeading, anywhere float64) {
	headings := 0
	for _, p := range x.postings[stem] {
		if p.score[heading] > 0 {
			headings++
		}
	}
	return x.idf(headings), x.idf(len(x.postings[stem]))
}

func (x *index) idf(holders int) float64 {
	n, all := float64(holders), float64(len(x.sentences))
	return math.Log(1 + (all-n+0.5)/(n+0.5))
}
