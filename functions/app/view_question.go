package app

import (
	"slices"
)

// asking is a question of the MCP server, for the page and for programs. It says which server asks, and for what (MCP, Elicitation,
// User Interaction Model).
type asking struct {
	Exchange string         `json:"for"`
	ID       string         `json:"id"`
	Server   string         `json:"server"`
	Host     string         `json:"host"`
	Tool     string         `json:"tool,omitempty"`
	Message  string         `json:"message"`
	Fields   []askedField   `json:"fields"`
	Choices  []choiceOption `json:"-"` // buttons in place of fields
	Problem  string         `json:"problem,omitempty"`
	Closed   bool           `json:"closed,omitempty"`
	Words    bool           `json:"-"` // something can be typed
}

type askedField struct {
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Bounds      string         `json:"bounds,omitempty"`
	Required    bool           `json:"required,omitempty"`
	Value       []string       `json:"value,omitempty"`
	Options     []choiceOption `json:"options,omitempty"`
}

type choiceOption struct {
	Value  string `json:"value"`
	Title  string `json:"title"`
	Picked bool   `json:"-"`
}

func (a *app) viewQuestion(b *browser, exchange string, q *question) *asking {
	v := &asking{Exchange: exchange, ID: q.ID, Host: hostOf(a.mcpURL), Tool: q.Tool, Message: q.Message, Problem: q.Problem,
		Fields: []askedField{}, Closed: !a.now().Before(q.Until)}
	if l := b.session.Login; l != nil {
		v.Server = clip(l.Server.Name, maxLabel)
	}
	if v.Server == "" {
		v.Server = v.Host
	}
	f, _, err := readForm(q.Schema)
	if err != nil || v.Closed {
		v.Closed = true
		return v
	}
	for i, one := range f.fields {
		shown := askedField{Name: inputName(i), Kind: one.kind, Title: one.title, Description: one.description, Bounds: one.bounds, Required: one.required, Value: one.values}
		if q.Typed != nil {
			shown.Value = q.Typed[inputName(i)]
		}
		for _, o := range one.options {
			shown.Options = append(shown.Options, choiceOption{o.Value, o.Title, slices.Contains(shown.Value, o.Value)})
		}
		v.Words = v.Words || !slices.Contains([]string{"boolean", "one", "many"}, one.kind)
		v.Fields = append(v.Fields, shown)
	}
	for _, o := range f.choices() {
		v.Choices = append(v.Choices, choiceOption{Value: o.Value, Title: o.Title})
	}
	return v
}

// First is what a field for one value begins with.
func (f askedField) First() string {
	if len(f.Value) == 0 {
		return ""
	}
	return f.Value[0]
}

// Input is the type of the page's input: the browser helps with some kinds, and the server's own rules are checked here.
func (f askedField) Input() string {
	switch f.Kind {
	case "email", "date":
		return f.Kind
	case "uri":
		return "url"
	}
	return "text"
}

// Keyboard is what a phone shows.
func (f askedField) Keyboard() string {
	switch f.Kind {
	case "integer", "number":
		return "decimal"
	}
	return ""
}
