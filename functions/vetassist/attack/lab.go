package attack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/attacks"
	"github.com/vetassist/vetassist/shared/config"
)

// Outcome is how an attack ended.
type Outcome string

// The outcomes. See the package's doc.
const (
	Refused   Outcome = "refused"
	Succeeded Outcome = "SUCCEEDED"
	Failed    Outcome = "failed"
	NotTried  Outcome = "not tried"
)

// Finding is what became of one variant of an attack.
type Finding struct {
	Tried   string  `json:"tried"`
	Outcome Outcome `json:"outcome"`
	Said    string  `json:"said"` // status, error and the essential words of the answer
}

// Result is what became of one attack.
type Result struct {
	Number int `json:"number"` // in the catalogue
	attacks.Attack
	Outcome   Outcome    `json:"outcome"`
	Why       string     `json:"why,omitempty"` // it failed or was not tried
	Findings  []Finding  `json:"findings"`
	Exchanges []Exchange `json:"exchanges,omitempty"`
}

// Options are what a lab needs besides the address.
type Options struct {
	Logins    map[string]string // passwords by user; nil: the demo's, on this machine
	Flood     bool              // flood the registration even away from this machine
	Only      []string          // ids; empty: all
	Skip      []string          // ids
	Wire      bool              // keep requests and answers
	Transport http.RoundTripper // nil: the usual one
	Done      func(Result)      // after each; may be nil
}

// demo are the passwords that the demo has, and that work on this machine only.
var demo = map[string]string{"bob": "bob-demo", "alice": "alice-demo", "carol": "carol-demo", "admin": "admin-demo"}

// lab is one run.
type lab struct {
	Options
	base    string
	local   bool
	wire    *wire
	people  map[string]*visitor.Browser
	tokens  map[string]string // access tokens that several programs use
	ahead   time.Duration     // of the server's clock
	server  visitor.Server    // what it says of itself
	cleanup []func(context.Context) error
}

// program tries an attack. It returns when there is nothing more to try.
type program func(t *try)

const (
	attackTime  = 5 * time.Minute
	cleanupTime = 3 * time.Minute
)

// Report is what became of all of them.
type Report struct {
	URL     string          `json:"url"`
	Counts  map[Outcome]int `json:"counts"`
	Results []Result        `json:"attacks"`
	Left    []string        `json:"left,omitempty"` // what could not be put back
}

// Run tries the attacks at an address. The error is about the address or the ids, or says that there is no VetAssist.
func Run(ctx context.Context, address string, o Options) (Report, error) {
	base, local, err := readAddress(address)
	if err != nil {
		return Report{}, err
	}
	chosen, err := choose(o.Only, o.Skip)
	if err != nil {
		return Report{}, err
	}
	if o.Logins == nil && local {
		o.Logins = demo
	}
	for _, who := range []string{"bob", "alice"} {
		if o.Logins[who] == "" {
			return Report{}, fmt.Errorf("there is no password of %s: away from this machine the lab needs a file with logins", who)
		}
	}
	l := &lab{Options: o, base: base, local: local, wire: &wire{next: o.Transport}, people: map[string]*visitor.Browser{}, tokens: map[string]string{}}
	if l.server, err = visitor.NewClient(base, l.wire).ReadServer(ctx, base); err != nil {
		return Report{}, fmt.Errorf("there is no VetAssist at %s: %w", base, err)
	}
	report := Report{URL: base, Counts: map[Outcome]int{}, Results: []Result{}}
	for _, r := range chosen {
		if ctx.Err() != nil {
			break
		}
		l.run(ctx, &r)
		report.Counts[r.Outcome]++
		report.Results = append(report.Results, r)
		if o.Done != nil {
			o.Done(r)
		}
	}
	report.Left = l.putBack(ctx)
	return report, ctx.Err()
}

// choose are the attacks to try, in the order of the catalogue.
func choose(only, skip []string) (chosen []Result, err error) {
	for _, id := range slices.Concat(only, skip) {
		if _, ok := attacks.Find(id); !ok {
			return nil, fmt.Errorf("there is no attack %q; -list shows them all", id)
		}
	}
	for i, a := range attacks.All() {
		if (len(only) == 0 || slices.Contains(only, a.ID)) && !slices.Contains(skip, a.ID) {
			chosen = append(chosen, Result{Number: i + 1, Attack: a, Findings: []Finding{}})
		}
	}
	return chosen, nil
}

// readAddress takes the address of a VetAssist. Passwords go there, so it is https, or this machine.
func readAddress(typed string) (base string, local bool, err error) {
	if !strings.Contains(typed, "://") {
		typed = "http://" + typed
	}
	u, err := url.Parse(strings.TrimSuffix(typed, "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", false, fmt.Errorf("%q is not an address such as http://localhost:8080", typed)
	}
	local = config.IsLoopback(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return "", false, fmt.Errorf("%s must be https, or on this machine: passwords go there", typed)
	}
	return u.Scheme + "://" + u.Host, local, nil
}

// run tries one attack.
func (l *lab) run(ctx context.Context, r *Result) {
	ctx, cancel := context.WithTimeout(ctx, attackTime)
	defer cancel()
	l.wire.begin(l.Wire)
	t := &try{lab: l, ctx: ctx, result: r}
	why := t.do(programs[r.ID])
	r.Exchanges = l.wire.end()
	var skipped *notTried
	switch {
	case slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Outcome == Succeeded }):
		r.Outcome = Succeeded
	case errors.As(why, &skipped):
		r.Outcome, r.Why = NotTried, skipped.why
	case why != nil:
		r.Outcome, r.Why = Failed, why.Error()
	case len(r.Findings) == 0:
		r.Outcome, r.Why = Failed, "nothing was tried"
	default:
		r.Outcome = Refused
	}
}

// later puts something back when the run is over, the last first.
func (l *lab) later(f func(context.Context) error) { l.cleanup = append(l.cleanup, f) }

// putBack does what later was told, even when the run was interrupted, and says what did not work.
func (l *lab) putBack(ctx context.Context) (left []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	for _, f := range slices.Backward(l.cleanup) {
		if err := f(ctx); err != nil {
			left = append(left, err.Error())
		}
	}
	l.cleanup = nil
	return left
}
