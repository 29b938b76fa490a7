package course

import (
	"bytes"
	"embed"
	"html/template"
	"sync"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/trace"
)

//go:embed lessons/*.html
var files embed.FS

// Lesson is one screen of the course.
type Lesson struct {
	ID     string
	Title  string // at most 60 characters
	Short  string // one sentence, for the list
	Checks []Check
}

// Check is one thing that a person has done, or has not.
type Check struct {
	ID    string
	Title string
	How   string // how it is known
	Hint  string // what to do while it is not passed
	// After is the check that has to be passed first, by something that happened earlier: what is broken before it is mended.
	After string

	find func(s *Seen, after time.Time) (Pass, bool)
}

// Pass is when a check was passed, and where that can be seen.
type Pass struct {
	At     time.Time `json:"at"`
	Flow   string    `json:"flow,omitempty"`
	Record string    `json:"record,omitempty"`
}

// Seen is all that a check may look at. Nothing in it is anybody else's.
type Seen struct {
	Base    string         // base URL
	User    string         // id; empty: nobody is logged in, and only a browser is known
	Records []trace.Record // in the order in which they began
	Events  []audit.Event  // about the user, in the order of time
	Server  Server         // the clinic's MCP server as it is registered now
	Keys    []string       // ids of the keys that are published now
	Now     time.Time
}

// Server is how the MCP server is registered.
type Server struct {
	Name, URL string
}

// Judge finds out which checks are passed. What was passed before stays so: records are kept for a day only.
func Judge(s *Seen, before map[string]Pass) map[string]Pass {
	passed := map[string]Pass{}
	for _, l := range Lessons {
		for _, c := range l.Checks {
			if p, ok := before[c.ID]; ok {
				passed[c.ID] = p
				continue
			}
			var after time.Time
			if c.After != "" {
				first, ok := passed[c.After]
				if !ok {
					continue
				}
				after = first.At
			}
			if p, ok := c.find(s, after); ok {
				passed[c.ID] = p
			}
		}
	}
	return passed
}

// Find is the lesson with an id, and where it stands; -1: there is none.
func Find(id string) (Lesson, int) {
	for i, l := range Lessons {
		if l.ID == id {
			return l, i
		}
	}
	return Lesson{}, -1
}

// Done tells whether all checks of a lesson are passed, and since when.
func (l Lesson) Done(passed map[string]Pass) (at time.Time, ok bool) {
	for _, c := range l.Checks {
		p, ok := passed[c.ID]
		if !ok {
			return time.Time{}, false
		}
		if p.At.After(at) {
			at = p.At
		}
	}
	return at, len(l.Checks) > 0
}

// Words are what the words of a lesson may name.
type Words struct {
	Base  string
	Clock bool // the clock can be moved here
	Demo  bool // the demo's people are here, with the passwords that everybody knows
	Extra any  // of one lesson: the catalogue of attacks
}

// words are read when somebody reads them, not when the process starts.
var words = sync.OnceValue(func() *template.Template { return template.Must(template.New("").ParseFS(files, "lessons/*.html")) })

// Text is a part of a lesson as HTML: "do", "see" or "break"; empty where the lesson has none.
func (l Lesson) Text(part string, w Words) (template.HTML, error) {
	t := words().Lookup(l.ID + "-" + part)
	if t == nil {
		return "", nil
	}
	var out bytes.Buffer
	err := t.Execute(&out, w)
	return template.HTML(out.String()), err // of our own files, by html/template
}
