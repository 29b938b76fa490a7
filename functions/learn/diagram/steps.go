package diagram

import (
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// The kinds of a Step.
const (
	Arrow = "arrow"
	Note  = "note"
)

// The parts of a record that a Step shows; of its decisions see Decision.
const (
	Request  = "request"
	Response = "response"
)

// Step is one arrow or one note of the diagram.
type Step struct {
	N      int         `json:"n,omitempty"` // of an arrow, from 1 on
	Kind   string      `json:"kind"`        // Arrow or Note
	From   trace.Party `json:"from"`        // of a note: where it stands
	To     trace.Party `json:"to"`
	Label  string      `json:"label"`
	Dashed bool        `json:"dashed,omitempty"` // a response
	Failed bool        `json:"failed,omitempty"` // a refusal or an error
	Record string      `json:"record"`           // id of the record that it is part of,
	Part   string      `json:"part"`             // and which part: Request, Response, "decision:0", …
	At     time.Time   `json:"at"`

	Outcome trace.Outcome `json:"outcome,omitempty"` // of the decision that a note shows
}

// Decision is the Part of a record's decision.
func Decision(i int) string { return fmt.Sprintf("decision:%d", i) }

// Lane is one party of the diagram.
type Lane struct {
	Party trace.Party `json:"party"`
	Title string      `json:"title"`
}

// order is that of the lanes, from left to right.
var order = []Lane{
	{trace.Client, "MCP client"},
	{trace.Browser, "Browser"},
	{trace.App, "Vet Assist AI"},
	{trace.OAuth, "Authorization server"},
	{trace.JWKS, "Public keys (JWKS)"},
	{trace.MCP, "VetAssist MCP server"},
	{trace.Outside, "Another server"},
}

// Lanes are the parties that take part, from left to right.
func Lanes(records []trace.Record) []Lane {
	var lanes []Lane
	for _, lane := range order {
		var names []string
		used := false
		for _, r := range records {
			if r.From != lane.Party && r.To != lane.Party {
				continue
			}
			used = true
			name := ""
			switch lane.Party {
			case trace.Client:
				name = r.Name
			case trace.Outside:
				name = r.Host
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if !used {
			continue
		}
		if len(names) == 1 && names[0] != "" {
			lane.Title = clip(names[0], 40)
		}
		lanes = append(lanes, lane)
	}
	return lanes
}

// event is a step with the moment by which it is put in order.
type event struct {
	step   Step
	moment trace.Moment
}

// Steps are the arrows and notes of a flow, in their order. What happened in an exchange stands between its request and its response, even
// where the clocks of two machines disagree.
func Steps(records []trace.Record) []Step {
	within := map[string][]trace.Record{} // by the exchange in which they happened
	ids := map[string]bool{}
	for _, r := range records {
		ids[r.ID] = true
	}
	var roots []trace.Record
	for _, r := range records {
		if ids[r.Parent] && r.Parent != r.ID {
			within[r.Parent] = append(within[r.Parent], r)
		} else {
			roots = append(roots, r)
		}
	}
	drawn := map[string]bool{} // a circle of parents, which no recorder writes, must not be one here
	var exchange func(r trace.Record) []event
	exchange = func(r trace.Record) []event {
		if drawn[r.ID] {
			return nil
		}
		drawn[r.ID] = true
		var decided []event
		for i, d := range r.Decisions {
			decided = append(decided, event{note(r, i, d), d.At})
		}
		inner := [][]event{decided}
		for _, child := range within[r.ID] {
			inner = append(inner, exchange(child))
		}
		events := append([]event{{request(r), r.Begin}}, merge(inner)...)
		return append(events, event{response(r), r.End})
	}
	var all [][]event
	for _, r := range roots {
		all = append(all, exchange(r))
	}
	var steps []Step
	n := 0
	for _, e := range merge(all) {
		if e.step.Kind == Arrow {
			n++
			e.step.N = n
		}
		steps = append(steps, e.step)
	}
	return steps
}

// merge makes one list of several, each of which keeps its order.
func merge(lists [][]event) []event {
	var out []event
	for {
		first := -1
		for i, list := range lists {
			if len(list) > 0 && (first < 0 || list[0].moment.Before(lists[first][0].moment)) {
				first = i
			}
		}
		if first < 0 {
			return out
		}
		out = append(out, lists[first][0])
		lists[first] = lists[first][1:]
	}
}

func request(r trace.Record) Step {
	return Step{Kind: Arrow, From: r.From, To: r.To, Label: requestLabel(r), Record: r.ID, Part: Request, At: r.Begin.Time}
}

func response(r trace.Record) Step {
	return Step{Kind: Arrow, From: r.To, To: r.From, Label: responseLabel(r), Dashed: true, Failed: failed(r), Record: r.ID, Part: Response, At: r.End.Time}
}

func note(r trace.Record, i int, d trace.Decision) Step {
	return Step{Kind: Note, From: r.To, To: r.To, Label: NoteLabel(d), Failed: d.Outcome == trace.Refused, Record: r.ID, Part: Decision(i), At: d.At.Time, Outcome: d.Outcome}
}

var kindWords = map[trace.Kind]string{
	trace.ClientCheck: "Client check",
	trace.Login:       "Login",
	trace.Policy:      "Policy",
	trace.Consent:     "Consent",
	trace.Mint:        "Token issue",
	trace.TokenCheck:  "Token check",
	trace.ProofCheck:  "Proof check",
	trace.ToolCheck:   "Tool check",
	trace.OwnerCheck:  "Owner check",
	trace.StateCheck:  "State check",
}

// open says what is missing where nothing is refused, but somebody has to do something first.
var open = map[trace.Kind]string{
	trace.ClientCheck: "not yet",
	trace.Login:       "needed",
	trace.Policy:      "consent is missing",
	trace.Consent:     "the person is asked",
	trace.TokenCheck:  "a token is needed",
	trace.ProofCheck:  "a fresh one is needed",
	trace.ToolCheck:   "consent is missing",
}

// NoteLabel is what a decision is called in the diagram.
func NoteLabel(d trace.Decision) string {
	outcome := clip(string(d.Outcome), 20)
	if words, ok := open[d.Kind]; ok && d.Outcome == trace.Asked {
		outcome = words
	}
	kind, ok := kindWords[d.Kind]
	if !ok {
		kind = clip(string(d.Kind), 40)
	}
	return kind + ": " + outcome
}

// Order is every party, in the order of the lanes.
func Order() []Lane { return slices.Clone(order) }
