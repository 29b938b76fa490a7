package assistant

import (
	"slices"
	"strings"
	"time"
)

// read decides what each clause wants. The order matters: an answer to a question of ours comes first, then a choice from an
// offer, yes and no, short follow-ups, and last a wish of its own.
func (r *round) read(clauses []*clause) {
	var last []*goal
	condition := ""
	for i := 0; i < len(clauses); i++ {
		c := clauses[i]
		tasks := r.clause(c, i == 0, last)
		if tasks == nil {
			continue
		}
		var goals []*goal
		for k := range tasks {
			g := tasks[k].goal
			if g == nil {
				continue
			}
			if doubt := c.doubt(g.tool, condition); doubt != "" && g.tool.class != read {
				tasks[k] = task{say: "You asked me to do this only on a condition (“" + doubt + "”). I do not decide that by myself: tell me “yes” if I should go on with “" + bound(c.raw, 120) + "”."}
				r.held = g
				continue
			}
			goals = append(goals, g)
			r.link(g, last)
		}
		r.settle(c, tasks, last)
		condition = ""
		if c.conditional {
			condition = bound(c.raw, 120)
		}
		r.tasks = append(r.tasks, tasks...)
		if len(tasks) == 1 && tasks[0].absorbed {
			r.tasks = r.tasks[:len(r.tasks)-1]
		}
		if len(goals) > 0 {
			last = goals
			// "Contact support: …": what follows the colon is the message, not more wishes.
			if c.rest != "" && (goals[0].tool.prose != nil && goals[0].tool.class != read || goals[0].usesRest(c)) {
				return
			}
		}
	}
}

// settle joins a statement that is no wish of its own with its neighbour: "I was charged twice, I want to speak to a person",
// "Contact support about a refund. My e-mail is …".
func (r *round) settle(c *clause, tasks []task, last []*goal) {
	if len(tasks) == 1 && tasks[0].help && tasks[0].loose && len(last) > 0 {
		if g := last[len(last)-1]; g.takes(c) {
			tasks[0].absorbed = true
		}
		return
	}
	n := len(r.tasks)
	if n == 0 || !r.tasks[n-1].loose || len(tasks) != 1 || tasks[0].goal == nil {
		return
	}
	g := tasks[0].goal
	p := g.tool.prose
	switch before := r.tasks[n-1].clause; {
	case g.takes(before):
	case p != nil && g.tool.class != read && g.vals[p.name] == nil:
		g.vals[p.name] = bound(tidy(before.raw), limit(p))
	default:
		return
	}
	r.tasks = r.tasks[:n-1]
}

// takes puts the values that a statement gives into a goal that changes something; false where it gives none.
func (g *goal) takes(c *clause) bool {
	took := false
	for _, p := range g.tool.order {
		if v, ok := c.stated(p); ok && g.tool.class != read && p != g.tool.prose && g.vals[p.name] == nil && inBounds(p, v) {
			g.vals[p.name], took = v, true
		}
	}
	return took
}

// usesRest reports whether a goal took what follows the colon as one of its values.
func (g *goal) usesRest(c *clause) bool {
	for _, v := range g.vals {
		if s, ok := v.(string); ok && s == bound(tidy(c.rest), 1000) {
			return true
		}
	}
	return false
}

// doubt is the condition under which a change was asked for, "" for none.
func (c *clause) doubt(t *tool, before string) string {
	if before != "" {
		return before
	}
	if t.prose != nil {
		return ""
	}
	w := words(c.toks)
	for i := range w {
		if w.in(i, "if", "unless") && i > 0 && !w.in(i+1, "possible", "you", "available", "that", "so", "free") {
			return c.msg[c.toks[i].start:c.toks[len(c.toks)-1].end]
		}
	}
	return ""
}

// link lets a goal lean on the one before it in the same message: "book … and remind me".
func (r *round) link(g *goal, last []*goal) {
	if len(last) == 0 || g.tool.class == read {
		return
	}
	prev := last[len(last)-1]
	if prev.tool.class == read || prev.tool == g.tool {
		return
	}
	d := g.tool.first(kDate)
	prose := g.tool.prose
	needsDay := d != nil && d.required && !g.when.known()
	needsText := prose != nil && g.vals[prose.name] == nil
	if needsDay || needsText {
		g.after = prev
		if len(g.who) == 0 && needsText {
			g.who = slices.Clone(prev.who)
		}
		if needsDay && g.when.clock == "" {
			g.when.from, g.when.to = prev.when.from, prev.when.to
		}
	}
}

// clause decides one clause; nil means that it adds nothing of its own.
func (r *round) clause(c *clause, first bool, last []*goal) []task {
	if tasks, ok := r.distress(c); ok {
		return tasks
	}
	if say, ok := r.elsewhere(c); ok {
		return []task{{say: say}}
	}
	if say, ok := r.smallTalk(c); ok {
		if r.mem.lookup == "" && r.mem.proposal == nil && r.mem.offer == nil && r.mem.asked == nil || !isAnswer(c) {
			return []task{{say: say, small: true}}
		}
	}
	if first {
		if tasks, ok := r.followUp(c); ok {
			return tasks
		}
	}
	if c.negated && !slices.ContainsFunc(c.senses, func(s sense) bool { return s.class == read }) {
		return []task{{say: "All right, I will not do that."}}
	}
	if tasks, ok := r.inherit(c, last); ok {
		return tasks
	}
	if c.fragment() {
		return []task{{help: true, say: "I did not understand “" + bound(c.raw, 160) + "”. If it is about a pet, say for example “tell me about " + c.who[0].name + "”."}}
	}
	if r.unconnected {
		return []task{r.withoutTools(c)}
	}
	if say, ok := r.unsettable(c); ok {
		return []task{{say: say}}
	}
	if tasks, ok := r.aboutThing(c, last); ok {
		return tasks
	}
	t := r.box.choose(c)
	if t == nil && c.howto { // "how do I remove a tick": not an order after all
		plain := *c
		plain.mood, plain.verb, plain.senses = moodAsk, -1, nil
		c = &plain
		t = r.box.choose(c)
	}
	if c.general() && !r.ordered(c) && r.box.searcher() != nil {
		plain := *c
		plain.mood, plain.verb, plain.senses = moodAsk, -1, nil
		c, t = &plain, r.box.searcher()
	}
	if t != nil && r.outside(c, t) == "" {
		if c.howto && t.class != read {
			return []task{{say: explain(t)}}
		}
		g := newGoal(t, c, r.now, r.anchor(last))
		r.lean(g, c, last)
		r.recall(g, c)
		return []task{{goal: g}}
	}
	// "What should I do?" after "Fido is limping." belongs to it.
	if len(last) > 0 && len(c.content()) == 0 && c.mood == moodAsk {
		return nil
	}
	t0 := cannot(c)
	t0.loose, t0.clause = c.mood == moodStatement || c.mood == moodBare && len(c.toks) > 2, c
	return []task{t0}
}

func isAnswer(c *clause) bool {
	return len(c.toks) <= 3 && (lex().is("yes", c.toks[0].low) || lex().is("no", c.toks[0].low))
}

// anchor is the day that "the day before" counts from.
func (r *round) anchor(last []*goal) time.Time {
	for i := len(last) - 1; i >= 0; i-- {
		if last[i].when.single() {
			return last[i].when.from
		}
	}
	return r.mem.day
}

// lean lets a clause without a pet of its own speak of the pet of the clause before: "Is Fido due, and when is his visit?"
func (r *round) lean(g *goal, c *clause, last []*goal) {
	ref := g.tool.ref()
	if ref == nil || len(last) == 0 {
		return
	}
	prev := last[len(last)-1]
	for i, m := range g.who {
		if m.kind == byPronoun && len(prev.who) > 0 {
			g.who = append(slices.Clone(g.who[:i]), append(slices.Clone(prev.who), g.who[i+1:]...)...)
			return
		}
	}
	if len(g.who) == 0 && len(prev.who) > 0 && (ref.required || g.tool.class == read && c.verb < 0 && len(c.toks) <= 3) {
		g.who = slices.Clone(prev.who)
	}
}

// recall gives "remind me about it" what was spoken of last: its name, its day and its pet.
func (r *round) recall(g *goal, c *clause) {
	p := g.tool.prose
	if p == nil || g.tool.class == read || g.vals[p.name] != nil || len(r.mem.things) == 0 || !words(c.toks).has("it", "that", "this") {
		return
	}
	th := r.mem.things[0]
	g.vals[p.name] = bound(noun(th.kind, th.fields), limit(p))
	if pet := name(th.fields["pet"]); pet != "" && len(g.who) == 0 {
		g.who = []mention{{kind: byName, name: pet}}
	}
	if d, err := time.Parse(time.DateOnly, text(th.fields, "date")); err == nil && !g.when.known() {
		g.when.from, g.when.to = d, d
	}
}

// outside is the word of a clause that lies outside what the tools are about, "" for none.
func (r *round) outside(c *clause, t *tool) string {
	for _, w := range c.content() {
		if (lex().is("outside", w.low) || lex().is("diagnosis", w.low) && t.prose == nil) && t.words[w.stem] < 0.5 && t.words[w.low] < 0.5 && !(t.class != read && t.prose != nil) {
			return w.low
		}
	}
	return ""
}

// withoutTools decides a clause before the app is connected: only what no tool could do is answered.
func (r *round) withoutTools(c *clause) task {
	for _, w := range c.content() {
		if lex().is("outside", w.low) {
			return cannot(c)
		}
	}
	return task{needs: true}
}

// cannot says that a clause leads to no tool: outside what the assistant does, not offered, or not understood.
func cannot(c *clause) task {
	lx := lex()
	quote := "“" + bound(c.raw, 160) + "”"
	known, topic, ill, named, harm, desk := false, false, false, false, false, false
	for i, t := range c.toks {
		ill = ill || lx.is("diagnosis", t.low)
		topic = topic || lx.is("outside", t.low)
		harm = harm || lx.is("harm", t.low)
		for _, o := range lx.objects[t.low] {
			desk = desk || o == "support"
			named = named || o != "health" && !c.taken[i]
		}
		known = known || i == c.verb && c.mood == moodCommand && !verbOnly[t.low]
	}
	switch {
	case topic:
		return task{help: true, say: "I cannot help with " + quote + ": it is outside what this app does."}
	case harm && c.mood != moodAsk && c.mood != moodCommand:
		return task{help: true, say: unwell}
	case ill && !desk:
		return task{help: true, say: "I cannot diagnose or treat an animal, so I cannot answer " + quote + ". A vet can: please ask the clinic."}
	case harm:
		return task{help: true, say: unwell}
	case c.mood == moodAsk && !c.strange():
		return task{help: true, say: "I cannot look up " + quote + ": none of my tools tells that."}
	case known || named && c.mood != moodBare:
		return task{help: true, say: "None of my tools can do " + quote + "."}
	}
	return task{help: true, say: "I did not understand " + quote + "."}
}

// strange reports whether a clause has words that are no ordinary English.
func (c *clause) strange() bool {
	for i, t := range c.toks {
		if isWord(t) && !c.taken[i] && !lex().knows(t.low) && !lex().knows(strings.ToLower(t.text)) {
			return true
		}
	}
	return false
}

// explain answers "how do I …" for a tool that changes something: it never runs it.
func explain(t *tool) string {
	var need []string
	for _, p := range t.order {
		if p.required {
			need = append(need, strings.ToLower(p.label()))
		}
	}
	s := "You can ask me for it here, in your own words: “" + t.label() + "”."
	if len(need) > 0 {
		s += " I need: " + strings.Join(need, ", ") + "."
	}
	return s
}

// label is what a tool is called in replies.
func (t *tool) label() string {
	if t.Title != "" {
		return line(bound(t.Title, 80))
	}
	return humanise(t.Name)
}

// label is what a property is called in replies.
func (p *property) label() string {
	if p.title != "" {
		return line(bound(p.title, 80))
	}
	return humanise(p.name)
}

// humanise turns weight_kg into "weight (kg)" and next_due into "next due".
func humanise(name string) string {
	var out []string
	for _, w := range strings.Fields(spaced(name)) {
		if units[w] != "" && len(out) > 0 {
			w = "(" + w + ")"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
