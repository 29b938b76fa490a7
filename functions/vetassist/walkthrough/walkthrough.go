package walkthrough

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Tale is a story: the same steps for each of its variants, which go side by side. A story with one variant has no name for it.
type Tale struct {
	Name, Title string
	Variants    []string
	Steps       []Step
	prepare     func(*scene)
}

// Step is a part of a story. Its words stand for themselves: whoever explains the story elsewhere may take them from here.
type Step struct {
	Name  string // for machines
	Title string
	Why   string // two or three sentences
	Rule  string // where it is written
	do    func(context.Context, *scene) error
}

// Told is what became of a step.
type Told struct {
	Tale   string `json:"tale"`
	N      int    `json:"n"` // from 1 on
	Of     int    `json:"of"`
	Name   string `json:"name"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Rule   string `json:"rule,omitempty"`
	Runs   []Run  `json:"runs"` // one for each variant
	OK     bool   `json:"ok"`
	Wanted string `json:"expected,omitempty"` // of a surprise
	Got    string `json:"got,omitempty"`
}

// Run is what a step did for a variant.
type Run struct {
	Variant   string     `json:"variant,omitempty"`
	Exchanges []Exchange `json:"exchanges"`
	Facts     []Fact     `json:"facts"`
	See       string     `json:"see,omitempty"`   // address at which it is drawn
	Ended     string     `json:"ended,omitempty"` // why it has nothing more to tell
}

// Fact is something to notice, which has been checked where it matters.
type Fact struct {
	What  string `json:"what"`
	Value string `json:"value"`
}

// Options say where and for whom a story is told.
type Options struct {
	Base      string
	Client    string            // client_id of the client that is registered; empty: the demo's
	Passwords map[string]string // by username; a name that is missing has the demo's password
	Transport http.RoundTripper // nil: the usual one
	Before    func(Told) error  // before a step begins, with its words only; an error ends the story
	Tell      func(Told) error  // after it
}

// ErrStopped says that whoever listened had enough.
var ErrStopped = errors.New("stopped before the end")

// Surprise is something that did not come as the story says.
type Surprise struct {
	Step, Variant string
	Wanted, Got   string
}

func (s *Surprise) Error() string {
	where := s.Step
	if s.Variant != "" {
		where += " (" + s.Variant + ")"
	}
	return fmt.Sprintf("%s: expected %s, and got %s", where, s.Wanted, s.Got)
}

// surprise makes one; the step that it is in is filled in by Run.
func surprise(wanted, format string, args ...any) error {
	return &Surprise{Wanted: wanted, Got: fmt.Sprintf(format, args...)}
}

// cleanupTime is for putting things back, also when the story was broken off.
const cleanupTime = 30 * time.Second

// Run tells a story. Whatever happens, it ends with putting things back. The error is a *Surprise, ErrStopped, or one of Tell.
func (t Tale) Run(ctx context.Context, o Options) error {
	scenes := make([]*scene, len(t.Variants))
	for i, variant := range t.Variants {
		scenes[i] = newScene(o, variant)
		if t.prepare != nil {
			t.prepare(scenes[i])
		}
	}
	var failed error
	for n := range t.Steps {
		if failed = t.step(ctx, n, scenes, o); failed != nil {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if o.Before != nil {
		failed = errors.Join(failed, o.Before(t.words(len(t.Steps), cleanup)))
	}
	return errors.Join(failed, t.tell(ctx, len(t.Steps), cleanup, scenes, o))
}

func (t Tale) step(ctx context.Context, n int, scenes []*scene, o Options) error {
	if o.Before != nil {
		if err := o.Before(t.words(n, t.Steps[n])); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ErrStopped
	}
	return t.tell(ctx, n, t.Steps[n], scenes, o)
}

func (t Tale) words(n int, s Step) Told {
	return Told{Tale: t.Name, N: n + 1, Of: len(t.Steps) + 1, Name: s.Name, Title: s.Title, Why: s.Why, Rule: s.Rule, OK: true}
}

// tell does a step for each variant, and says what became of it.
func (t Tale) tell(ctx context.Context, n int, step Step, scenes []*scene, o Options) error {
	told := t.words(n, step)
	var failed *Surprise
	for _, s := range scenes {
		s.begin()
		if s.ended == "" || step.Name == cleanup.Name {
			if err := step.do(ctx, s); err != nil && failed == nil {
				if !errors.As(err, &failed) {
					failed = &Surprise{Wanted: "an answer of " + o.Base, Got: err.Error()}
				}
				failed.Step, failed.Variant = step.Name, s.variant
				told.OK, told.Wanted, told.Got = false, failed.Wanted, failed.Got
			}
		}
		told.Runs = append(told.Runs, Run{s.variant, s.wire.exchanges(), s.facts, s.see, s.ended})
		if failed != nil && step.Name != cleanup.Name {
			break
		}
	}
	if err := o.Tell(told); err != nil {
		return err
	}
	if failed != nil {
		if ctx.Err() != nil {
			return ErrStopped
		}
		return failed
	}
	return nil
}
