package assistant

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// compose writes the reply from the results of the round. It states nothing that no tool returned and the person did not say.
func (r *round) compose() string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if r.alarm != nil {
		add(callVet)
	}
	help := false
	for _, t := range r.tasks {
		if t.small {
			add(t.say)
		}
	}
	for _, t := range r.tasks {
		if t.small {
			continue
		}
		help = help || t.help
		add(t.say)
		if t.again != nil {
			add(choices(t.again))
			r.next.offer = t.again
		}
		if t.goal == nil {
			continue
		}
		for _, n := range t.goal.when.notes {
			add(n)
		}
		for _, x := range r.results[t.goal] {
			add(r.tell(x))
		}
		add(caution(t.goal))
	}
	if r.next.proposal != nil && r.held == nil && r.next.offer == nil && r.next.asked == nil {
		add("Shall I look for a free appointment?")
	}
	if help {
		add(r.instead())
	}
	if len(out) == 0 {
		add("I have nothing to say to that. " + r.instead())
	}
	return bound(strings.Join(out, "\n\n"), maxReply)
}

// tell says how far a goal has come for one pet.
func (r *round) tell(x result) string {
	var s string
	switch {
	case x.obs == nil:
		s = x.say
	case x.obs.Outcome == OK:
		s = strings.TrimSpace(x.say + " " + r.shape(x))
	default:
		s = refusal(x)
	}
	switch {
	case x.offer != nil && x.obs != nil && x.obs.Outcome == ToolError:
		return s + "\nThese are free instead:" + choices(x.offer)
	case x.offer != nil && x.obs == nil:
		return strings.TrimSpace(s + choices(x.offer))
	case x.ask != nil && (x.obs == nil || x.obs.Outcome == OK):
		return strings.TrimSpace(r.askFor(x.ask) + " " + s)
	}
	return s
}

// refusal says why a call brought no result, and what the person can do.
func refusal(x result) string {
	t := x.goal.tool
	what := "“" + t.label() + "”"
	if t.Name != x.obs.Call.Name {
		what = "a look-up for “" + t.label() + "”"
	}
	scope := ""
	if t.Scope != "" && t.Name == x.obs.Call.Name {
		scope = " (" + line(t.Scope) + ")"
	}
	res := x.data()
	message := text(res, "message")
	if message == "" {
		message = line(x.obs.Text)
	}
	message = bound(message, 600)
	switch x.obs.Outcome {
	case NeedsConsent:
		return "I am not allowed to do " + what + " yet: it needs a permission that you have not given this app" + scope + ". Nothing was done. Allow it when the app asks you, or leave it."
	case Denied:
		return "You did not allow " + what + scope + ", so I did not do it. Nothing was changed. If you change your mind, ask me again and allow it."
	case ToolError:
		if text(res, "error") == "role_forbidden" {
			return "Your role does not allow this, and no consent of yours can change that. The clinic says: “" + message + "”"
		}
		if schemaError().MatchString(message) && text(res, "message") == "" {
			return "The clinic did not accept what I gave for " + what + "." + t.bounds(x.obs.Call.Arguments)
		}
		if message != "" {
			return message
		}
		return "The clinic refused " + what + " without saying why."
	}
	return "I could not reach the clinic for " + what + ", so I do not know the answer. Please try again."
}

// askFor puts the question for a missing argument in the words of the schema.
func (r *round) askFor(q *question) string {
	t := q.goal.tool
	p := q.prop
	if p == nil {
		var list []string
		for _, p := range t.order {
			if p.kind != kRef && p.kind != kID && p.kind != kCursor && p.kind != kOther {
				list = append(list, strings.ToLower(p.label()))
			}
		}
		s := strings.TrimSpace(q.why + " What should I change")
		if q.name != "" {
			s += " for " + q.name
		}
		return s + "? I can set: " + strings.Join(list, ", ") + "."
	}
	s := strings.TrimSpace(q.why + " For “" + t.label() + "”: ")
	if !strings.HasSuffix(s, " ") {
		s += " "
	}
	label := strings.ToLower(p.label())
	switch {
	case p.kind == kRef:
		s += "which " + p.of + " do you mean?"
	case p.kind == kDate && p.name == "date":
		s += "which day?"
	case p.kind == kTime:
		s += "at what time?"
	case p.kind == kEnum:
		s += "which " + label + "? One of: " + strings.Join(p.enum[:min(len(p.enum), 12)], ", ") + "."
	default:
		s += "what is the " + label + "?"
	}
	d, _, _ := strings.Cut(line(p.desc), ". ")
	if d != "" && p.kind != kEnum && p.kind != kRef && !strings.Contains(d, "user") { // "in the user's words" is said to a model
		s += " (" + strings.TrimRight(bound(d, 140), ".") + ")"
	}
	return s
}

// choices lists what may be picked.
func choices(o *offer) string {
	var sb strings.Builder
	for _, f := range o.items[:min(len(o.items), o.shown)] {
		sb.WriteString("\n• " + summary(f))
	}
	sb.WriteString("\nWhich one would you like?")
	return sb.String()
}

// caution adds what must be said beside advice on health.
func caution(g *goal) string {
	if g.tool.class != read || g.tool.prose == nil || g.clause == nil {
		return ""
	}
	ill := false
	for _, t := range g.clause.toks {
		ill = ill || lex().is("diagnosis", t.low) || slices.Contains(lex().objects[t.low], "ill")
	}
	if ill {
		return "I cannot diagnose or treat an animal; a vet can."
	}
	return ""
}

// suggestions are short messages that the person may want to send next, each understood by this package.
func (r *round) suggestions() []string {
	out := slices.Clone(r.suggest)
	n := r.next
	switch {
	case n.offer != nil:
		one := !n.offer.onlyDay().IsZero()
		for _, f := range n.offer.items[:min(len(n.offer.items), 3)] {
			if d, err := time.Parse(time.DateOnly, text(f, "date")); err == nil && text(f, "time") != "" && n.offer.idProp == "" {
				if one {
					out = append(out, "At "+text(f, "time"))
				} else {
					out = append(out, d.Format("2 January")+" at "+text(f, "time"))
				}
			}
		}
		for _, f := range n.offer.items[:min(len(n.offer.items), 3)] { // pets of one name
			if s := text(f, "species"); s != "" {
				if !n.offer.apart("species") && text(f, "breed") != "" {
					s = strings.ToLower(text(f, "breed"))
				}
				out = append(out, "The "+s)
			}
		}
		if n.offer.idProp != "" && len(out) == 0 {
			out = append(out, "The first one")
		}
		out = append(out, "No, thanks")
	case n.asked != nil && n.asked.prop != nil && n.asked.prop.kind == kDate:
		if !n.asked.goal.tool.looksBack(&clause{}) {
			out = append(out, "Tomorrow", "Next week on Monday")
		}
		out = append(out, "Never mind")
	case n.asked != nil && n.asked.prop != nil && n.asked.prop.kind == kRef && len(out) == 0:
		out = append(out, n.names[:min(len(n.names), 3)]...)
	case n.proposal != nil:
		out = append(out, "Yes, please", "No, thanks")
	case len(out) == 0 && len(r.tasks) > 0 && (r.tasks[0].help || r.tasks[0].small):
		out = append(out, "What can you do?")
	}
	seen := []string{}
	for _, s := range out {
		if s = bound(line(s), 60); s != "" {
			seen = appendNew(seen, s)
		}
	}
	return seen[:min(len(seen), 4)]
}

// capital writes a sentence's first letter large.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// dateWords writes a date of the wire (2026-12-01, perhaps with a time) in words; "" where it is none.
func dateWords(s string) string {
	if len(s) > 10 {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return longDate(t) + " at " + t.Format("15:04")
		}
		return ""
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return ""
	}
	return longDate(t)
}
