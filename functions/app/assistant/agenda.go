package assistant

import (
	"slices"
	"strings"
)

// agenda lists dated things. Where a day was asked for, only that; for "the next one" only the next.
func (r *round) agenda(x result, key string, all []object, res object) string {
	c, what := x.goal.clause, humanise(key)
	one := strings.TrimSuffix(what, "s")
	w := words(c.toks)
	for_ := ""
	if x.name != "" {
		for_ = " for " + x.name
	}
	when := c.when(c.past, r.mem.day)
	if c.past && len(c.days) > 0 {
		when = c.when(true, r.mem.day)
	}
	var fit []object
	for _, f := range all {
		if when.covers(text(f, "date")) {
			fit = append(fit, f)
		}
	}
	if when.known() && len(fit) == 0 {
		s := "I found no " + what + for_ + " on " + longDate(when.from)
		if !when.single() {
			s = "I found no " + what + for_ + " from " + longDate(when.from)
			if !when.open {
				s += " to " + longDate(when.to)
			}
		}
		return s + "."
	}
	today := isoDate(r.cal.today)
	if w.has("next", "upcoming") && !c.plural() {
		for _, f := range fit {
			if s := text(f, "status"); text(f, "date") >= today && s != "cancelled" && s != "past" {
				return capital("the next " + one + for_ + ": " + summary(f) + ".")
			}
		}
		return "I found no coming " + one + for_ + "."
	}
	if w.has("last", "latest", "previous") && !c.plural() {
		var found object
		for _, f := range fit {
			if text(f, "date") < today && (found == nil || text(f, "date") > text(found, "date")) {
				found = f
			}
		}
		if found != nil {
			return capital("the last " + one + for_ + ": " + summary(found) + ".")
		}
	}
	if gone := slices.DeleteFunc(slices.Clone(fit), func(f object) bool { return text(f, "date") > today }); w.has("past", "previous", "earlier", "history") && len(gone) > 0 {
		fit = gone
		what = "past " + what
	}
	var sb strings.Builder
	sb.WriteString(capital(what) + for_ + ":")
	for i, f := range fit {
		if i == maxRows {
			sb.WriteString("\n• and more")
			break
		}
		sb.WriteString("\n• " + summary(f))
	}
	if text(res, "next_cursor") != "" {
		sb.WriteString("\nThere are more than these.")
	}
	return sb.String()
}

// outcome says what became of one dated thing: booked, set, cancelled.
func outcome(x result, key string, f object) string {
	what := capital(humanise(key))
	switch status := text(f, "status"); {
	case x.goal.tool.class == destroy:
		return what + " cancelled: " + summary(object{"date": f["date"], "time": f["time"], "text": f["text"], "pet": f["pet"], "kind": f["kind"], "vet": f["vet"]}) + "."
	case status != "":
		return what + " " + status + ": " + summary(f) + "."
	case x.goal.tool.class == create:
		return what + " set: " + summary(f) + "."
	}
	return what + ": " + summary(f) + "."
}
