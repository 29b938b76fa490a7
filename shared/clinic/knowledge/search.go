package knowledge

import (
	"cmp"
	"math"
	"slices"
)

// Hit is an article that answers a question.
type Hit struct {
	Article Article
	// Excerpt is the part of the body that fits the question best: plain text, at most MaxExcerpt bytes.
	Excerpt string
	// Score orders the hits of one search, the higher the better. It means nothing across searches.
	Score float64
}

// What makes an article a hit, and what a foreign species costs it.
const (
	// textShare is how much of a question, by rarity, an article must hold that does not name it in title or topics.
	textShare = 0.6
	// textConcepts is how many concepts that must be at least.
	textConcepts = 2
	// foreign is the factor for an article that is about none of the species in the question.
	foreign = 0.4
)

// Search returns the articles that answer the query, the best first, at most limit. Nothing found is an empty result,
// never a guess. A query is read up to 500 bytes.
func (l *Library) Search(query string, limit int) []Hit {
	l = l.loaded()
	concepts, about := l.index().question(query)
	type place struct {
		article int
		score   float64
	}
	var places []place
	for i, score := range l.index().rank(concepts) {
		if score == 0 {
			continue
		}
		suits := func(species string) bool { return slices.Contains(l.articles[i].Species, species) }
		if len(about) > 0 && !slices.ContainsFunc(about, suits) {
			score *= foreign
		}
		// Rounded, since the last bits of a float may differ between processors, and the order must not.
		places = append(places, place{i, math.Round(score*1000) / 1000})
	}
	// Stable, and the articles are sorted: ties stay in the order of slugs.
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(b.score, a.score) })
	var hits []Hit
	for _, p := range places[:max(0, min(limit, len(places)))] {
		hits = append(hits, Hit{l.articles[p.article].clone(), l.index().excerpt(p.article, concepts), p.score})
	}
	return hits
}

// tally is how one article does in one search.
type tally struct {
	score    float64
	share    float64 // rarity of the concepts it holds that are not background
	concepts int     // their number
	anchored bool    // one of them is in its title or topics
}

// rank scores every article. 0: not a hit.
func (x *index) rank(concepts []concept) []float64 {
	tallies := make([]tally, len(x.sentences))
	onlyBackground := !slices.ContainsFunc(concepts, func(c concept) bool { return !c.background })
	total := 0.0
	for _, c := range concepts {
		found, rarest := x.match(c)
		counts := !c.background || onlyBackground
		if counts {
			total += rarest
		}
		for i, m := range found {
			t := &tallies[i]
			t.score += m.score * c.trust
			if m.score > 0 && counts {
				t.share += rarest
				t.concepts++
				t.anchored = t.anchored || m.anchored
			}
		}
	}
	scores := make([]float64, len(tallies))
	for i, t := range tallies {
		if t.anchored || t.concepts >= textConcepts && t.share >= textShare*total {
			scores[i] = t.score
		}
	}
	return scores
}

type match struct {
	score    float64
	anchored bool
}

// match scores every article for one concept, the mean over its stems, and tells how rare the concept is.
func (x *index) match(c concept) (found []match, rarity float64) {
	found = make([]match, len(x.sentences))
	rarity = x.idf(0)
	known := 0.0
	for _, s := range c.stems {
		inHeading, anywhere := x.rarity(s)
		if len(x.postings[s]) > 0 {
			known++
			rarity = min(rarity, anywhere)
		}
		for _, p := range x.postings[s] {
			m := &found[p.article]
			m.score += inHeading*p.score[heading] + anywhere*p.score[text]
			m.anchored = m.anchored || p.score[heading] > 0
		}
	}
	for i := range found {
		found[i].score /= max(known, 1)
	}
	return found, rarity
}
