package assistant

import (
	"fmt"
	"slices"
	"strings"
)

// problem is a value that was said but cannot be used: the person is told, and asked again.
type problem struct {
	say  string
	prop *property
}

// clockShape is what looks like a time of day, also where there is none such.
var clockShape = compiled(`^(\d{1,2})(?::(\d{2}))?(am|pm)?$`)

// findImpossible notes days and times that do not exist: "february 30", "2026-13-01", "25:00".
func (c *clause) findImpossible(cal calendar) {
	w := words(c.toks)
	for i := range w {
		if c.taken[i] {
			continue
		}
		m := clockShape().FindStringSubmatch(w.at(i))
		if m != nil && (m[2] != "" || m[3] != "") {
			if _, _, _, ok := clockWord(w.at(i)); !ok {
				c.badTime = c.toks[i].text
				c.taken[i] = true
			}
			continue
		}
		j := i
		switch {
		case isoPattern().MatchString(w.at(i)), slashPattern().MatchString(w.at(i)) && strings.Contains(w.at(i), "/") && w.in(i-1, "on", "by", "for", "until", "from"):
			j = i + 1
		case monthNames[w.at(i)] != 0 && dayPattern().MatchString(w.at(i+1)):
			j = i + 2
		case dayPattern().MatchString(w.at(i)) && monthNames[w.at(i+1)] != 0:
			j = i + 2
		case dayPattern().MatchString(w.at(i)) && w.in(i+1, "of") && monthNames[w.at(i+2)] != 0:
			j = i + 3
		}
		if _, ok := cal.dayAt(w, i); j > i && !ok {
			c.badDay = c.msg[c.toks[i].start:c.toks[j-1].end]
			mark(c.taken, i, j)
		}
	}
}

// repeatAt reads "every day", "every two weeks", "each Monday", "daily", "twice a day" at token i and returns the token after
// it, i where there is none. The weekday stays to be read as a day.
func repeatAt(w words, i int) int {
	switch {
	case w.in(i, "every", "each"):
		j := i + 1
		if w.in(j, "other", "single") {
			j++
		}
		if n, k := count(w, j); n > 0 {
			j = k
		}
		if _, ok := weekdayNames[w.at(j)]; ok {
			return i + 1
		}
		if isDurationUnit(w.at(j)) || parts[w.at(j)] != "" || w.in(j, "night", "weekend", "weekday") {
			if parts[w.at(j)] != "" {
				return j // "every morning": the morning counts
			}
			return j + 1
		}
	case w.in(i, "daily", "weekly", "monthly", "yearly", "nightly", "hourly", "regularly"):
		if i+1 == len(w) || w.in(i+1, "at", "to", "for", "from", "that", "about") || w[i].sep != "" {
			return i + 1
		}
	case w.in(i, "once", "twice", "times") && w.in(i+1, "a", "per", "every") && isDurationUnit(w.at(i+2)):
		return i + 3
	}
	return i
}

// findRepeats marks what asks for more than one time, so that it is no part of a text.
func (c *clause) findRepeats() {
	w := words(c.toks)
	for i := 0; i < len(w); i++ {
		if j := repeatAt(w, i); j > i && !c.taken[i] {
			c.repeat = strings.ToLower(c.msg[c.toks[i].start:c.toks[min(j, len(w)-1)].end])
			if j < len(w) && weekdayNames[w.at(j)] == 0 && !w.in(j, "sunday", "sundays", "sun") && parts[w.at(j)] == "" {
				c.repeat = strings.ToLower(c.msg[c.toks[i].start:c.toks[j-1].end])
			}
			c.times = append(c.times, timeSpan{i: i, j: j})
			mark(c.taken, i, j)
			i = j - 1
		}
	}
}

// checkLimits finds a value in the clause that the goal's tool cannot take.
func (g *goal) checkLimits(c *clause) {
	d, at := g.tool.first(kDate), g.tool.first(kTime)
	if c.badDay != "" && d != nil {
		g.problem = &problem{"There is no day “" + bound(c.badDay, 40) + "”.", d}
	}
	if c.badTime != "" && at != nil {
		g.problem = &problem{"There is no time “" + bound(c.badTime, 40) + "”.", at}
	}
	for _, p := range g.tool.order {
		if v, ok := c.stated(p); ok && p.kind == kNumber && !inBounds(p, v) && g.tool.class != read {
			g.problem = &problem{fmt.Sprintf("I cannot set the %s to %s: it must be %s.", plainLabel(p), decimal(v.(float64)), p.span()), p}
		}
	}
	if c.repeat != "" && g.tool.class != read && d != nil {
		g.once = c.repeat
	}
}

// plainLabel is a property's label without its unit.
func plainLabel(p *property) string {
	return strings.ToLower(strings.TrimSuffix(p.label(), unitTail(p.name)))
}

// span says in plain words which numbers a property takes.
func (p *property) span() string {
	var out []string
	if p.above != nil {
		out = append(out, "more than "+decimal(*p.above))
	} else if p.min != nil {
		out = append(out, "at least "+decimal(*p.min))
	}
	if p.max != nil {
		out = append(out, "at most "+decimal(*p.max))
	}
	return strings.Join(out, " and ")
}

// schemaError is the wording of a server's schema check, which tells a person nothing.
var schemaError = compiled(`(?i)\bvalidating\b|exclusiveM|additionalProperties|\bschema\b|/properties/`)

// bounds says in plain words which numbers the arguments of a call had to be.
func (t *tool) bounds(args map[string]any) string {
	s := ""
	for _, p := range t.order {
		if _, ok := args[p.name].(float64); ok && p.span() != "" {
			s += " The " + plainLabel(p) + " must be " + p.span() + "."
		}
	}
	return s
}

// inBounds reports whether a property takes a value; only numbers have bounds.
func inBounds(p *property, v any) bool {
	n, ok := v.(float64)
	return !ok || (p.min == nil || n >= *p.min) && (p.above == nil || n > *p.above) && (p.max == nil || n <= *p.max)
}

// sends reports whether the tool brings words to other people, which nothing takes back.
func (t *tool) sends() bool {
	return t.class == create && (t.OpenWorld || t.verbs["contact"])
}

// reckless is why a call should not be made before the person has said yes: "" where it was asked for plainly.
func (g *goal) reckless() string {
	switch {
	case g.sure:
		return ""
	case g.once != "":
		return "I can do this only once, not “" + bound(g.once, 60) + "”."
	case g.tool.class == destroy && !g.when.known(), g.tool.Destructive && g.tool.class == create, g.tool.sends():
		return "This cannot be taken back, so I ask first."
	}
	return ""
}

// confirm puts a call to the person before it is made; "yes" makes it.
func (r *round) confirm(g *goal, who, why string, args map[string]any) string {
	next := g.clone()
	next.sure, next.once = true, ""
	if who != "" {
		next.who = []mention{{kind: byName, name: who}}
		if r.held != nil && r.held.tool == g.tool && !slices.ContainsFunc(r.held.who, func(m mention) bool { return m.name == who }) {
			next.who = append(slices.Clone(r.held.who), next.who...)
		}
	}
	r.held = next
	what := g.what
	if what == "" {
		var parts []string
		for _, p := range g.tool.order {
			switch v := args[p.name].(type) {
			case string:
				if d := dateWords(v); d != "" {
					v = d
				}
				parts = append(parts, line(v))
			case float64:
				parts = append(parts, scalar(p.name, v))
			}
		}
		what = strings.Join(parts, ", ")
	}
	return why + "\n“" + g.tool.label() + "”: " + bound(what, 600) + ".\nShall I do that?"
}
