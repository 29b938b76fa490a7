package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

const atOnce = 8 // calls for one message, as many as the app makes

// call is a tool call that the suite asks for by name.
type call struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

// plan is the assistant: it calls what the suite asks for, else every tool of the list once.
type plan struct {
	mu    sync.Mutex
	calls []call
	given bool  // calls are known
	done  int   // of them
	err   error // the first that did not end well
}

// Next implements assistant.Assistant.
func (p *plan) Next(_ context.Context, t assistant.Turn) (assistant.Step, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range t.Done {
		if o.Outcome != assistant.OK && p.err == nil {
			p.err = fmt.Errorf("%s: %s: %s", o.Call.Name, o.Outcome, o.Text)
		}
	}
	if len(t.Done) > 0 {
		return assistant.Step{Reply: "Done."}, nil
	}
	if t.Tools == nil {
		return assistant.Step{NeedsTools: true}, nil
	}
	if !p.given {
		p.given = true
		if len(p.calls) == 0 {
			for _, tool := range t.Tools {
				args := arguments(tool.InputSchema)
				if _, ok := args["schema"]; ok { // it asks what schemas look like to an assistant
					args["schema"] = t.Tools[0].InputSchema
				}
				p.calls = append(p.calls, call{tool.Name, args})
			}
		}
	}
	var step assistant.Step
	for _, c := range p.calls[p.done:min(p.done+atOnce, len(p.calls))] {
		step.Calls = append(step.Calls, assistant.Call{ID: fmt.Sprint(p.done), Name: c.Name, Arguments: c.Arguments})
		p.done++
	}
	if len(step.Calls) == 0 {
		step.Reply = "There is no tool to call."
	}
	return step, nil
}

// began tells whether the tools were listed, over whether all were called.
func (p *plan) began() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

func (p *plan) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given && p.done == len(p.calls)
}

func (p *plan) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// arguments fills in what a schema requires.
func arguments(schema json.RawMessage) map[string]any {
	var s struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Type any   `json:"type"`
			Enum []any `json:"enum"`
		} `json:"properties"`
	}
	args := map[string]any{}
	if json.Unmarshal(schema, &s) != nil {
		return args
	}
	for name, property := range s.Properties {
		if !slices.Contains(s.Required, name) {
			continue
		}
		switch {
		case len(property.Enum) > 0:
			args[name] = property.Enum[0]
		case property.Type == "number", property.Type == "integer":
			args[name] = 2
		case property.Type == "boolean":
			args[name] = true
		case property.Type == "array":
			args[name] = []any{}
		case property.Type == "object":
			args[name] = map[string]any{}
		default:
			args[name] = "text"
		}
	}
	return args
}
