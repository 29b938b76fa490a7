package assistant

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// object is a decoded JSON object of a result.
type object = map[string]any

// thing is something with an id that a tool returned: an appointment, a reminder.
type thing struct {
	kind   string // the concept of its key in the result
	fields object
}

// offer is a choice put to the person: picking an item completes the goal.
type offer struct {
	goal   *goal
	name   string // the pet it is for
	items  []object
	idProp string  // the goal's property that takes the item's id; "" where fields of the item are taken by name
	then   []*goal // what was to follow
	shown  int     // how many items were listed
	browse bool    // the person asked what is free, not yet to book
}

// question is a missing argument that was asked for. prop is nil where any change would do.
type question struct {
	goal *goal
	name string
	prop *property
	then []*goal
	why  string // what was wrong with the answer so far
}

// memory is what the conversation so far tells. It is built from the history alone.
type memory struct {
	names    []string          // pets that tools returned, latest first
	species  map[string]string // by name
	focus    []string          // the pets of the latest goals
	fresh    bool              // they were spoken of in the exchange just before
	goals    []*goal           // of the latest exchange
	offer    *offer
	asked    *question
	proposal *goal // what "yes" means
	things   []thing
	day      time.Time // the day last spoken of
	more     *goal     // the next page of what was listed last
	did      string    // what was said about the last change
	lookup   string    // words of an article that was offered
}

func (m *memory) clone() *memory {
	n := *m
	n.species = maps.Clone(m.species)
	if n.species == nil {
		n.species = map[string]string{}
	}
	n.offer, n.asked, n.proposal, n.more, n.lookup = nil, nil, nil, nil, ""
	return &n
}

const (
	maxNames  = 60
	maxThings = 60
	maxResult = 1 << 18 // bytes of a structured result that are read
)

// decode reads a structured result; nil where there is none or it is no object.
func decode(raw json.RawMessage) object {
	if len(raw) == 0 || len(raw) > maxResult {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	switch v := v.(type) {
	case object:
		return v
	case []any:
		return object{"items": v}
	}
	return nil
}

// absorb remembers pets and things of a result. Their texts stay data: names are only ever compared with what a person types.
func (m *memory) absorb(o Observation) {
	if o.Outcome != OK {
		return
	}
	res := decode(o.Structured)
	var fresh []thing
	for _, key := range slices.Sorted(maps.Keys(res)) {
		kind := lex().about(token{low: strings.ToLower(key), stem: stem(strings.ToLower(key))})[0]
		for _, f := range objects(res[key]) {
			m.meet(kind, f)
			if text(f, "id") != "" && kind != "pet" {
				fresh = append(fresh, thing{kind, f})
			}
		}
	}
	m.meet("", res)
	if len(fresh) > 0 {
		m.things = append(fresh, m.things...)
		m.things = m.things[:min(len(m.things), maxThings)]
	}
}

// meet remembers the pet that an object is or has.
func (m *memory) meet(kind string, f object) {
	if p, ok := f["pet"].(object); ok && kind != "pet" {
		m.meet("pet", p)
	}
	name := text(f, "name")
	if name == "" || kind != "pet" && text(f, "species") == "" || utf8.RuneCountInString(name) > 40 || len(strings.Fields(name)) > 3 {
		return
	}
	if s := text(f, "species"); s != "" {
		m.species[name] = strings.ToLower(s)
	}
	m.names = append([]string{name}, slices.DeleteFunc(slices.Clone(m.names), func(n string) bool { return n == name })...)
	m.names = m.names[:min(len(m.names), maxNames)]
}

// objects are the objects of a value: itself, or those of an array.
func objects(v any) []object {
	switch v := v.(type) {
	case object:
		return []object{v}
	case []any:
		var out []object
		for _, x := range v {
			if o, ok := x.(object); ok {
				out = append(out, o)
			}
		}
		return out
	}
	return nil
}

// text is a string field, cleaned for one line.
func text(f object, key string) string {
	s, _ := f[key].(string)
	return line(s)
}

// line makes a string from a result fit for one line of a reply.
func line(s string) string {
	if len(s) > 4000 {
		s = s[:4000]
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))), " ")
}

// block makes a text of several lines from a result fit for a reply.
func block(s string) string {
	var out []string
	for l := range strings.Lines(s[:min(len(s), 1<<16)]) {
		if l = line(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// lister is the read-only tool that lists things of a kind without needing an argument; nil for none.
func (b *toolbox) lister(kind string) *tool {
	var best *tool
	rank := func(t *tool) int { return len(t.nouns) }
	for _, t := range b.tools {
		if t.class != read || !t.plural || !slices.Contains(t.nouns, kind) || slices.Contains(t.nouns, "slot") {
			continue
		}
		if slices.ContainsFunc(t.order, func(p *property) bool { return p.required }) {
			continue
		}
		if best == nil || rank(t) < rank(best) {
			best = t
		}
	}
	return best
}

// finder is the read-only tool that tells free times for a tool that needs a day and a time; nil for none.
func (b *toolbox) finder(t *tool) *tool {
	d, c := t.first(kDate), t.first(kTime)
	if d == nil || c == nil || !d.required || !c.required {
		return nil
	}
	for _, f := range b.tools {
		if b.isFinder(f) {
			return f
		}
	}
	return nil
}

func (b *toolbox) isFinder(t *tool) bool {
	return t.class == read && slices.Contains(t.nouns, "slot") && !slices.ContainsFunc(t.order, func(p *property) bool { return p.required })
}

// booker is the tool that takes what a finder finds: it changes something and needs a day and a time.
func (b *toolbox) booker(finder *tool) *tool {
	for _, t := range b.tools {
		if t.class == create && b.finder(t) == finder {
			return t
		}
	}
	return nil
}
