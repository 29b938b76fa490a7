package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	maxSchema  = 16 << 10 // bytes of a form's JSON Schema
	maxFields  = 12
	maxOptions = 24
	maxButtons = 12
	maxLabel   = 200 // bytes of a title or description
	maxTyped   = 1000
)

// form is what a server asks a person to fill in: a flat object of simple values (MCP, Elicitation, Requested Schema).
type form struct {
	fields []field
	schema *jsonschema.Resolved
}

type field struct {
	name, kind         string // kind: string, email, uri, date, date-time, number, integer, boolean, one or many of options
	title, description string
	required           bool
	options            []option
	values             []string // what it says before anybody types: the default
	bounds             string   // in words
	schema             *jsonschema.Resolved
}

type option struct{ Value, Title string }

var errNoForm = errors.New("a form that cannot be shown")

// readForm takes the restricted schemas that the specification has, and nothing else: what we cannot show nobody can agree to.
func readForm(raw any) (*form, json.RawMessage, error) {
	body, err := json.Marshal(raw)
	var plain any // where no member comes twice: one of the two would not be looked at, and be used all the same
	if err = errors.Join(err, json.Unmarshal(body, &plain)); err == nil {
		body, err = json.Marshal(plain)
	}
	if err != nil || len(body) > maxSchema {
		return nil, nil, errNoForm
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(body, &s); err != nil || !restricted(body) || s.Type != "object" || len(s.Properties) > maxFields {
		return nil, nil, errNoForm
	}
	f := &form{}
	if f.schema, err = s.Resolve(nil); err != nil {
		return nil, nil, errNoForm
	}
	for _, name := range s.Required {
		if s.Properties[name] == nil {
			return nil, nil, errNoForm
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) { // the order is lost in JSON
		one, err := readField(name, s.Properties[name], slices.Contains(s.Required, name))
		if err != nil {
			return nil, nil, err
		}
		f.fields = append(f.fields, one)
	}
	slices.SortStableFunc(f.fields, func(a, b field) int { // what must be answered comes first
		switch {
		case a.required == b.required:
			return 0
		case a.required:
			return -1
		}
		return 1
	})
	return f, body, nil
}

// The keywords that a form's schema may have. Others are not overlooked: what refers to itself, for one, would have a validator go round
// without end, ours and that of the SDK.
var (
	formWords   = []string{"$schema", "type", "title", "description", "properties", "required", "additionalProperties"}
	fieldWords  = []string{"type", "title", "description", "default", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "enum", "enumNames", "oneOf", "minItems", "maxItems", "uniqueItems", "items"}
	itemWords   = []string{"type", "enum", "anyOf", "oneOf"}
	optionWords = []string{"const", "title", "description"}
)

// restricted tells whether a schema keeps to these, at each of its places.
func restricted(raw json.RawMessage) bool {
	members, ok := only(raw, formWords)
	if extra := string(members["additionalProperties"]); !ok || extra != "" && extra != "false" && extra != "true" {
		return false
	}
	fields, ok := only(members["properties"], nil)
	for _, field := range fields {
		members, fits := only(field, fieldWords)
		items, itemsFit := only(members["items"], itemWords)
		ok = ok && fits && itemsFit
		for _, list := range []json.RawMessage{members["oneOf"], items["oneOf"], items["anyOf"]} {
			var options []json.RawMessage
			ok = ok && (list == nil || json.Unmarshal(list, &options) == nil)
			for _, option := range options {
				_, fits := only(option, optionWords)
				ok = ok && fits
			}
		}
	}
	return ok
}

// only returns an object's members, if all of them have one of these names; nil means any.
func only(raw json.RawMessage, names []string) (members map[string]json.RawMessage, ok bool) {
	if raw == nil {
		return nil, true
	}
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, false
	}
	for name := range members {
		if names != nil && !slices.Contains(names, name) && !strings.HasPrefix(name, "x-") {
			return nil, false
		}
	}
	return members, true
}

func readField(name string, s *jsonschema.Schema, required bool) (field, error) {
	f := field{name: name, kind: s.Type, title: clip(s.Title, maxLabel), description: clip(s.Description, maxLabel), required: required}
	if f.title == "" {
		f.title = capital(strings.NewReplacer("_", " ", "-", " ").Replace(clip(name, maxLabel)))
	}
	var value any
	if s.Default != nil && json.Unmarshal(s.Default, &value) != nil {
		return f, errNoForm
	}
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 || len(s.OneOf) > 0 {
			f.kind = "one"
			f.options = readOptions(s.Enum, s.OneOf, s.Extra["enumNames"])
		} else if s.Format != "" {
			f.kind = s.Format
		}
	case "array":
		f.kind = "many"
		if s.Items == nil || s.Items.Type != "" && s.Items.Type != "string" {
			return f, errNoForm
		}
		f.options = readOptions(s.Items.Enum, slices.Concat(s.Items.AnyOf, s.Items.OneOf), nil)
	}
	switch f.kind {
	case "string", "email", "uri", "date", "date-time", "number", "integer", "boolean":
	case "one", "many":
		if len(f.options) == 0 || len(f.options) > maxOptions {
			return f, errNoForm
		}
	default:
		return f, errNoForm
	}
	switch v := value.(type) {
	case nil:
	case []any:
		for _, one := range v {
			f.values = append(f.values, fmt.Sprint(one))
		}
	case float64:
		f.values = []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		f.values = []string{fmt.Sprint(v)}
	}
	f.bounds = bounds(s)
	var err error
	if f.schema, err = s.Resolve(nil); err != nil {
		return f, errNoForm
	}
	return f, nil
}

// readOptions takes the forms that an enum may have; none when it has none of them.
func readOptions(enum []any, titled []*jsonschema.Schema, names any) []option {
	var out []option
	titles, _ := names.([]any)
	for i, v := range enum {
		value, ok := v.(string)
		if !ok {
			return nil
		}
		title := value
		if len(titles) == len(enum) {
			title = fmt.Sprint(titles[i])
		}
		out = append(out, option{value, clip(title, maxLabel)})
	}
	for _, s := range titled {
		if s == nil || s.Const == nil {
			return nil
		}
		value, ok := (*s.Const).(string)
		if !ok {
			return nil
		}
		title := s.Title
		if title == "" {
			title = value
		}
		out = append(out, option{value, clip(title, maxLabel)})
	}
	return out
}

// bounds says what a schema allows, as far as it can be said in a few words.
func bounds(s *jsonschema.Schema) string {
	between := func(low, high, unit string) string {
		switch {
		case low != "" && high != "":
			return low + " to " + high + unit
		case low != "":
			return "at least " + low + unit
		case high != "":
			return "at most " + high + unit
		}
		return ""
	}
	number := func(n *float64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatFloat(*n, 'f', -1, 64)
	}
	count := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	switch s.Type {
	case "integer":
		return strings.TrimPrefix("a whole number, "+between(number(s.Minimum), number(s.Maximum), ""), ", ")
	case "number":
		return between(number(s.Minimum), number(s.Maximum), "")
	case "array":
		return between(count(s.MinItems), count(s.MaxItems), " of them")
	}
	return between(count(s.MinLength), count(s.MaxLength), " characters")
}

// choices are the buttons of a form that is one choice: a click is then the whole answer. A form that has something filled in
// already is for a person to read and to change.
func (f *form) choices() []option {
	if len(f.fields) != 1 || len(f.fields[0].values) > 0 {
		return nil
	}
	switch one := f.fields[0]; {
	case one.kind == "boolean":
		return []option{{"true", "Yes"}, {"false", "No"}}
	case one.kind == "one" && len(one.options) <= maxButtons:
		return one.options
	}
	return nil
}

func inputName(i int) string { return "f" + strconv.Itoa(i) } // not the server's word, which could be one of ours

// fill makes the content of an answer from what came out of the page. problem says what a person has to mend.
func (f *form) fill(typed url.Values) (content map[string]any, problem string) {
	content = map[string]any{}
	for i, one := range f.fields {
		value, ok := one.read(typed[inputName(i)])
		switch {
		case !ok:
			return nil, one.misfit()
		case value == nil && one.required:
			return nil, "“" + one.title + "” is missing."
		case value == nil:
			continue
		}
		if one.schema.Validate(value) != nil {
			return nil, one.misfit()
		}
		content[one.name] = value
	}
	if f.schema.Validate(content) != nil { // MCP, Elicitation, Form Mode Security, 2
		return nil, "That does not fit what was asked for."
	}
	return content, ""
}

func (f field) misfit() string {
	if f.bounds == "" {
		return "“" + f.title + "” does not fit."
	}
	return "“" + f.title + "” does not fit: " + strings.TrimSuffix(f.bounds, ", ") + "."
}

// read turns what was typed into a value of JSON, nil when nothing was.
func (f field) read(typed []string) (value any, ok bool) {
	text := ""
	if len(typed) > 0 {
		text = typed[0]
	}
	switch f.kind {
	case "boolean": // a box that is not ticked does not come along
		return text == "true", true
	case "many":
		list := []any{}
		for _, v := range typed {
			if !f.offers(v) {
				return nil, false
			}
			list = append(list, v)
		}
		if len(list) == 0 && !f.required {
			return nil, true
		}
		return list, true
	}
	if text == "" {
		return nil, true
	}
	var err error
	switch f.kind {
	case "one":
		return text, f.offers(text)
	case "integer", "number":
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	case "email":
		_, err = mail.ParseAddress(text)
	case "uri":
		var u *url.URL
		if u, err = url.Parse(text); err == nil && u.Scheme == "" {
			err = errNoForm
		}
	case "date":
		_, err = time.Parse(time.DateOnly, text)
	case "date-time":
		_, err = time.Parse(time.RFC3339, text)
	}
	return text, err == nil
}

func (f field) offers(value string) bool {
	return slices.ContainsFunc(f.options, func(o option) bool { return o.Value == value })
}
