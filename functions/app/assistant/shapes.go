package assistant

import (
	"fmt"
	"slices"
	"strings"
)

// shape writes a successful result. The template is chosen by the shape of the data, not by the tool's name.
func (r *round) shape(x result) string {
	res := x.data()
	if len(res) == 0 {
		if s := block(x.obs.Text); s != "" {
			return bound(s, 1500)
		}
		return "Done: " + x.goal.tool.label() + "."
	}
	_, petIn := res["pet"].(object)
	_, list := res["vaccinations"].([]any)
	switch {
	case list && petIn:
		return vaccinations(x, res)
	case res["slots"] != nil && x.obs.Outcome == OK:
		return r.freeTimes(x)
	case text(res, "given") != "" && petIn:
		return recorded(res)
	case res["ticket"] != nil:
		return ticket(res)
	}
	for _, key := range sortedKeys(res) {
		switch v := res[key].(type) {
		case []any:
			all := objects(v)
			switch {
			case len(all) > 0 && text(all[0], "species") != "":
				return pets(x, all, res)
			case len(all) > 0 && text(all[0], "title") != "":
				return articles(all, text(object(x.obs.Call.Arguments), "query"))
			case len(all) > 0 && text(all[0], "date") != "":
				return r.agenda(x, key, all, res)
			case len(v) == 0 && len(res) <= 4 && !strings.Contains(key, "changed"):
				return nothing(x, key)
			}
		case object:
			switch {
			case text(v, "species") != "" || text(v, "birth_date") != "":
				return pet(x, v, res)
			case text(v, "date") != "":
				return outcome(x, key, v)
			}
		}
	}
	return generic(res, 0)
}

// nothing says that a list is empty.
func nothing(x result, key string) string {
	s := "I found no " + humanise(key)
	if x.name != "" {
		s += " for " + x.name
	}
	if q := text(object(x.obs.Call.Arguments), "query"); q != "" {
		s += " for “" + bound(q, 120) + "”"
	}
	return s + "."
}

// vaccinations answers when the next one is due, and with the whole plan where many or past ones were asked about.
func vaccinations(x result, res object) string {
	pet := name(res["pet"])
	status := text(res, "status")
	var s string
	if next, ok := res["next"].(object); ok && text(next, "due") != "" {
		what := text(next, "vaccine_name")
		if what == "" {
			what = text(next, "vaccine")
		}
		s = fmt.Sprintf("%s’s next vaccination is %s, due on %s%s.", pet, what, dateWords(text(next, "due")), daysUntil(next))
		if status == "" {
			status = text(next, "status")
		}
	} else {
		s = "No next vaccination is planned for " + pet + "."
	}
	if status != "" {
		s += " Status: " + status + "."
	}
	c := x.goal.clause
	var asked []object
	for _, v := range objects(res["vaccinations"]) {
		for _, t := range c.toks {
			low := strings.ToLower(text(v, "vaccine_name") + " " + text(v, "vaccine"))
			if !lex().is("stop", t.low) && slices.ContainsFunc(tokenize(low), func(w token) bool {
				return w.stem == t.stem && !slices.Contains(lex().objects[w.low], "vaccination")
			}) {
				asked = append(asked, v)
				break
			}
		}
	}
	named := len(asked) > 0
	if len(asked) == 0 && (c.past || words(c.toks).has("vaccinations", "history", "records", "record", "all", "list", "which", "plan", "missing", "shots", "vaccines")) {
		asked = objects(res["vaccinations"])
	}
	if len(asked) == 1 && !c.past && !named && len(objects(res["vaccinations"])) == 1 {
		asked = nil
	}
	for i, v := range asked {
		if i == maxRows {
			break
		}
		what := text(v, "vaccine_name")
		if what == "" {
			what = text(v, "vaccine")
		}
		row := "\n• " + what + ": "
		if d := dateWords(text(v, "last_given")); d != "" {
			row += "last given on " + d
		} else {
			row += "never recorded as given"
		}
		if d := dateWords(text(v, "next_due")); d != "" {
			row += ", next due on " + d
		}
		if st := text(v, "status"); st != "" {
			row += " (" + st + ")"
		}
		s += row
	}
	return s
}

func daysUntil(next object) string {
	n, ok := next["days_until"].(float64)
	switch {
	case !ok:
		return ""
	case n == 0:
		return ", today"
	case n == 1:
		return ", tomorrow (in 1 day)"
	case n == -1:
		return ", 1 day ago"
	case n < 0:
		return fmt.Sprintf(", %s days ago", decimal(-n))
	}
	return fmt.Sprintf(", in %s days%s", decimal(n), longSpan(int(n)))
}

// longSpan says in years and months about how long many days are; "" for less than a year.
func longSpan(days int) string {
	if days < 365 {
		return ""
	}
	months := (days*12 + 182) / 365
	s := counted(months/12, "year")
	if m := months % 12; m > 0 {
		s += " and " + counted(m, "month")
	}
	return " (about " + s + ")"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// freeTimes lists slots by day.
func (r *round) freeTimes(x result) string {
	if len(x.items) == 0 {
		s := "I found no free times"
		if w := x.goal.when; w.single() {
			s += " on " + longDate(w.from)
			if w.part != "" {
				s += " in the " + w.part
			}
		}
		return s + ". Shall I try another day? Just name it."
	}
	head := "Free times"
	if x.name != "" {
		head += " for " + x.name
	}
	var sb strings.Builder
	sb.WriteString(head + ":")
	last := ""
	for _, f := range x.items {
		if d := text(f, "date"); d != last {
			last = d
			sb.WriteString("\n" + dateWords(d))
		}
		sb.WriteString("\n• " + text(f, "time"))
		if v := text(f, "vet"); v != "" {
			sb.WriteString(" with " + bound(v, 80))
		}
	}
	if x.cut {
		sb.WriteString("\nThere are more: name a day or a time to see them.")
	}
	if x.offer != nil {
		sb.WriteString("\nWhich one would you like?")
	}
	return sb.String()
}

func recorded(res object) string {
	what := text(res, "vaccine_name")
	if what == "" {
		what = text(res, "vaccine")
	}
	s := fmt.Sprintf("Recorded: %s for %s, given on %s.", what, name(res["pet"]), dateWords(text(res, "given")))
	if d := dateWords(text(res, "next_due")); d != "" {
		s += " Next due on " + d + "."
	}
	return s
}

func ticket(res object) string {
	t, _ := res["ticket"].(object)
	s := "Your message is with the clinic’s support."
	if id := text(t, "id"); id != "" {
		s += " Ticket " + id + "."
	}
	if m := text(res, "message"); m != "" {
		s += " " + bound(m, 600)
	}
	return s
}

func pets(x result, all []object, res object) string {
	var sb strings.Builder
	sb.WriteString("These are the pets I can see:")
	for i, f := range all {
		if i == maxRows {
			sb.WriteString("\n• and more")
			break
		}
		sb.WriteString("\n• " + strings.Join(petWords(f), ", "))
	}
	if text(res, "next_cursor") != "" {
		sb.WriteString("\nThere are more than these.")
	}
	return sb.String()
}

func petWords(f object) []string {
	var out []string
	for _, k := range []string{"name", "species", "breed", "age"} {
		if s := scalar(k, f[k]); s != "" {
			if k == "age" {
				s = "age " + s
			}
			out = append(out, s)
		}
	}
	if o := name(f["owner"]); o != "" {
		out = append(out, "owner "+o)
	}
	return out
}

// pet writes a profile, or only the fields that were asked for or changed.
func pet(x result, f, res object) string {
	who := name(f)
	var changed []string
	if list, ok := res["changed"].([]any); ok {
		for _, v := range list {
			if k, ok := v.(string); ok && f[k] != nil {
				label, is := strings.TrimSuffix(humanise(k), unitTail(k)), " is now "
				if strings.HasSuffix(label, "s") {
					is = " are now "
				}
				changed = append(changed, label+is+scalar(k, f[k]))
			}
		}
		if len(changed) > 0 {
			if x.name != "" { // "Luna’s name is now Lunetta"
				who = x.name
			}
			return fmt.Sprintf("Done. %s’s %s.", who, strings.Join(changed, ", "))
		}
		return "Nothing changed for " + who + "."
	}
	if x.goal.tool.class == read {
		if s := askedFields(x.goal.clause, f, who); s != "" {
			return s
		}
	}
	head := strings.Join(petWords(object{"name": f["name"], "species": f["species"], "breed": f["breed"], "age": f["age"]}), ", ") + "."
	if x.goal.tool.class == create {
		head = "Added: " + head
	}
	for _, k := range []string{"sex", "birth_date", "weight_kg", "microchip", "notes", "owner"} {
		v := scalar(k, f[k])
		if n := name(f[k]); n != "" {
			v = n
		}
		if v != "" && f[k] != 0.0 { // a weight of nought is one that nobody took
			head += "\n• " + capital(strings.TrimSuffix(humanise(k), unitTail(k))) + ": " + v
		}
	}
	return head
}

// askedFields answers "how old is Fido?" with the fields that the question names.
func askedFields(c *clause, f object, who string) string {
	if c == nil {
		return ""
	}
	var out []string
	for _, k := range sortedKeys(f) {
		if k == "name" || k == "id" {
			continue
		}
		named := false
		for _, w := range splitName(k) {
			if units[w.low] != "" || w.low == "date" {
				continue
			}
			for i, t := range c.toks {
				if c.inMention(i) && !t.poss || lex().is("stop", t.low) {
					continue
				}
				for _, o := range append(append([]string{t.stem}, lex().objects[t.low]...), "") {
					named = named || o == w.stem || o != "" && slices.Contains(lex().objects[w.low], o) && o != "pet"
				}
			}
		}
		v := scalar(k, f[k])
		if n := name(f[k]); n != "" {
			v = n
		}
		switch {
		case named && v != "" && f[k] != 0.0:
			out = append(out, fmt.Sprintf("%s’s %s: %s.", who, strings.TrimSuffix(humanise(k), unitTail(k)), v))
		case named:
			out = append(out, fmt.Sprintf("No %s is recorded for %s.", strings.TrimSuffix(humanise(k), unitTail(k)), who))
		}
	}
	return strings.Join(out, "\n")
}

// shareWord reports whether two texts have a telling word in common.
func shareWord(a, b string) bool {
	stems := map[string]bool{}
	for _, t := range tokenize(b) {
		if !lex().is("stop", t.low) && !lex().is("polite", t.low) {
			stems[t.stem] = true
		}
	}
	return slices.ContainsFunc(tokenize(a), func(t token) bool { return stems[t.stem] })
}

// articles lists what was found. A sentence of the best one is quoted where it holds a word that was asked about.
func articles(all []object, query string) string {
	var sb strings.Builder
	sb.WriteString("The clinic’s articles say:")
	for i, f := range all {
		if i == maxRows {
			break
		}
		sb.WriteString("\n• " + bound(text(f, "title"), 120))
		if s := text(f, "summary"); s != "" {
			sb.WriteString(": " + bound(s, 400))
		}
		if s := text(f, "excerpt"); s != "" && i == 0 && shareWord(s, query) {
			sb.WriteString("\n“" + bound(s, 400) + "”")
		}
	}
	return sb.String()
}
