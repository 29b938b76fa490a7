package assistant

import (
	"slices"
	"strings"
	"time"
)

// followUp reads a clause as the answer to what was asked or offered last; false where it is something new.
func (r *round) followUp(c *clause) ([]task, bool) {
	m := r.mem
	if m.more != nil && len(c.toks) <= 5 && words(c.toks).has("more", "others", "else", "rest") && r.light(c) {
		return []task{{goal: m.more.clone()}}, true
	}
	if m.lookup != "" && lex().is("yes", c.toks[0].low) && (r.unconnected || r.light(c)) {
		if r.unconnected {
			return []task{{needs: true}}, true
		}
		return r.lookUp(c, m.lookup), true
	}
	if m.asked == nil && m.offer == nil && m.proposal == nil {
		return nil, false
	}
	if isRefusal(c) {
		return []task{{say: "All right, I leave it at that."}}, true
	}
	if m.asked != nil {
		if g := r.answer(c, m.asked); g != nil {
			return r.withThen(g, m.asked.goal, m.asked.then), true
		}
	}
	if m.offer != nil {
		if tasks, ok := r.pick(c, m.offer); ok {
			return tasks, true
		}
	}
	if m.proposal != nil && lex().is("yes", c.toks[0].low) && r.light(c) {
		g := m.proposal.clone()
		r.merge(g, c)
		return []task{{goal: g}}, true
	}
	return nil, false
}

// withThen adds the goals that were to follow.
func (r *round) withThen(g, old *goal, then []*goal) []task {
	tasks := []task{{goal: g}}
	for _, t := range then {
		n := t.clone()
		n.after, n.when.notes = g, nil
		if t.when.key() == old.when.key() {
			n.when.from, n.when.to = g.when.from, g.when.to
		}
		tasks = append(tasks, task{goal: n})
	}
	return tasks
}

// isRefusal reads "no", "leave it", "cancel" said alone.
func isRefusal(c *clause) bool {
	w := words(c.toks)
	if len(w) > 4 || len(c.who)+len(c.days)+len(c.nums) > 0 {
		return false
	}
	switch {
	case lex().is("no", w.at(0)) && (len(w) == 1 || w.in(1, "thanks", "thank", "of", "need", "please")):
		return true
	case w.in(0, "forget", "leave", "skip", "stop", "cancel") && (len(w) == 1 || len(w) == 2 && w.in(1, "it", "that")):
		return !w.in(0, "cancel") || len(w) == 1
	}
	return w.in(0, "not") && w.in(1, "now")
}

// light reports whether a clause says nothing that points to a tool by itself.
func (r *round) light(c *clause) bool {
	best := r.box.rank(c)
	return len(c.content()) == 0 || len(best) == 0 || best[0].score < 3
}

// answer reads a clause as the missing argument that was asked for; nil where it is something else.
func (r *round) answer(c *clause, q *question) *goal {
	p := q.prop
	g := q.goal.clone()
	if p == nil {
		before := len(g.vals)
		r.merge(g, c)
		if len(g.vals) == before {
			return nil
		}
		return g
	}
	if r.isNew(c, q.goal.tool, p.kind == kText || p.kind == kID) {
		return nil
	}
	if g.checkLimits(c); g.problem != nil {
		return g
	}
	switch p.kind {
	case kRef:
		name := len(c.who) > 0
		if p.of != "pet" { // a person, with the full name
			if who := c.person(); who != "" {
				g.vals[p.name] = who
				return g
			}
		}
		if p != g.tool.ref() { // an owner
			if name && c.who[0].kind == byName {
				g.vals[p.name] = c.who[0].name
				return g
			}
		}
		r.merge(g, c)
		if !name && len(c.toks) <= 2 && isWord(c.toks[0]) && !lex().is("stop", c.toks[0].low) {
			name = true
			g.who = []mention{{kind: byName, name: properCase(c.toks[0].text), j: 1}}
			if p != g.tool.ref() {
				g.vals[p.name], g.who = g.who[0].name, slices.Clone(q.goal.who)
			}
		}
		if !name {
			return nil
		}
		return g
	case kDate:
		w := c.when(g.tool.looksBack(c) || slices.Contains(p.concepts, "birth"), r.mem.day)
		if !w.known() {
			return nil
		}
		r.merge(g, c)
		if g.dateCount() > 1 {
			g.vals[p.name] = isoDate(w.from)
		} else {
			g.when.from, g.when.to, g.when.open = w.from, w.to, w.open
		}
		return g
	case kTime:
		r.merge(g, c)
		if h, minute, _, _ := clockAt(words(c.toks), 0); c.clock() == "" && len(c.toks) <= 2 {
			if _, _, _, ok := clockWord(c.toks[0].low); ok {
				g.when.clock = time.Date(2000, 1, 1, h, minute, 0, 0, time.UTC).Format("15:04")
			}
		}
		if g.when.clock == q.goal.when.clock {
			return nil
		}
		return g
	case kEnum:
		if v, ok := c.enumValue(p); ok {
			r.merge(g, c)
			g.vals[p.name] = v
			return g
		}
	case kNumber:
		if len(c.nums) > 0 {
			if v, ok := c.nums[0].in(p.unit); ok && inBounds(p, v) {
				g.vals[p.name] = v
				return g
			}
		}
	case kLabel:
		if len(c.who) > 0 && c.who[0].kind == byName {
			g.vals[p.name] = c.who[0].name
			return g
		}
		if v, ok := c.labelFor(p, -1); ok {
			g.vals[p.name] = v
			return g
		}
		if len(c.toks) <= 2 {
			if v, ok := c.nameFrom(0); ok {
				g.vals[p.name] = v
				return g
			}
		}
	case kText, kID:
		// Whatever was typed is the answer, also what looks like an order.
		if v := bound(tidy(r.msg), limit(p)); v != "" {
			g.vals[p.name], g.sure = v, true
			if ref := g.tool.ref(); ref != nil && !ref.required && len(g.who) == 0 {
				g.who = c.who
			}
			return g
		}
	}
	return nil
}

// person is the name that a short answer is: "Bob Miller", "the owner is dora"; "" for none.
func (c *clause) person() string {
	i := 0
	for w := words(c.toks); w.in(i, "the", "owner", "is", "it", "for", "of", "her", "his", "its", "belongs", "to"); {
		i++
	}
	if i == len(c.toks) || len(c.toks)-i > 4 {
		return ""
	}
	var parts []string
	for _, t := range c.toks[i:] {
		if !isWord(t) && !strings.ContainsAny(t.text, "-_") || lex().is("stop", t.low) && !t.upper {
			return ""
		}
		parts = append(parts, properCase(t.text))
	}
	return strings.Join(parts, " ")
}

// isNew reports whether a clause is a wish of its own rather than an answer to what the tool lacks. A free text may look like
// an order ("give Milo his pill"), so there only a complete request or a clear question counts.
func (r *round) isNew(c *clause, asking *tool, free bool) bool {
	best := r.box.rank(c)
	if len(best) == 0 || best[0].score < threshold || c.mood != moodAsk && c.mood != moodCommand {
		return false
	}
	t := best[0].tool
	switch {
	case free && t.class == read:
		return best[0].score >= 3
	case free && c.verb >= 0 && proseVerbs[c.toks[c.verb].low]:
		return false
	case !free && t != asking && !r.light(c):
		return true
	case t.class == read || c.verb < 0:
		return false
	}
	args := newGoal(t, c, r.now, r.mem.day).arguments(t, "")
	for _, p := range t.order {
		if p.required && args[p.name] == nil && !(p == t.ref() && len(c.who) > 0) {
			return false
		}
	}
	return true
}

func (g *goal) dateCount() int {
	n := 0
	for _, p := range g.tool.order {
		if p.kind == kDate {
			n++
		}
	}
	return n
}

// whenKey is the comparable part of a goal's time.
type whenKey struct {
	from, to time.Time
	clock    string
}

func (w when) key() whenKey { return whenKey{w.from, w.to, w.clock} }

// merge puts what a clause says into a goal: other pets, another day or time, further values.
func (r *round) merge(g *goal, c *clause) {
	n := newGoal(g.tool, c, r.now, r.mem.day)
	if len(n.who) > 0 {
		g.who = n.who
	}
	for k, v := range n.vals {
		if g.tool.prose == nil || k != g.tool.prose.name {
			g.vals[k] = v
		}
	}
	if len(c.days) > 0 && n.when.known() {
		g.when.from, g.when.to, g.when.open, g.when.notes = n.when.from, n.when.to, n.when.open, n.when.notes
	}
	if n.when.clock != "" {
		g.when.clock, g.when.part = n.when.clock, ""
	}
	if n.when.part != "" {
		g.when.part, g.when.clock = n.when.part, ""
	}
}

// inherit reads a short clause ("and Milo?", "what about tomorrow?", "Milo at 11") as the wish before it with something changed.
func (r *round) inherit(c *clause, last []*goal) ([]task, bool) {
	same := len(last) > 0
	if !same {
		last = r.mem.goals
	}
	if len(last) == 0 || len(c.content()) > 0 && !r.onlyValues(c, last) {
		return nil, false
	}
	w := words(c.toks)
	about := w.in(0, "what", "how") && w.in(1, "about") || joiners[w.at(0)] && w.in(1, "what", "how") && w.in(2, "about")
	if c.mood != moodBare && !about && !(c.mood == moodAsk && !lex().is("wh", w.at(0)) && !lex().is("aux", w.at(0))) {
		return nil, false
	}
	if len(c.who) == 0 && len(c.days) == 0 && len(c.times) == 0 && !r.onlyValues(c, last) {
		return nil, false
	}
	var tasks []task
	again := map[*goal]*goal{}
	for _, g := range last {
		if len(c.who) > 0 && g.tool.ref() == nil || len(c.who) == 0 && g.tool.first(kDate) == nil && len(c.days) > 0 {
			continue
		}
		n := g.clone()
		again[g] = n
		if n.after = again[g.after]; g.taught && g.tool.prose != nil {
			delete(n.vals, g.tool.prose.name)
			n.taught = false
		}
		if g.tool.class == change && len(c.who) > 0 && !same {
			n.vals = map[string]any{}
		}
		r.merge(n, c)
		for _, p := range g.tool.order { // "and Fido's to 29"
			if v, ok := g.vals[p.name].(float64); ok && v > 0 && p.kind == kNumber && n.vals[p.name] == nil && len(c.nums) == 1 {
				if x, ok := c.nums[0].in(p.unit); ok && inBounds(p, x) {
					n.vals[p.name] = x
				}
			}
		}
		n.clause = inherited(g.clause, c)
		n.thing, n.hint = false, nil
		// A question books nothing: it looks for free times instead.
		if c.question && g.tool.class != read && len(c.times) == 0 && r.box.finder(g.tool) != nil {
			n.when.clock = ""
		}
		if g.tool.class == destroy {
			for _, p := range g.tool.order {
				if p.kind == kID {
					delete(n.vals, p.name)
				}
			}
		}
		tasks = append(tasks, task{goal: n})
		if len(tasks) == 2 {
			break
		}
	}
	return tasks, len(tasks) > 0
}

// inherited is the earlier clause with the later one's days, for display.
func inherited(old, c *clause) *clause {
	n := *old
	n.who, n.raw = c.who, c.raw
	if len(c.days) > 0 {
		n.days = c.days
	}
	return &n
}

// onlyValues reports whether all content of a clause are values of the last goal's lists: "and dental?", "in the morning".
func (r *round) onlyValues(c *clause, last []*goal) bool {
	content := c.content()
	if len(content) == 0 || len(content) > 2 {
		return false
	}
	for _, g := range last {
		for _, p := range g.tool.order {
			if p.kind == kEnum {
				if _, ok := c.enumValue(p); ok {
					return true
				}
			}
		}
	}
	return false
}
