package assistant

import (
	"slices"
	"strings"
)

// people resolves the mentions of a goal to names; stop is set where that needs a look-up or a question first.
func (r *round) people(g *goal) (names []string, stop *result) {
	ref := g.tool.ref()
	if ref == nil || ref.of != "pet" || g.thing {
		return []string{""}, nil
	}
	if id := g.tool.first(kID); id != nil && g.vals[id.name] != nil {
		return []string{""}, nil
	}
	who := g.who
	if slices.ContainsFunc(who, func(m mention) bool { return m.kind != byPronoun }) { // "Fido got his shot": his is Fido's
		who = slices.DeleteFunc(slices.Clone(who), func(m mention) bool { return m.kind == byPronoun })
	}
	if len(who) == 0 {
		if !ref.required {
			return []string{""}, nil
		}
		// A question may be about the pet of some time ago; a change only about the pet just spoken of.
		if len(r.mem.focus) == 1 && (r.mem.fresh || g.tool.class == read) || len(r.mem.focus) > 1 && g.tool.class == read {
			return r.mem.focus, nil
		}
		return r.one(g, ref, nil)
	}
	for _, m := range who {
		switch m.kind {
		case byName:
			names = appendNew(names, r.spelled(m.name))
		case byPronoun:
			if len(r.mem.focus) == 1 || len(r.mem.focus) > 1 && (m.plural || g.tool.class == read) {
				for _, f := range r.mem.focus {
					names = appendNew(names, f)
				}
				continue
			}
			if len(names) > 0 { // "Remind me to give Milo his tablet"
				continue
			}
			if !ref.required {
				continue
			}
			found, stop := r.one(g, ref, nil)
			if stop != nil {
				return nil, stop
			}
			names = append(names, found...)
		case bySpecies:
			if i := slices.IndexFunc(r.mem.focus, func(f string) bool { return r.mem.species[f] == m.value }); i >= 0 && !m.plural {
				names = appendNew(names, r.mem.focus[i])
				continue
			}
			found, stop := r.one(g, ref, &m)
			if stop != nil {
				return nil, stop
			}
			for _, n := range found {
				names = appendNew(names, n)
			}
		case byAll:
			if m.plural && len(r.mem.focus) == 2 && words(g.clause.toks).has("both", "everyone") {
				for _, f := range r.mem.focus {
					names = appendNew(names, f)
				}
				continue
			}
			if !ref.required && g.tool.class == read {
				continue
			}
			found, stop := r.one(g, ref, &m)
			if stop != nil {
				return nil, stop
			}
			for _, n := range found {
				names = appendNew(names, n)
			}
		}
	}
	// "Remind me to give Fido and Milo their tablets" is one reminder, about neither alone.
	if len(names) == 0 || len(names) > 1 && !ref.required && g.tool.prose != nil && g.tool.class != read {
		return []string{""}, nil
	}
	return names[:min(len(names), maxCalls)], nil
}

// spelled is a name in the spelling of the tools, where they told it.
func (r *round) spelled(name string) string {
	for _, n := range append(slices.Clone(r.mem.names), r.next.names...) {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return name
}

// one looks up which pet is meant: the only one, all of them where many were meant, else the person is asked.
func (r *round) one(g *goal, ref *property, m *mention) ([]string, *result) {
	ask := &result{goal: g, ask: &question{goal: g, prop: ref}}
	list := r.box.lister("pet")
	if list == nil {
		return nil, ask
	}
	args := map[string]any{}
	what := "pet"
	if m != nil && m.kind == bySpecies {
		what = m.value
		for _, p := range list.order {
			if p.kind == kEnum && slices.Contains(p.enum, m.value) {
				args[p.name] = m.value
			}
		}
	}
	o, ok := r.do(list, args)
	if !ok {
		return nil, &result{goal: g, waiting: true}
	}
	if o.Outcome != OK {
		if o.Outcome == NeedsConsent || o.Outcome == Denied || r.replay {
			return nil, &result{goal: g, obs: &o, ask: ask.ask}
		}
		return nil, ask
	}
	var names []string
	for _, v := range decode(o.Structured) {
		for _, f := range objects(v) {
			s := text(f, "species")
			if n := text(f, "name"); n != "" && (what == "pet" || s == "" || strings.EqualFold(s, what)) {
				names = appendNew(names, bound(n, 60))
			}
		}
	}
	switch {
	case len(names) == 0 && what == "pet":
		return nil, &result{goal: g, say: "I see no pet that you may look at."}
	case len(names) == 0:
		return nil, &result{goal: g, say: "I see no " + what + " among the pets that you may look at."}
	case len(names) == 1 || m != nil && m.plural:
		return names, nil
	}
	r.suggest = append(r.suggest, names[:min(len(names), 4)]...)
	ask.say = "I see " + strings.Join(names[:min(len(names), maxShown)], ", ") + "."
	if len(names) > maxShown {
		ask.say = "I see " + strings.Join(names[:maxShown], ", ") + " and more."
	}
	return nil, ask
}
