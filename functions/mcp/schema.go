package mcp

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/vetassist/vetassist/shared/clinic"
)

// arg is one argument of a tool, in the order in which it is listed.
type arg struct {
	name     string
	required bool
	schema   *jsonschema.Schema
}

func need(name string, s *jsonschema.Schema) arg { return arg{name, true, s} }
func may(name string, s *jsonschema.Schema) arg  { return arg{name, false, s} }

// input makes a tool's input schema. Unknown arguments are refused, so that a model that invents one is told.
func input(args ...arg) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
	for _, a := range args {
		s.Properties[a.name] = a.schema
		s.PropertyOrder = append(s.PropertyOrder, a.name)
		if a.required {
			s.Required = append(s.Required, a.name)
		}
	}
	return s
}

func words(limit int, description string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: description, MaxLength: &limit}
}

func requiredWords(limit int, description string) *jsonschema.Schema {
	s, one := words(limit, description), 1
	s.MinLength = &one
	return s
}

func choice(description string, values ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: description}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	return s
}

func integer(low, high int, description string) *jsonschema.Schema {
	l, h := float64(low), float64(high)
	return &jsonschema.Schema{Type: "integer", Description: description, Minimum: &l, Maximum: &h}
}

func weight(description string) *jsonschema.Schema {
	zero, most := 0.0, float64(clinic.MaxWeightKg)
	return &jsonschema.Schema{Type: "number", Description: description, ExclusiveMinimum: &zero, Maximum: &most}
}

// date is a day at the clinic. The zone is named beside it, since format "date" has none.
func (t *tools) date(description string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Format: "date", Description: description + " Format YYYY-MM-DD.",
		Extra: map[string]any{"x-time-zone": t.clinic.Facts().Zone}}
}

// clock is a time of day at the clinic. Format "time" would demand an offset (RFC 3339), so it is a pattern.
func clock(description string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: `^([01]\d|2[0-3]):[0-5]\d$`, Description: description + " Format HH:MM, 24 hours, clinic time."}
}

func withDefault(s *jsonschema.Schema, value any) *jsonschema.Schema {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("mcp: default %v: %v", value, err)) // a schema is wrong, not a request
	}
	s.Default = raw
	return s
}

// pet is the argument that most tools share.
func pet() *jsonschema.Schema {
	return requiredWords(64, `Name or id of a pet, for example "Fido". Names are enough; no need to look up the id first.`)
}

func cursor() *jsonschema.Schema {
	return words(512, "next_cursor of the page before, to get the next page. Leave out for the first page.")
}

// output makes a tool's output schema from the Go type of its results. A refusal has another shape, and some clients hold even
// results with isError to the schema, so both shapes are allowed.
func output[Out any]() *jsonschema.Schema {
	s, err := jsonschema.For[Out](nil)
	if err != nil {
		panic(fmt.Sprintf("mcp: output schema: %v", err)) // a type is wrong, not a request
	}
	refused, err := jsonschema.For[refusal](nil)
	if err != nil {
		panic(fmt.Sprintf("mcp: output schema: %v", err))
	}
	done := s.Required
	s.Required = nil
	for _, name := range refused.PropertyOrder {
		if s.Properties[name] == nil && slices.Contains(refused.Required, name) {
			s.Properties[name] = refused.Properties[name]
			s.PropertyOrder = append(s.PropertyOrder, name)
		}
	}
	s.AnyOf = []*jsonschema.Schema{{Required: done}, {Required: refused.Required}}
	loosen(s)
	return s
}

// loosen lets results grow fields later, and says that our lists are never null.
func loosen(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.AdditionalProperties = nil
	if s.Items != nil {
		s.Type, s.Types = "array", nil
		loosen(s.Items)
	}
	for _, p := range s.Properties {
		loosen(p)
	}
}

func boolean(description string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "boolean", Description: description}
}
