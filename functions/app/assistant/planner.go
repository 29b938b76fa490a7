package assistant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	maxHistory = 20 // exchanges that are planned again
	maxClauses = 8
	maxCalls   = 8  // in one step
	maxDone    = 24 // calls in one turn
	maxReply   = 6000
)

type offline struct{ boxes toolCache }

// Offline returns the assistant that needs no model: deterministic, safe for concurrent use, and without memory of its own but
// for the tool lists it has read, so that a list is understood once.
func Offline() Assistant { return &offline{} }

// Next plans the turn. It fails only when ctx has ended.
func (a *offline) Next(ctx context.Context, t Turn) (Step, error) {
	if err := ctx.Err(); err != nil {
		return Step{}, err
	}
	if t.Now.IsZero() {
		t.Now = time.Unix(0, 0).UTC()
	}
	box := a.boxes.open(t.Tools, t.Now.Location())
	mem := (&memory{}).clone()
	if n := len(t.History); n > maxHistory {
		t.History = t.History[n-maxHistory:]
	}
	for _, ex := range t.History {
		at := ex.At
		if at.IsZero() {
			at = t.Now
		}
		r := newRound(box, mem, ex.Message, at, ex.Done)
		r.replay = true
		r.plan()
		mem = r.next
		if err := ctx.Err(); err != nil {
			return Step{}, err
		}
	}
	r := newRound(box, mem, t.Message, t.Now, t.Done)
	r.unconnected = t.Tools == nil
	return r.plan(), nil
}

// task is one clause, decided: a goal to reach or something to say.
type task struct {
	goal     *goal
	say      string
	small    bool    // small talk: said once, before the rest
	help     bool    // a refusal: the reply tells what can be done instead
	needs    bool    // cannot be decided without tools
	again    *offer  // choices to put again
	clause   *clause // what led to a refusal
	loose    bool    // it was a statement that led nowhere: it may belong to its neighbour
	absorbed bool    // it did
}

// round is the planning of one message. It runs again from the start after every call, with one more observation.
type round struct {
	box         *toolbox
	mem         *memory // before this message
	next        *memory // after it
	now         time.Time
	cal         calendar
	msg         string
	done        []Observation
	replay      bool // of history: no call can be made any more
	unconnected bool
	calls       []Call
	results     map[*goal][]result
	tasks       []task
	suggest     []string
	held        *goal // what was asked for under a condition: "yes" does it
	alarm       *hit  // what tells that an animal may be in danger
}

func newRound(box *toolbox, mem *memory, message string, now time.Time, done []Observation) *round {
	if len(done) > maxDone {
		done = done[:maxDone]
	}
	now = now.In(box.zone)
	return &round{box: box, mem: mem, next: mem.clone(), now: now, cal: newCalendar(now, box.zone), msg: clean(message), done: done, results: map[*goal][]result{}}
}

// plan decides the next step of the round.
func (r *round) plan() Step {
	for _, o := range r.done {
		r.next.absorb(o)
	}
	r.understand()
	if r.unconnected && r.alarm != nil {
		return r.beforeConnecting()
	}
	if r.unconnected {
		for _, t := range r.tasks {
			if t.needs {
				return Step{NeedsTools: true}
			}
		}
	}
	waiting := false
	for _, t := range r.tasks {
		if t.goal != nil {
			out := r.advance(t.goal)
			r.results[t.goal] = out
			for _, x := range out {
				waiting = waiting || x.waiting
			}
		}
	}
	if waiting && len(r.calls) > 0 && !r.replay {
		return Step{Calls: r.calls}
	}
	r.remember()
	if r.replay {
		return Step{}
	}
	return Step{Reply: r.compose(), Suggestions: r.suggestions()}
}

// do returns what a call brought, or asks for the call to be made.
func (r *round) do(t *tool, args map[string]any) (Observation, bool) {
	key := callKey(t.Name, args)
	for i := len(r.done) - 1; i >= 0; i-- {
		if o := r.done[i]; callKey(o.Call.Name, o.Call.Arguments) == key {
			return o, true
		}
	}
	if r.replay || len(r.done)+len(r.calls) >= maxDone {
		return Observation{Call: Call{Name: t.Name, Arguments: args}, Outcome: Failed}, true
	}
	for _, c := range r.calls {
		if callKey(c.Name, c.Arguments) == key {
			return Observation{}, false
		}
	}
	if len(r.calls) < maxCalls {
		r.calls = append(r.calls, Call{ID: fmt.Sprintf("call-%d", len(r.done)+len(r.calls)+1), Name: t.Name, Arguments: args})
	}
	return Observation{}, false
}

// callKey is the same for the same call, also after its arguments went through JSON.
func callKey(name string, args map[string]any) string {
	if len(args) == 0 {
		return name
	}
	b, err := json.Marshal(args)
	if err != nil {
		return name + fmt.Sprint(args)
	}
	return name + string(b)
}

// remember notes what the next message may refer to.
func (r *round) remember() {
	n := r.next
	var goals []*goal
	var focus []string
	for _, t := range r.tasks {
		if t.goal == nil {
			continue
		}
		if !r.refused(t.goal) {
			goals = append(goals, t.goal)
			if t.goal.when.known() {
				n.day = t.goal.when.from
			}
		}
		for _, x := range r.results[t.goal] {
			if x.name != "" && text(x.data(), "error") != "not_found" {
				focus = appendNew(focus, x.name)
			}
			for _, f := range append(objects(x.data()["pet"]), x.data()) {
				if p, ok := f["pet"].(object); ok {
					f = p
				}
				if name := text(f, "name"); name != "" && text(f, "id") != "" && len(focus) == 0 {
					focus = append(focus, name)
				}
			}
			if cursor, at := t.goal.tool.first(kCursor), text(x.data(), "next_cursor"); cursor != nil && at != "" && x.ok() {
				n.more = t.goal.clone()
				n.more.vals[cursor.name] = at
			}
			if x.offer != nil && n.offer == nil {
				n.offer = x.offer
				n.offer.then = append(n.offer.then, r.following(t.goal)...)
			}
			if x.ask != nil && n.asked == nil {
				n.asked = x.ask
				n.asked.then = r.following(t.goal)
			}
			if t.goal.tool.class != read && x.ok() {
				n.did = r.tell(x)
			}
			if x.proposal != nil && n.proposal == nil {
				n.proposal = x.proposal
			}
		}
	}
	if r.held != nil {
		n.proposal = r.held
	}
	if len(goals) > 0 || len(r.results) > 0 {
		n.goals = goals
	}
	n.fresh = len(focus) > 0
	if len(focus) > 0 {
		n.focus = focus
	}
}

// refused reports whether the clinic would not do what a goal was to change, and nothing was offered instead: its day and time
// are of no use to what is said next.
func (r *round) refused(g *goal) bool {
	return g.tool.class != read && slices.ContainsFunc(r.results[g], func(x result) bool {
		return x.obs != nil && x.obs.Outcome == ToolError && x.offer == nil && text(x.data(), "error") != "not_found"
	})
}

// following are the goals that wait for this one.
func (r *round) following(g *goal) []*goal {
	var out []*goal
	for _, t := range r.tasks {
		if t.goal != nil && t.goal.after == g {
			out = append(out, t.goal)
		}
	}
	return out
}

// understand turns the message into tasks, clause by clause; each clause may lean on the one before it.
func (r *round) understand() {
	toks := tokenize(r.msg)
	mend(toks, r.mem.names, r.box.vocabulary)
	if len(toks) == 0 {
		r.tasks = append(r.tasks, task{help: true, say: "I did not find any words in that message."})
		return
	}
	if say := foreign(r.msg, toks); say != "" {
		r.tasks = append(r.tasks, task{help: true, say: say})
		return
	}
	r.alarm = findPattern("urgent", toks)
	rd := reader{r.cal, r.mem.names, r.box.verbs}
	parts := rd.split(toks)
	cut := len(parts) > maxClauses
	if cut {
		parts = parts[:maxClauses]
	}
	clauses := make([]*clause, len(parts))
	for i, p := range parts {
		clauses[i] = rd.analyse(p, r.msg)
	}
	r.read(clauses)
	if r.alarm != nil { // what else was not understood is part of the story
		r.tasks = slices.DeleteFunc(r.tasks, func(t task) bool { return t.help })
		r.next.lookup = r.alarm.query
	}
	if cut {
		r.tasks = append(r.tasks, task{say: "That was a lot at once: I read only the first part. Please send the rest as another message."})
	}
	if len(r.msg) >= maxMessage-8 && !cut {
		r.tasks = append(r.tasks, task{say: "Your message was long: I read only its beginning."})
	}
}
