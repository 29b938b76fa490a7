package assistant

import (
	"math"
	"slices"
	"strings"
)

// threshold is the least score a tool needs to be chosen: a fitting verb alone is not enough.
const threshold = 1.8

// candidate is a tool with its score for a clause.
type candidate struct {
	tool  *tool
	score float64
}

// rank scores every tool for a clause, best first. Tools that no word of the clause points to are left out.
func (b *toolbox) rank(c *clause) []candidate {
	var out []candidate
	for _, t := range b.tools {
		if s, anchored := b.score(t, c); anchored {
			out = append(out, candidate{t, s})
		}
	}
	slices.SortStableFunc(out, func(x, y candidate) int {
		switch {
		case math.Abs(x.score-y.score) < 1e-9:
			return strings.Compare(x.tool.Name, y.tool.Name)
		case x.score > y.score:
			return -1
		}
		return 1
	})
	return out
}

// choose is the tool for a clause, nil where none fits.
func (b *toolbox) choose(c *clause) *tool {
	if r := b.rank(c); len(r) > 0 && r[0].score >= threshold {
		return r[0].tool
	}
	return nil
}

// rarity is high for concepts that few tools speak of.
func (b *toolbox) rarity(concept string) float64 {
	n := float64(len(b.tools))
	return 0.4 + 0.6*math.Log((n+1)/float64(max(b.df[concept], 1)))/math.Log(n+1)
}

// score says how well a tool fits a clause. anchored means that some word points to this tool, not only to its kind.
func (b *toolbox) score(t *tool, c *clause) (score float64, anchored bool) {
	score, anchored = t.fitVerb(c)
	hit := map[string]bool{}
	lx := lex()
	lost := 0.0
	ref := t.ref()
	for _, w := range c.content() {
		gain, weak := 0.0, 0.0
		for _, concept := range append([]string{w.stem}, lx.about(w)...) {
			if v := t.words[concept]; v > 0 {
				if hit[concept] {
					gain = max(gain, 0.2)
					continue
				}
				gain = max(gain, 2*v*b.rarity(concept))
				hit[concept] = true
				anchored = anchored || v >= 0.5 && !(concept == "pet")
				if concept == "pet" && v >= 1 && (ref == nil || ref.of != "pet") {
					anchored = true
				}
			}
		}
		for _, concept := range lx.weak[w.low] {
			if v := t.words[concept]; v > 0 {
				weak = max(weak, 1.2*v*b.rarity(concept))
				hit[concept] = true
				anchored = anchored || v >= 0.5
			}
		}
		switch {
		case gain > 0 || weak > 0:
			score += max(gain, weak)
		case t.prose != nil && t.class != read, t.class == destroy && !kinds[lx.about(w)[0]]: // what a reminder is about can be anything
			lost += 0.1
		case t.prose != nil:
			lost += 0.15
		case lx.objects[w.low] != nil:
			lost += 1
		default:
			lost += 0.8
		}
	}
	score -= min(lost, 3)
	for _, m := range c.who {
		switch {
		case t.first(kLabel) != nil && t.first(kLabel).required && m.kind == byName && !c.toks[m.j-1].poss: // a name to give, and whose it is
			score += 0.3
		case c.owner(m) && t.class == read && t.words["owner"] >= 0.5 && (ref == nil || ref.of != "pet"):
			score += 1.5
			anchored = true
		case ref != nil && ref.of == "pet", ref != nil && m.kind == byName && (t.class == read || c.cue(ref) >= 0):
			if !hit["pet"] {
				score += 0.8
			}
			if ref.required {
				score += 0.4
				anchored = true
			}
		case m.kind == byAll && t.words["pet"] >= 1, m.kind == bySpecies && m.plural && t.words[m.value] > 0 && t.words["pet"] >= 1:
			score++
			anchored = true
		case t.prose != nil, t.class == destroy && b.lister(t.identity().of) != nil: // "the reminder for Milo"
		case m.kind == byPronoun:
			score -= 0.3
		case t.class == read: // "free times for Fido"
			score -= 0.6
		default:
			score -= 2
		}
		if ref != nil || m.kind != byPronoun {
			hit["pet"] = true
		}
	}
	for _, n := range t.nouns {
		if !hit[n] && !(n == "pet" && len(c.who) > 0) {
			score -= 0.8 * b.rarity(n)
		}
	}
	if t.plural && c.plural() && t.class == read {
		score += 0.5
	}
	if t.class == destroy { // removing something needs its name, its id, or whose it is and when
		_, id := c.stated(t.identity())
		anchored = id || len(c.who) > 0 && len(c.days) > 0 || slices.ContainsFunc(t.nouns, func(n string) bool { return hit[n] && n != "pet" })
	}
	return score + t.fitSlots(c), anchored
}

// special are the verbs that mean one thing to do; others ("make", "add", "set") go with many nouns.
var special = set("book record contact remind move order play")

// kinds are the nouns that tools act on: a word for one kind never merely describes another.
var kinds = set("appointment reminder slot support")

// plural reports whether the clause asks for many of something.
func (c *clause) plural() bool {
	for _, t := range c.toks {
		if lex().is("plural", t.low) {
			return true
		}
	}
	return false
}

// fitVerb compares what the clause wants done with what the tool does. A question never fits a tool that changes things.
func (t *tool) fitVerb(c *clause) (score float64, anchored bool) {
	switch c.mood {
	case moodCommand:
		score = -5
		for _, s := range c.senses {
			switch {
			case t.verbs[s.concept] && (special[s.concept] || lex().verbs[c.toks[c.verb].low] == nil):
				score = max(score, 3)
			case t.verbs[s.concept] && (t.class == s.class || t.class != read && s.class != read):
				score = max(score, 1.8)
			case s.class == t.class && special[s.concept]:
				score = max(score, 0.4)
			case s.class == t.class:
				score = max(score, 1.5)
			case s.class == create && t.class == change:
				score = max(score, 0)
			case s.class == change && t.class == create && !special[s.concept]:
				score = max(score, -1)
			}
		}
		v := c.toks[c.verb]
		if t.verbs[v.stem] {
			score, anchored = score+0.3, true
		}
		// A verb that is also the tool's noun points to it: "remind me", "contact".
		for _, o := range lex().objects[v.low] {
			if slices.Contains(t.nouns, o) && slices.ContainsFunc(c.senses, func(s sense) bool { return s.class == t.class }) {
				score, anchored = max(score, 2), true
			}
			anchored = anchored || t.words[o] >= 1
		}
		return score, anchored
	case moodAsk:
		if t.class == read {
			return 1.5, false
		}
		return -4, false
	case moodWish:
		return map[bool]map[class]float64{
			true:  {create: 1.5, read: 0, change: -2, destroy: -4},
			false: {create: 0.4, read: 0.9, change: 0, destroy: -4},
		}[c.indefinite][t.class], false
	case moodStatement:
		switch {
		case t.class == destroy:
			return -4, false
		case c.told:
			if t.class == read {
				return -1, false
			}
			if t.verbs["record"] {
				return 2, false
			}
			return 0.5, false
		case t.class == change && c.states(t):
			return 1.5, false
		case t.class == read:
			return 0.8, false
		}
		return -2, false
	}
	if t.class == read {
		return 1.2, false
	}
	if t.class == create && c.indefinite && !c.question { // "an appointment for Fido tomorrow at 3, please"
		return 1.3, false
	}
	if t.class == change && c.states(t) {
		return 1, false
	}
	return -1.5, false
}

// states reports whether the clause gives a value for one of the tool's properties: "weighs 31 kg", "his chip is 985…".
func (c *clause) states(t *tool) bool {
	for _, p := range t.order {
		if p.kind == kRef || p.kind == kDate || p.kind == kTime {
			continue
		}
		if _, ok := c.stated(p); ok {
			return true
		}
	}
	return false
}

// fitSlots compares the days, times and numbers of the clause with what the tool takes.
func (t *tool) fitSlots(c *clause) float64 {
	score := 0.0
	date, clock := t.first(kDate), t.first(kTime)
	if len(c.days) > 0 {
		switch {
		case date != nil:
			score += 0.4
		case t.class == read:
			score -= 0.1
		default:
			score -= 0.8
		}
	}
	if c.clock() != "" {
		switch {
		case clock != nil:
			score += 0.5
		case t.class == read:
			score -= 0.2
		default:
			score -= 0.8
		}
	}
	if p := c.part(); p != "" {
		for _, prop := range t.order {
			if slices.Contains(prop.enum, p) {
				score += 0.4
			}
		}
	}
	for _, n := range c.nums {
		if n.unit == "" {
			continue
		}
		fits := false
		for _, p := range t.order {
			if v, ok := n.in(p.unit); p.kind == kNumber && p.unit != "" && ok && v > 0 {
				fits = true
			}
		}
		if fits {
			score += 1.2
		} else if t.prose == nil {
			score -= 0.8
		}
	}
	if t.class != read && c.states(t) {
		score += 0.6
	}
	for _, p := range t.order {
		if !p.required || p == t.prose {
			continue
		}
		missing := p.kind == kRef && len(c.who) == 0 || p.kind == kDate && len(c.days) == 0 || p.kind == kLabel || p.kind == kID
		if p.kind == kEnum {
			_, ok := c.enumValue(p)
			missing = !ok
		}
		if missing {
			score -= 0.25
		}
	}
	return score
}
