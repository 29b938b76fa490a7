package assistant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pick reads a clause as a choice from an offer: "the second one", "at 10:30 then", "Thursday", "with Dr Kim", "yes".
func (r *round) pick(c *clause, o *offer) ([]task, bool) {
	w := words(c.toks)
	yes := lex().is("yes", w.at(0))
	// An order or a question of another kind is no choice.
	if c.mood == moodAsk && !r.light(c) {
		return nil, false
	}
	if c.mood == moodCommand && !r.agrees(c, o) && !yes {
		return nil, false
	}
	if r.isNew(c, o.goal.tool, true) && !words(c.toks).has("it", "one") {
		return nil, false
	}
	if c.badDay+c.badTime != "" {
		return []task{{say: "There is no “" + bound(c.badDay+c.badTime, 40) + "”.", again: o}}, true
	}
	if len(c.who) > 0 && o.name != "" && c.who[0].kind == byName && !strings.EqualFold(c.who[0].name, o.name) {
		return nil, false
	}
	if n, ok := ordinal(c); ok {
		if n < 0 {
			n = o.shown - 1
		}
		if n < len(o.items) {
			return r.take(o, o.items[n], c), true
		}
		return []task{{say: "There are not that many.", again: o}}, true
	}
	if len(w) <= 2 {
		if n, err := strconv.Atoi(w.at(0)); err == nil && n >= 1 && n <= o.shown && !o.hasHour(n) {
			return r.take(o, o.items[n-1], c), true
		}
	}
	if h, minute, _, ok := clockWord(w.at(0)); ok && minute <= 0 && len(c.times) == 0 && len(w) <= 2 { // "10" to a list of times
		for _, f := range o.items {
			if strings.HasPrefix(text(f, "time"), fmt.Sprintf("%02d:", daytime(h))) {
				return r.take(o, f, c), true
			}
		}
	}
	left, used := o.narrow(c)
	switch {
	case used && len(left) == 1:
		return r.take(o, left[0], c), true
	case used && len(left) > 1 && c.clock() != "" && o.idProp == "":
		return r.take(o, left[0], c), true // the same time with several vets: any of them
	case used && len(left) > 1 && len(c.days) > 0 && o.idProp == "" && o.browse: // "Wednesday": that day has more than was shown
		return nil, false
	case used && len(left) > 1 && !c.question && !(len(c.days) > 0 && o.idProp == ""):
		n := *o
		n.items = left
		return []task{{say: "There are several of those.", again: &n}}, true
	case len(w) <= 4 && (w.has("any", "whichever", "either", "anything") || yes && len(o.items) == 1):
		return r.take(o, o.items[0], c), true
	case yes || r.agrees(c, o) && w.has("it", "that", "one") && len(c.who)+len(c.days)+len(c.times) == 0:
		if len(o.items) == 1 {
			return r.take(o, o.items[0], c), true
		}
		return []task{{say: "Gladly.", again: o}}, true
	case o.idProp == "" && (len(left) == 0 || len(c.days) > 0) && !(o.browse && (c.question || c.clock() == "")) && (len(c.days) > 0 || len(c.times) > 0) && len(c.content()) == 0:
		// Another day or time than those offered: the wish stays, and the server decides.
		g := o.goal.clone()
		g.who = o.people()
		r.merge(g, c)
		if len(c.days) == 0 && c.clock() != "" {
			if d := o.onlyDay(); !d.IsZero() {
				g.when.from, g.when.to, g.when.open = d, d, false
			}
		}
		if len(c.days) > 0 && c.clock() == "" {
			g.when.clock = ""
		}
		return r.withThen(g, o.goal, o.then), true
	}
	return nil, false
}

// agrees reports whether the verb of a clause is one the offer's tool is for.
func (r *round) agrees(c *clause, o *offer) bool {
	for _, s := range c.senses {
		if o.goal.tool.verbs[s.concept] || s.class == o.goal.tool.class {
			return true
		}
	}
	return words(c.toks).in(0, "take", "get", "use", "choose", "pick", "make", "do", "go", "give", "try")
}

func (o *offer) people() []mention {
	if o.name == "" {
		return slices.Clone(o.goal.who)
	}
	return []mention{{kind: byName, name: o.name}}
}

func (o *offer) hasHour(n int) bool {
	for _, f := range o.items {
		if h, _, ok := strings.Cut(text(f, "time"), ":"); ok && h == strconv.Itoa(n/10)+strconv.Itoa(n%10) {
			return true
		}
	}
	return false
}

// onlyDay is the day that all offered items share, zero for none.
func (o *offer) onlyDay() time.Time {
	d := ""
	for _, f := range o.items {
		if x := text(f, "date"); d == "" {
			d = x
		} else if d != x {
			return time.Time{}
		}
	}
	t, err := time.Parse(time.DateOnly, d)
	if err != nil {
		return time.Time{}
	}
	return t
}

// narrow keeps the items that fit the days, times, names and words of a clause; used tells whether it had any of them.
func (o *offer) narrow(c *clause) (left []object, used bool) {
	w := c.when(false, time.Time{})
	var hints []string
	for _, t := range c.toks {
		low := strings.ToLower(t.text)
		if !lex().is("stop", low) && !lex().is("polite", low) && len(lex().senses(t)) == 0 && (lex().objects[t.low] == nil || o.tells(t.low)) && len(low) > 2 && !isCalendarWord(low) && low != "one" && !lex().is("yes", low) {
			hints = append(hints, t.stem)
		}
	}
	said := false
	for _, f := range o.items {
		all := ""
		for _, s := range flatten(f, 0) {
			all += " " + strings.ToLower(s)
		}
		hit := 0
		for _, t := range tokenize(all) {
			if slices.Contains(hints, t.stem) {
				hit++
			}
		}
		said = said || hit > 0
		if (hit > 0 || len(hints) == 0) && w.covers(text(f, "date")) && (w.clock == "" || w.clock == text(f, "time")) && inPart(w.part, text(f, "time")) {
			left = append(left, f)
		}
	}
	return left, w.known() || w.clock != "" || w.part != "" || said
}

// apart reports whether a field tells the items from each other.
func (o *offer) apart(field string) bool {
	seen := map[string]bool{}
	for _, f := range o.items {
		seen[text(f, field)] = true
	}
	return len(seen) == len(o.items)
}

// tells reports whether a word is the species of an item.
func (o *offer) tells(word string) bool {
	return slices.ContainsFunc(o.items, func(f object) bool { return slices.Contains(lex().objects[word], strings.ToLower(text(f, "species"))) })
}

// flatten lists the strings of an object.
func flatten(v any, depth int) []string {
	if depth > 3 {
		return nil
	}
	switch v := v.(type) {
	case string:
		return []string{line(v)}
	case object:
		var out []string
		for _, k := range sortedKeys(v) {
			out = append(out, flatten(v[k], depth+1)...)
		}
		return out
	}
	return nil
}

func inPart(part, clock string) bool {
	switch part {
	case "morning":
		return clock < "12:00"
	case "afternoon":
		return clock >= "12:00" && clock < "17:00"
	case "evening":
		return clock >= "17:00"
	}
	return true
}

// take completes the offer's goal with an item.
func (r *round) take(o *offer, f object, c *clause) []task {
	g := o.goal.clone()
	g.who = o.people()
	if len(c.who) > 0 && o.name == "" && o.idProp == "" {
		g.who = c.who
	}
	if o.idProp != "" {
		g.vals[o.idProp] = text(f, "id")
	} else {
		for _, p := range g.tool.order {
			if v := text(f, p.name); p.kind == kEnum && g.vals[p.name] == nil && slices.Contains(p.enum, v) {
				g.vals[p.name] = v
			}
		}
		if d, err := time.Parse(time.DateOnly, text(f, "date")); err == nil {
			g.when = when{from: d, to: d, clock: text(f, "time")}
		}
	}
	g.thing, g.hint, g.sure = false, nil, true
	return r.withThen(g, o.goal, o.then)
}
