package assistant

import (
	"slices"
	"strconv"
	"strings"
)

// aboutThing reads "cancel it", "delete the second one", "book it": an order about what was spoken of last.
func (r *round) aboutThing(c *clause, last []*goal) ([]task, bool) {
	w := words(c.toks)
	n, picks := ordinal(c)
	points := w.has("it", "that", "this", "them", "those", "these") || picks
	if c.verb < 0 || !points {
		return nil, false
	}
	for _, t := range c.content() {
		if lex().objects[t.low] != nil || lex().weak[t.low] != nil {
			return nil, false
		}
	}
	for _, s := range c.senses {
		switch s.class {
		case destroy:
			if len(last) > 0 && last[len(last)-1].tool.class == create {
				return nil, false
			}
			if g := r.undo(n, picks); g != nil {
				g.clause = c
				return []task{{goal: g}}, true
			}
		case create:
			for _, t := range r.box.tools {
				if t.class != create || !t.verbs[s.concept] || r.box.finder(t) == nil && t.ref() == nil {
					continue
				}
				g := newGoal(t, c, r.now, r.mem.day)
				if len(g.who) == 0 && len(last) > 0 {
					g.who = slices.Clone(last[len(last)-1].who)
				} else if len(g.who) == 0 && len(r.mem.goals) > 0 {
					g.who = slices.Clone(r.mem.goals[len(r.mem.goals)-1].who)
				}
				r.takeTopic(g, append(slices.Clone(r.mem.goals), last...))
				return []task{{goal: g}}, true
			}
		}
	}
	return nil, false
}

// takeTopic gives a list property the value that the goals before were about: a booking after a question on vaccinations
// is a vaccination.
func (r *round) takeTopic(g *goal, before []*goal) {
	for _, p := range g.tool.order {
		if p.kind != kEnum || g.vals[p.name] != nil {
			continue
		}
		for _, b := range before {
			for _, v := range p.enum {
				if slices.Contains(b.tool.nouns, strings.ToLower(v)) {
					g.vals[p.name] = v
				}
			}
		}
	}
}

// undo makes the goal that removes a thing a tool returned last.
func (r *round) undo(n int, picks bool) *goal {
	for i, th := range r.mem.things {
		for _, t := range r.box.tools {
			id := t.first(kID)
			if t.class != destroy || id == nil || id.of != th.kind {
				continue
			}
			at := th
			if picks {
				var same []thing
				for _, x := range r.mem.things[i:] {
					if x.kind == th.kind {
						same = append(same, x)
					}
				}
				if n < 0 {
					n = len(same) - 1
				}
				if n >= len(same) {
					return nil
				}
				at = same[n]
			}
			made := len(r.mem.goals) > 0 && r.mem.goals[len(r.mem.goals)-1].tool.class == create
			return &goal{tool: t, vals: map[string]any{id.name: text(at.fields, "id")}, sure: picks || made, what: summary(at.fields)}
		}
	}
	return nil
}

var ordinals = map[string]int{"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4, "sixth": 5, "6th": 5,
	"last": -1, "latest": -1, "earliest": 0, "soonest": 0, "former": 0, "latter": -1}

// ordinal reads "the second one", "number 3", "option 2", "the last", "2": counted from 0, -1 for the last.
func ordinal(c *clause) (int, bool) {
	w := words(c.toks)
	for i := range w {
		if n, ok := ordinals[w.at(i)]; ok && !(c.inDay(i) && w.in(i, "last")) {
			if i+1 == len(w) || w.in(i+1, "one", "please", "option", "slot", "time", "then", "of", "for", "is", "available", "possible", "appointment", "reminder") || joiners[w.at(i+1)] || len(w) <= 3 {
				return n, true
			}
		}
		if n, err := strconv.Atoi(w.at(i)); err == nil && n >= 1 && n <= 20 && w.in(i-1, "number", "option", "no", "slot") {
			return n - 1, true
		}
	}
	return 0, false
}
