package assistant

import "slices"

// What is said when an animal may be in danger, and when it is dead or beyond help. They state nothing about the animal.
const (
	callVet = "This may be an emergency. If it is happening now, call a vet at once; do not wait for this chat."
	sorry   = "I am so sorry. If you like, I can send the clinic a message for you, or look for a free appointment to talk it over with a vet: just say so."
	unwell  = "I am sorry that there is trouble. I cannot judge how ill or hurt an animal is: if it may be serious, call a vet at once; do not wait for this chat."
)

// distress decides the clause that tells of danger or death: a plain order in it is carried out, anything else in it is no
// wish. Danger also leads to the article on it.
func (r *round) distress(c *clause) ([]task, bool) {
	danger := r.alarm != nil && c.holds(r.alarm.at)
	grief := findPattern("grief", c.toks) != nil && (len(c.who) > 0 || c.mood != moodAsk)
	if !danger && !grief {
		return nil, false
	}
	var tasks []task
	if r.ordered(c) {
		if t := r.box.choose(c); t != nil && t.class != read {
			tasks = append(tasks, task{goal: newGoal(t, c, r.now, r.mem.day)})
		}
	}
	switch {
	case danger:
		return append(tasks, r.lookUp(c, r.alarm.query)...), true
	case len(tasks) > 0:
		return append([]task{{say: "I am so sorry."}}, tasks...), true
	}
	r.suggest = append(r.suggest, "Send the clinic a message", "Find a free appointment")
	return []task{{say: sorry}}, true
}

// holds reports whether a place of the message lies in the clause.
func (c *clause) holds(at int) bool {
	return at >= c.toks[0].start && at <= c.toks[len(c.toks)-1].start
}

// ordered reports whether a clause plainly orders something: to book, to cancel, to send, not "put him to sleep".
func (r *round) ordered(c *clause) bool {
	return c.mood == moodCommand && slices.ContainsFunc(c.senses, func(s sense) bool { return special[s.concept] || s.class == destroy })
}

// lookUp searches the clinic's articles for words; nothing where no tool can.
func (r *round) lookUp(c *clause, query string) []task {
	t := r.box.searcher()
	if t == nil {
		return nil
	}
	g := &goal{tool: t, clause: c, vals: map[string]any{t.prose.name: bound(query, limit(t.prose))}}
	for _, p := range t.order {
		if p.kind == kNumber && slices.Contains(p.concepts, "limit") { // in danger nobody reads a list
			g.vals[p.name] = 1.0
		}
	}
	return []task{{goal: g}}
}

// searcher is the read-only tool that looks for words in articles on health; nil for none.
func (b *toolbox) searcher() *tool {
	var best *tool
	for _, t := range b.tools {
		if t.class == read && t.prose != nil && t.words["health"] > 0 && (best == nil || t.words["health"] > best.words["health"] || t.words["health"] == best.words["health"] && t.Name < best.Name) {
			best = t
		}
	}
	return best
}

// beforeConnecting is the reply to danger when no tool is at hand yet.
func (r *round) beforeConnecting() Step {
	r.next.lookup = r.alarm.query
	return Step{
		Reply:       callVet + "\n\nOnce you have connected me to the clinic, I can look up its article on this: say “yes”.",
		Suggestions: []string{"Find articles about " + r.alarm.query},
	}
}
