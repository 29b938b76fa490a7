package assistant

import (
	"slices"
	"strings"
)

// which finds the thing that a goal is about among those a tool lists: the appointment to cancel, the reminder to delete.
func (r *round) which(g *goal, who string, id *property) result {
	x := result{goal: g, name: who}
	list := r.box.lister(id.of)
	args := map[string]any{}
	if ref := list.ref(); ref != nil && who != "" {
		args[ref.name] = who
	}
	o, ok := r.do(list, args)
	if !ok {
		x.waiting = true
		return x
	}
	if o.Outcome != OK {
		x.obs = &o
		return x
	}
	var open, fit []object
	for _, key := range sortedKeys(decode(o.Structured)) {
		for _, f := range objects(decode(o.Structured)[key]) {
			if s := text(f, "status"); text(f, "id") == "" || f["past"] == true || strings.HasPrefix(s, "cancel") || s == "past" {
				continue
			}
			open = append(open, f)
			if g.when.covers(text(f, "date")) && (g.when.clock == "" || text(f, "time") == "" || g.when.clock == text(f, "time")) {
				fit = append(fit, f)
			}
		}
	}
	named := g.matching(fit, id.of)
	sure := len(named) > 0 || !g.describes(id.of)
	if len(named) > 0 {
		fit = named
	}
	switch {
	case len(open) == 0:
		x.say = "I found no " + humanise(id.of) + " that I could use for that."
		if who != "" {
			x.say = "I found no " + humanise(id.of) + " for " + who + " that I could use for that."
		}
		return x
	case len(fit) == 1 && sure && (len(g.clause.toks) == 0 || !g.clause.plural() || len(open) == 1):
		next := *g
		next.vals = map[string]any{id.name: text(fit[0], "id")}
		next.who, next.when = nil, when{}
		next.sure, next.what = g.sure || g.when.known() || len(named) > 0 && !g.byPet, summary(fit[0])
		y := r.step(&next, "")
		y.name = who
		return y
	case len(fit) == 0:
		x.say = "I found none like that."
		fit = open
	case !sure:
		x.say = "I am not sure which one you mean."
	}
	fit = fit[:min(len(fit), maxShown)]
	x.offer = &offer{goal: g, name: who, items: fit, idProp: id.name, shown: len(fit)}
	return x
}

// namesakes are the pets of one name, when there are several and a tool lists them; false while that is looked up.
func (r *round) namesakes(who string) ([]object, bool) {
	list := r.box.lister("pet")
	if list == nil || !r.knownTwice(who) {
		return nil, true
	}
	o, ok := r.do(list, map[string]any{})
	if !ok {
		return nil, false
	}
	var out []object
	for _, v := range decode(o.Structured) {
		for _, f := range objects(v) {
			if strings.EqualFold(text(f, "name"), who) && text(f, "id") != "" && o.Outcome == OK && len(out) < maxShown {
				out = append(out, f)
			}
		}
	}
	return out, true
}

// knownTwice reports whether a refusal in this round may come from a name that several pets have: not from one that nobody has.
func (r *round) knownTwice(who string) bool {
	return slices.ContainsFunc(r.done, func(o Observation) bool {
		return o.Outcome == ToolError && text(decode(o.Structured), "error") == "invalid" && strings.Contains(line(o.Text)+text(decode(o.Structured), "message"), who)
	})
}

// matching are the things that share a telling word with the goal: "the reminder about worms".
func (g *goal) matching(items []object, kind string) []object {
	var out []object
	best := 0
	for _, f := range items {
		n := 0
		stems := map[string]bool{}
		for _, s := range flatten(f, 0) {
			for _, t := range tokenize(strings.ToLower(s)) {
				stems[t.stem] = true
			}
		}
		for _, h := range g.telling(kind) {
			if stems[h] {
				n++
			}
		}
		switch {
		case n == 0 || n < best:
		case n > best:
			best, out = n, []object{f}
		default:
			out = append(out, f)
		}
	}
	return out
}

// telling are the goal's hints that are not the name of the kind itself.
func (g *goal) telling(kind string) []string {
	var out []string
	for _, h := range g.hint {
		if h != stem(kind) && !slices.Contains(lex().objects[h], kind) && !slices.Contains(lex().about(token{low: h, stem: h}), kind) {
			out = append(out, h)
		}
	}
	return out
}

func (g *goal) describes(kind string) bool { return len(g.telling(kind)) > 0 }

// propose is what the assistant may suggest after a result: a visit for a pet whose vaccination is due.
func (r *round) propose(g *goal, res object) *goal {
	next, _ := res["next"].(object)
	if next == nil || text(next, "due") == "" || g.tool.class != read {
		return nil
	}
	if s := text(res, "status"); s != "due soon" && s != "overdue" {
		return nil
	}
	for _, t := range r.box.tools {
		if t.class != create || r.box.finder(t) == nil {
			continue
		}
		n := &goal{tool: t, clause: g.clause, vals: map[string]any{}}
		if pet := name(res["pet"]); pet != "" {
			n.who = []mention{{kind: byName, name: pet}}
		}
		r.takeTopic(n, []*goal{g})
		return n
	}
	return nil
}

// name is the name in an object such as {"id": …, "name": …}.
func name(v any) string {
	f, _ := v.(object)
	return bound(text(f, "name"), 80)
}
