package assistant

import (
	"fmt"
	"slices"
	"strings"
)

// result is how far a goal has come for one pet.
type result struct {
	goal     *goal
	name     string // the pet, "" for none
	waiting  bool   // for calls
	obs      *Observation
	items    []object // slots to show
	cut      bool     // there are more slots than shown
	ask      *question
	offer    *offer
	say      string
	proposal *goal
}

// data is the structured result, nil for none.
func (x result) data() object {
	if x.obs == nil {
		return nil
	}
	return decode(x.obs.Structured)
}

func (x result) ok() bool {
	return x.obs != nil && x.obs.Outcome == OK && x.offer == nil && x.ask == nil
}

// advance takes a goal as far as the observations allow: it looks up who is meant, finds what is missing, then makes the call.
func (r *round) advance(g *goal) []result {
	if g.after != nil {
		before := r.results[g.after]
		for _, x := range before {
			if x.waiting {
				return []result{{goal: g, waiting: true}}
			}
		}
		if !slices.ContainsFunc(before, result.ok) {
			return []result{{goal: g, say: "I have not done “" + g.tool.label() + "” yet: it comes after that."}}
		}
		g.learn(before)
	}
	names, stop := r.people(g)
	if stop != nil {
		return []result{*stop}
	}
	var out []result
	for i, n := range names {
		x := r.step(g, n)
		out = append(out, x)
		if x.offer != nil && g.tool.class != read && i+1 < len(names) { // one choice at a time
			rest := g.clone()
			rest.who = nil
			for _, later := range names[i+1:] {
				rest.who = append(rest.who, mention{kind: byName, name: later})
			}
			x.offer.then = append(x.offer.then, rest)
			out = append(out, result{goal: g, say: "After that I go on with " + strings.Join(names[i+1:], " and ") + "."})
			break
		}
	}
	return out
}

// learn gives a goal what the one before it returned: the day, and a text that says what it was about.
func (g *goal) learn(before []result) {
	for _, x := range before {
		for _, key := range sortedKeys(x.data()) {
			f, ok := x.data()[key].(object)
			if !ok {
				continue
			}
			if p := g.tool.prose; p != nil && g.vals[p.name] == nil {
				g.vals[p.name], g.taught = bound(noun(key, f), limit(p)), true
			}
		}
	}
}

// noun says what a thing is: "Appointment for Fido at 10:00 on Tuesday, 1 December 2026".
func noun(kind string, f object) string {
	s := capital(humanise(kind))
	if pet := name(f["pet"]); pet != "" {
		s += " for " + pet
	}
	if at := text(f, "time"); at != "" {
		s += " at " + at
	}
	if d := dateWords(text(f, "date")); d != "" {
		s += " on " + d
	}
	return s
}

// step makes the call of a goal for one pet, or what must come before it.
func (r *round) step(g *goal, who string) result {
	x := result{goal: g, name: who}
	t := g.tool
	args := g.arguments(t, who)
	if g.problem != nil {
		next := g.clone()
		next.problem = nil
		x.ask = &question{goal: next, name: who, prop: g.problem.prop, why: g.problem.say}
		return x
	}
	if id := t.first(kID); id != nil && args[id.name] == nil && (id.required || t.class != read && !t.enough(args)) {
		if r.box.lister(id.of) != nil {
			return r.which(g, who, id)
		}
	}
	var missing *property
	for _, p := range t.order {
		if _, ok := args[p.name]; p.required && !ok && (missing == nil || p == t.ref() && p.of == "pet") {
			missing = p
		}
	}
	if missing != nil && (missing.kind == kDate || missing.kind == kTime || missing == t.prose) && r.box.finder(t) != nil {
		return r.slots(g, who)
	}
	if missing != nil {
		x.ask = &question{goal: g, name: who, prop: missing}
		if g.once != "" {
			x.ask.why = g.reckless()
			x.ask.goal = g.clone()
			x.ask.goal.once = ""
		}
		if missing.kind == kEnum {
			r.suggest = append(r.suggest, missing.enum[:min(len(missing.enum), 4)]...)
		}
		return x
	}
	if t.class == change && t.idle(args) {
		x.ask = &question{goal: g, name: who}
		for _, p := range t.order { // "rename Fido": the name is what is missing
			if p.kind != kRef && p.kind != kID && g.clause.cue(p) >= 0 {
				x.ask.prop = p
				break
			}
		}
		return x
	}
	if why := g.reckless(); why != "" {
		x.say = r.confirm(g, who, why, args)
		return x
	}
	o, ok := r.do(t, args)
	if !ok {
		x.waiting = true
		return x
	}
	x.obs = &o
	res := decode(o.Structured)
	if alt := objects(res["alternatives"]); o.Outcome == ToolError && len(alt) > 0 {
		x.offer = &offer{goal: g, name: who, items: alt[:min(len(alt), maxShown)], shown: min(len(alt), maxShown)}
	}
	if o.Outcome == ToolError && x.offer == nil && who != "" {
		if same, ok := r.namesakes(who); !ok {
			x.waiting = true
			return x
		} else if len(same) > 1 {
			return result{goal: g, say: "There are several pets called " + who + ".", offer: &offer{goal: g, items: same, idProp: t.ref().name, shown: len(same)}}
		}
	}
	if o.Outcome == OK && r.box.isFinder(t) {
		x.items = g.fitting(res)
		if b := r.box.booker(t); b != nil && len(x.items) > 0 {
			next := &goal{tool: b, clause: g.clause, vals: map[string]any{}, when: g.when}
			for k, v := range g.vals {
				if p := b.props[k]; p != nil && p.fits(v) {
					next.vals[k] = v
				}
			}
			next.who = slices.Clone(g.who)
			all := len(x.items)
			x.items = r.spread(x.items)
			x.offer = &offer{goal: next, items: x.items, shown: len(x.items), browse: true}
			x.cut = all > len(x.items)
			if len(next.who) == 0 && len(r.mem.focus) == 1 && r.mem.fresh {
				x.offer.name = r.mem.focus[0]
			}
		}
	}
	if o.Outcome == OK {
		x.proposal = r.propose(g, res)
	}
	return x
}

// enough reports whether a tool that can name its thing in several ways has one of them complete.
func (t *tool) enough(args map[string]any) bool {
	sets := t.anyOf
	if len(sets) == 0 {
		var rest []string
		for _, p := range t.order {
			if p.kind == kRef || p.kind == kDate {
				rest = append(rest, p.name)
			}
		}
		if len(rest) < 2 {
			return false
		}
		sets = [][]string{rest}
	}
	for _, s := range sets {
		if !slices.ContainsFunc(s, func(p string) bool { return args[p] == nil }) {
			return true
		}
	}
	return false
}

// idle reports whether arguments name a thing but no change.
func (t *tool) idle(args map[string]any) bool {
	for _, p := range t.order {
		if _, ok := args[p.name]; ok && p.kind != kRef && p.kind != kID {
			return false
		}
	}
	return slices.ContainsFunc(t.order, func(p *property) bool { return p.kind != kRef && p.kind != kID && p.kind != kCursor })
}

// slots looks for free times for a goal that needs one, and offers them.
func (r *round) slots(g *goal, who string) result {
	x := result{goal: g, name: who}
	f := r.box.finder(g.tool)
	o, ok := r.do(f, g.arguments(f, ""))
	if !ok {
		x.waiting = true
		return x
	}
	x.obs = &o
	if o.Outcome != OK {
		return x
	}
	res := decode(o.Structured)
	x.items = g.fitting(res)
	if len(x.items) == 0 && g.when.clock != "" {
		free := *g
		free.when.clock = ""
		if x.items = free.fitting(res); len(x.items) > 0 {
			x.say = fmt.Sprintf("Nothing is free at %s.", g.when.clock)
		}
	}
	if len(x.items) == 0 {
		return x
	}
	all := len(x.items)
	x.items = r.spread(x.items)
	x.cut = all > len(x.items)
	if len(x.items) == 0 {
		return x
	}
	x.offer = &offer{goal: g, name: who, items: x.items, shown: len(x.items)}
	return x
}

// maxShown bounds how many choices are put to the person at once.
const maxShown = 6

// fitting are the slots of a result that fit the goal's time.
func (g *goal) fitting(res object) []object {
	var out []object
	for _, key := range sortedKeys(res) {
		for _, f := range objects(res[key]) {
			if text(f, "date") == "" || text(f, "time") == "" {
				continue
			}
			if g.when.covers(text(f, "date")) && (g.when.clock == "" || g.when.clock == text(f, "time")) && inPart(g.when.part, text(f, "time")) {
				out = append(out, f)
			}
		}
	}
	return out
}

// spread keeps the first few slots: one for each time, since several vets at 09:00 are one choice to a person; two a day where
// there are several days; none that has gone by.
func (r *round) spread(items []object) []object {
	now := r.now.Format("2006-01-02 15:04")
	perDay := map[string][]object{}
	var days []string
	seen := map[string]bool{}
	for _, f := range items {
		d := text(f, "date")
		if at := d + " " + text(f, "time"); !seen[at] && at > now {
			seen[at] = true
			if perDay[d] == nil {
				days = append(days, d)
			}
			perDay[d] = append(perDay[d], f)
		}
	}
	most := maxShown
	if len(days) > 1 {
		most = max(2, maxShown/len(days))
	}
	var out []object
	for _, d := range days {
		if out = append(out, perDay[d][:min(len(perDay[d]), most)]...); len(out) >= maxShown {
			break
		}
	}
	return out[:min(len(out), maxShown)]
}
