package assistant

import (
	"slices"
	"strings"
	"time"
)

// when is the time a goal speaks of.
type when struct {
	from, to time.Time // to is inclusive; both zero for none
	open     bool      // from that day on
	clock    string
	part     string
	notes    []string // how doubtful days were read
}

func (w when) known() bool  { return !w.from.IsZero() }
func (w when) single() bool { return w.known() && w.from.Equal(w.to) && !w.open }

// covers reports whether a day (YYYY-MM-DD) lies in the time that was asked about.
func (w when) covers(date string) bool {
	return !w.known() || date >= isoDate(w.from) && (w.open || date <= isoDate(w.to))
}

// goal is a tool to use for a clause, with what is known of its arguments. It becomes one call for each pet it is about.
type goal struct {
	tool   *tool
	clause *clause
	who    []mention
	when   when
	vals   map[string]any // by property name
	after  *goal          // the goal whose success this one waits for
	hint   []string       // words that tell which thing is meant: "the reminder about worms"
	thing  bool           // "it", "that one": the thing last spoken of
	taught bool           // its text was made from the result of the goal before

	problem *problem // a value that cannot be used
	once    string   // what was asked for again and again: "every day"
	byPet   bool     // nothing but the pet tells which thing is meant
	sure    bool     // the person said plainly what to do
	what    string   // what would be undone, for a question before it is
}

// clone copies a goal, so that a follow-up can change the copy.
func (g *goal) clone() *goal {
	n := *g
	n.vals = map[string]any{}
	for k, v := range g.vals {
		n.vals[k] = v
	}
	n.who = slices.Clone(g.who)
	n.after, n.when.notes = nil, nil
	return &n
}

// newGoal reads the arguments of a tool from a clause. anchor is the day that "the day before" counts from.
func newGoal(t *tool, c *clause, now time.Time, anchor time.Time) *goal {
	g := &goal{tool: t, clause: c, vals: map[string]any{}}
	g.readPeople(c)
	back := t.looksBack(c)
	g.when = c.when(back, anchor)
	g.when.open = g.when.open && !back
	for _, p := range t.order {
		switch {
		case p == t.prose:
			if v := bound(c.prose(t), limit(p)); v != "" && (t.class == read || c.rest != "" || sayable(v)) {
				g.vals[p.name] = v
			}
		case p.kind == kDate, p.kind == kTime, p.kind == kRef, p.kind == kCursor, p.kind == kOther:
		default:
			if v, ok := c.stated(p); ok && inBounds(p, v) {
				g.vals[p.name] = v
			}
		}
	}
	if ref := t.ref(); c.rest != "" && len(g.who) == 0 && ref != nil && !ref.required && t.prose != nil && t.class != read {
		rest := tokenize(c.rest)
		for _, m := range findMentions(rest, make([]bool, len(rest)), nil, nil) {
			if m.kind == byName && !m.guess {
				g.who = []mention{m}
				break
			}
		}
	}
	g.nearestDay(now)
	g.checkLimits(c)
	_, id := g.vals[t.identity().name]
	g.sure = id || t.sends() && (c.rest != "" || c.verb >= 0 && lex().is("sends", c.toks[c.verb].low))
	if t.class == destroy || t.class == change {
		for _, w := range c.content() {
			g.hint = append(g.hint, w.stem)
		}
		if t.ref() == nil { // "the reminder for Milo": whose it is tells which
			for _, m := range c.who {
				if m.kind == byName {
					g.byPet = g.byPet || !g.describes(t.identity().of)
					g.hint = append(g.hint, stem(strings.ToLower(m.name)))
				}
			}
		}
		g.thing = words(c.toks).has("it", "that", "this") && len(c.who) == 0
	}
	return g
}

// sayable reports whether a text is more than "it" or "me".
func sayable(v string) bool {
	for _, t := range tokenize(v) {
		if !lex().is("stop", t.low) || t.upper && !t.first {
			return true
		}
	}
	return false
}

// readPeople sorts the names of a clause: an owner where a word says so ("owner Alice", "Alice's pets"), else the pet.
func (g *goal) readPeople(c *clause) {
	w := words(c.toks)
	var pet, other, label *property
	for _, p := range g.tool.order {
		if p.kind != kRef {
			continue
		}
		if p.of == "pet" {
			pet = p
		} else {
			other = p
		}
	}
	for _, p := range g.tool.order {
		if p.kind == kLabel && p.required {
			if _, ok := c.stated(p); !ok {
				label = p
			}
		}
	}
	for _, m := range c.who {
		switch {
		case label != nil && m.kind == byName && g.vals[label.name] == nil && !w.in(m.i-1, "owner", "for", "of", "is", "by", "client", "to"): // "new patient: Misty"
			g.vals[label.name] = m.name
		case g.takenByLabel(c, m), m.guess && g.tool.prose != nil && pet != nil && !pet.required && !c.has(byPronoun, m.j), // "remind me to pack": pack is no pet
			pet != nil && !pet.required && m.kind == byName && w.in(m.i-1, "call", "phone", "with", "ask", "email", "text", "ring", "tell"): // "to call Dora": a person
		case other != nil && m.kind == byName && (pet == nil || w.in(m.i-1, "owner", "client") || w.in(m.i-1, "by", "is") && w.in(m.i-2, "owned", "owner")) && !(g.tool.class == read && m.guess && !c.owner(m)):
			g.vals[other.name] = m.name
		default:
			g.who = append(g.who, m)
		}
	}
}

// owner reports whether a name is that of a person whose pets are meant: "the pets of Alice", "Alice's cats".
func (c *clause) owner(m mention) bool {
	w := words(c.toks)
	plural := func(i int) bool {
		return lex().is("plural", w.at(i)) && slices.ContainsFunc(lex().objects[w.at(i)], func(o string) bool { return o == "pet" || animals[o] })
	}
	return m.kind == byName && (w.in(m.i-1, "of", "for", "owner", "client", "by", "to") && (plural(m.i-2) || plural(m.i-3)) || w.in(m.i-1, "owner", "client") || plural(m.j))
}

// takenByLabel reports whether a name is one to give: "a dog called Rex", "rename Milo to Miles".
func (g *goal) takenByLabel(c *clause, m mention) bool {
	for _, p := range g.tool.order {
		if p.kind == kLabel && m.kind == byName {
			if v, ok := c.stated(p); ok && strings.EqualFold(v.(string), m.name) && words(c.toks).in(m.i-1, "called", "named", "to", "is", "as", "into") {
				return true
			}
		}
	}
	// "breed to Golden Retriever", "owner is Dora": the value of a text is no pet either.
	for _, p := range g.tool.order {
		if p.kind == kText && p != g.tool.prose && m.kind == byName {
			if v, ok := c.stated(p); ok && strings.Contains(v.(string), m.name) && m.i > c.cue(p) && c.cue(p) >= 0 {
				return true
			}
		}
	}
	return false
}

// looksBack reports whether days in a clause lie behind: "got his shot on the 5th", "born on 3 March".
func (t *tool) looksBack(c *clause) bool {
	if c.told || words(c.toks).has("born", "dateofbirth") {
		return true
	}
	for _, p := range t.order {
		if p.kind == kDate && (slices.Contains(p.concepts, "birth") || t.verbs["record"]) {
			return true
		}
	}
	return false
}

// when is the time a clause speaks of.
func (c *clause) when(back bool, anchor time.Time) when {
	w := when{clock: c.clock(), part: c.part()}
	for _, s := range c.days {
		from, to := s.from, s.to
		if s.anchored {
			if anchor.IsZero() {
				continue
			}
			from = anchor.AddDate(0, 0, s.relative)
			to = from
		} else if back && !s.past.IsZero() {
			from, to = s.past, s.past
			if !s.pastTo.IsZero() {
				to = s.pastTo
			}
		}
		if !w.known() {
			w.from, w.to, w.open = from, to, s.open
		} else if from.After(w.to) && !back {
			w.to = to // "Tuesday or Thursday", "Tuesday the 1st"
		}
		if s.note != "" {
			w.notes = append(w.notes, s.note)
		}
		if s.from.Equal(s.to) && len(c.days) > 1 && w.single() {
			continue
		}
	}
	return w
}

// nearestDay gives a tool with a required day and an optional time ("remind me at 5") the next day with that time.
func (g *goal) nearestDay(now time.Time) {
	d, c := g.tool.first(kDate), g.tool.first(kTime)
	if d == nil || c == nil || !d.required || c.required || g.when.known() || g.when.clock == "" {
		return
	}
	y, m, dd := now.Date()
	at := time.Date(y, m, dd, 0, 0, 0, 0, time.UTC)
	if g.when.clock <= now.Format("15:04") {
		at = at.AddDate(0, 0, 1)
	}
	g.when.from, g.when.to = at, at
}

var (
	startWords = set("from start begin first check_in checkin arrival arrive arriv since drop")
	endWords   = set("to until till end last check_out checkout departure depart departur pick return")
	partClock  = map[string]string{"morning": "09:00", "afternoon": "14:00", "evening": "18:00"}
)

// arguments are what a tool can be given now, for one pet; name is empty for none.
func (g *goal) arguments(t *tool, name string) map[string]any {
	args := map[string]any{}
	dates := 0
	for _, p := range t.order {
		if p.kind == kDate {
			dates++
		}
	}
	for _, p := range t.order {
		if v, ok := g.vals[p.name]; ok && (t == g.tool || p.fits(v)) {
			args[p.name] = v
			continue
		}
		switch p.kind {
		case kDate:
			if v := g.when.dateFor(p, dates, t.class == read); v != "" {
				args[p.name] = v
			}
		case kTime:
			if g.when.clock != "" {
				args[p.name] = g.when.clock
			} else if c := partClock[g.when.part]; c != "" && !p.required {
				args[p.name] = c
			}
		case kNumber:
			if t.class == read && slices.Contains(p.concepts, "day") && dates == 1 && g.when.known() && !g.when.open {
				n := float64(int(g.when.to.Sub(g.when.from).Hours()/24) + 1)
				if p.max != nil {
					n = min(n, *p.max)
				}
				args[p.name] = n
			}
		case kEnum:
			if slices.Contains(p.enum, g.when.part) {
				args[p.name] = g.when.part
			}
		case kRef:
			if name != "" && p == t.ref() {
				args[p.name] = name
			}
		}
	}
	return args
}

// fits reports whether a value found for one tool can be given to another tool's property of the same name.
func (p *property) fits(v any) bool {
	switch v := v.(type) {
	case string:
		return p.kind == kEnum && slices.Contains(p.enum, v) || p.kind == kRef
	case float64:
		return p.kind == kNumber
	}
	return false
}

// dateFor picks the day for a property. A tool that changes something gets a day only where one day was meant.
func (w when) dateFor(p *property, dates int, reads bool) string {
	if !w.known() {
		return ""
	}
	if dates > 1 {
		for _, c := range append([]string{p.name}, p.concepts...) {
			if endWords[c] {
				if w.single() || w.open {
					return ""
				}
				return isoDate(w.to)
			}
			if startWords[c] {
				return isoDate(w.from)
			}
		}
		return ""
	}
	if !reads && !w.single() {
		return ""
	}
	return isoDate(w.from)
}
