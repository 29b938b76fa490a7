package assistant

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// kind is what a property of a schema holds, as far as the planner can tell from type, format, pattern, name and description.
type kind int

const (
	kText   kind = iota // free text
	kLabel              // a name to give
	kDate               // a day, YYYY-MM-DD
	kTime               // a time of day, HH:MM
	kNumber             // a number, perhaps in a unit
	kBool               //
	kEnum               // one of a list
	kRef                // the name or id of a thing: a pet, an owner
	kID                 // the id of a thing that only a listing tells
	kCursor             // where a listing goes on
	kOther              // arrays and objects: never filled
)

// property is one argument of a tool.
type property struct {
	name, title, desc string
	kind              kind
	of                string // what a kRef or kID names: "pet", "appointment"
	enum              []string
	unit              string   // canonical unit of a number, from its name or description
	concepts          []string // of its name
	required          bool
	integer           bool
	min, max, above   *float64 // above is an exclusive minimum
	maxLen            int
	zone              string
}

// outShape is an array of objects in a tool's output.
type outShape struct {
	name   string
	fields map[string]bool
}

// tool is a Tool, understood.
type tool struct {
	Tool
	class   class
	verbs   map[string]bool    // concepts of the verbs in its name
	nouns   []string           // concepts of the other words of its name
	plural  bool               // its name speaks of many
	words   map[string]float64 // every concept it speaks of, and how clearly
	props   map[string]*property
	order   []*property // required ones first, in their order
	anyOf   [][]string
	outputs []outShape
	prose   *property // where free text goes
}

const maxSchema = 1 << 16

type rawSchema struct {
	Type        any                   `json:"type"`
	Title       string                `json:"title"`
	Description string                `json:"description"`
	Format      string                `json:"format"`
	Pattern     string                `json:"pattern"`
	Enum        []any                 `json:"enum"`
	Minimum     *float64              `json:"minimum"`
	Maximum     *float64              `json:"maximum"`
	Above       any                   `json:"exclusiveMinimum"` // older drafts write true or false
	MaxLength   int                   `json:"maxLength"`
	Zone        string                `json:"x-time-zone"`
	Properties  map[string]*rawSchema `json:"properties"`
	Items       *rawSchema            `json:"items"`
	Required    []string              `json:"required"`
	AnyOf       []*rawSchema          `json:"anyOf"`
	OneOf       []*rawSchema          `json:"oneOf"`
}

// UnmarshalJSON lets the schemas true and false, which say nothing, stand anywhere.
func (s *rawSchema) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	type plain rawSchema
	return json.Unmarshal(b, (*plain)(s))
}

func (s *rawSchema) is(name string) bool {
	switch t := s.Type.(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	}
	return false
}

func understand(raw Tool) (*tool, bool) {
	var in, out rawSchema
	if len(splitName(raw.Name)) == 0 || len(raw.InputSchema) > maxSchema || len(raw.InputSchema) > 0 && json.Unmarshal(raw.InputSchema, &in) != nil {
		return nil, false
	}
	if len(raw.OutputSchema) > maxSchema || len(raw.OutputSchema) > 0 && json.Unmarshal(raw.OutputSchema, &out) != nil {
		out = rawSchema{}
	}
	t := &tool{Tool: raw, verbs: map[string]bool{}, words: map[string]float64{}, props: map[string]*property{}}
	t.readName()
	for _, name := range in.Required {
		if s := in.Properties[name]; s != nil && t.props[name] == nil {
			t.addProperty(name, s, true)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.Properties)) {
		if s := in.Properties[name]; s != nil && t.props[name] == nil {
			t.addProperty(name, s, false)
		}
	}
	for _, alt := range append(in.AnyOf, in.OneOf...) {
		if alt != nil && len(alt.Required) > 0 {
			t.anyOf = append(t.anyOf, alt.Required)
		}
	}
	t.speak(t.Title, 0.7)
	t.speak(t.Description, 0.3)
	t.readOutput(&out, 0)
	t.findProse()
	return t, true
}

// splitName takes book_vet_appointment and bookVetAppointment apart.
func splitName(name string) []token { return tokenize(spaced(name)) }

// spaced writes an identifier as words in small letters.
func spaced(name string) string {
	var sb strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			sb.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		sb.WriteRune(unicode.ToLower(r))
	}
	return sb.String()
}

// readName takes the tool's class and nouns from its name: the first word is its verb.
func (t *tool) readName() {
	lx := lex()
	for i, w := range splitName(t.Name) {
		if i == 0 {
			t.verbs[w.stem] = true
			t.class = create
			for _, s := range lx.verbs[w.low] {
				t.verbs[s.concept] = true
			}
			if s := lx.verbs[w.low]; len(s) > 0 {
				t.class = s[0].class
				for _, o := range s { // "set" and "put" make things unless they say which value
					if o.class == create {
						t.class = create
					}
				}
			}
			if t.ReadOnly {
				t.class = read
			} else if t.class == read {
				t.class = create
			}
			t.words[w.stem] = 1
			if len(lx.verbs[w.low]) > 0 && w.low != "contact" {
				continue
			}
		}
		if lx.is("filler", w.low) || lx.is("stop", w.low) {
			continue
		}
		for _, c := range lx.about(w) {
			if i > 0 {
				t.nouns = appendNew(t.nouns, c)
			}
			t.words[c] = 1
		}
		t.plural = t.plural || i > 0 && lx.is("plural", w.low)
	}
}

// speak notes the concepts of a text.
func (t *tool) speak(text string, weight float64) {
	lx := lex()
	if len(text) > 4000 {
		text = text[:4000]
	}
	for _, w := range tokenize(clean(text)) {
		if lx.is("stop", w.low) || lx.is("filler", w.low) {
			continue
		}
		for _, c := range append([]string{w.stem}, lx.about(w)...) {
			t.words[c] = max(t.words[c], weight)
		}
	}
}

var (
	refPattern  = compiled(`(?i)\bname or (?:the )?id\b|\bid or (?:the )?name\b`)
	unitPattern = compiled(`(?i)\b(kilograms?|kilogrammes?|kg|pounds?|lbs?|grams?|centimet(?:re|er)s?|cm|inch(?:es)?)\b`)
)

func (t *tool) addProperty(name string, s *rawSchema, required bool) {
	p := &property{name: name, title: s.Title, desc: s.Description, required: required, min: s.Minimum, max: s.Maximum, maxLen: s.MaxLength, zone: s.Zone}
	if v, ok := s.Above.(float64); ok {
		p.above = &v
	}
	toks := splitName(name)
	last := ""
	for _, w := range toks {
		last = w.low
		if u := units[w.low]; u != "" && len(toks) > 1 {
			p.unit = u
			continue
		}
		for _, c := range lex().about(w) {
			p.concepts = appendNew(p.concepts, c)
		}
		p.concepts = appendNew(p.concepts, w.stem)
	}
	for _, v := range s.Enum {
		if str, ok := v.(string); ok && len(p.enum) < 100 {
			p.enum = append(p.enum, str)
		}
	}
	switch {
	case len(p.enum) > 0:
		p.kind = kEnum
		for _, v := range p.enum {
			t.speak(strings.ReplaceAll(v, "_", " "), 0.6)
		}
	case s.is("boolean"):
		p.kind = kBool
	case s.is("number"), s.is("integer"):
		p.kind, p.integer = kNumber, s.is("integer")
		if m := unitPattern().FindString(s.Description); p.unit == "" && m != "" {
			p.unit = units[strings.ToLower(m)]
		}
	case !s.is("string") && s.Type != nil:
		p.kind = kOther
	case strings.Contains(name, "cursor") || strings.Contains(name, "page_token"):
		p.kind = kCursor
	case s.Format == "date" || s.Format == "" && last == "date":
		p.kind = kDate
	case last == "time" || isClockPattern(s.Pattern):
		p.kind = kTime
	case refPattern().MatchString(s.Description) || name == "pet" || name == "owner":
		p.kind, p.of = kRef, name
		if len(p.concepts) > 0 {
			p.of = p.concepts[0]
		}
	case last == "id" && len(toks) <= 3:
		p.kind = kID
		if len(toks) > 1 {
			p.of = lex().about(toks[len(toks)-2])[0]
		} else if len(t.nouns) > 0 {
			p.of = t.nouns[len(t.nouns)-1]
		}
	case last == "name":
		p.kind = kLabel
	}
	if p.kind != kCursor {
		t.speak(strings.ReplaceAll(name, "_", " "), 0.5)
		t.speak(s.Title, 0.3)
		t.speak(s.Description, 0.2)
	}
	t.props[name] = p
	t.order = append(t.order, p)
}

// isClockPattern tries a pattern: one that takes 10:00 and nothing else is a time of day.
func isClockPattern(pattern string) bool {
	if pattern == "" || len(pattern) > 200 {
		return false
	}
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString("10:00") && !re.MatchString("abc") && !re.MatchString("985112003456789") && !re.MatchString("2026-12-01")
}

// readOutput notes what a tool returns: lists of things, and words of their values.
func (t *tool) readOutput(s *rawSchema, depth int) {
	if depth > 4 {
		return
	}
	for name, p := range s.Properties {
		if p == nil {
			continue
		}
		if !strings.Contains(name, "cursor") {
			t.speak(strings.ReplaceAll(name, "_", " "), 0.25)
		}
		for _, v := range p.Enum {
			if str, ok := v.(string); ok {
				t.speak(str, 0.5)
			}
		}
		if p.Items != nil && len(p.Items.Properties) > 0 {
			shape := outShape{name, map[string]bool{}}
			for f := range p.Items.Properties {
				shape.fields[f] = true
			}
			if depth == 0 {
				t.outputs = append(t.outputs, shape)
			}
			t.readOutput(p.Items, depth+1)
		}
		t.readOutput(p, depth+1)
	}
	slices.SortFunc(t.outputs, func(a, b outShape) int { return strings.Compare(a.name, b.name) })
}

var proseNames = set("text message query question note notes body content comment description")

// findProse picks the property that takes what the person wrote: a required text, one with a telling name first.
func (t *tool) findProse() {
	for _, p := range t.order {
		if p.kind == kText && p.required && (t.prose == nil || proseNames[p.name] && !proseNames[t.prose.name]) {
			t.prose = p
		}
	}
}

// first returns the tool's first property of a kind.
func (t *tool) first(k kind) *property {
	for _, p := range t.order {
		if p.kind == k {
			return p
		}
	}
	return nil
}

// identity is the property that takes the id of the tool's thing; an empty one where it has none.
func (t *tool) identity() *property {
	if p := t.first(kID); p != nil {
		return p
	}
	return &property{kind: kOther}
}

// ref returns the property that names a thing, a pet for choice.
func (t *tool) ref() *property {
	var found *property
	for _, p := range t.order {
		if p.kind == kRef && (found == nil || p.of == "pet" && found.of != "pet") {
			found = p
		}
	}
	return found
}
