package doctor

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Outcome is how a check ended.
type Outcome string

// The outcomes. A warning is what works but will hurt somebody; wrong is what breaks a client or a rule.
const (
	OK      Outcome = "ok"
	Warning Outcome = "warning"
	Wrong   Outcome = "wrong"
)

// Finding is one thing that was looked at.
type Finding struct {
	Part    string  `json:"part"`
	Check   string  `json:"check"`
	Looked  string  `json:"looked_at"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
	Rule    string  `json:"rule,omitempty"` // where it is written, such as RFC 8414 §3.3
	Mend    string  `json:"mend,omitempty"`
}

// Report is all that was found at one address.
type Report struct {
	URL      string    `json:"url"`
	Warnings int       `json:"warnings"`
	Wrong    int       `json:"wrong"`
	Findings []Finding `json:"findings"`
}

// Options are for tests; the zero value is right for everybody else.
type Options struct {
	Transport *http.Transport // how the address is reached
	Now       func() time.Time
	Timeout   time.Duration // of the whole
}

const (
	wholeTimeout   = 90 * time.Second
	requestTimeout = 15 * time.Second // a cold start takes a few seconds
)

// Examine looks at the address, and reports what it finds. The error is about the address as it was typed.
func Examine(ctx context.Context, typed string, o Options) (Report, error) {
	address, err := readAddress(typed)
	if err != nil {
		return Report{}, err
	}
	x := newExam(address, o)
	ctx, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	for _, part := range []struct {
		name  string
		check func(context.Context) (goOn bool)
	}{
		{"Connection", x.connection},
		{"Metadata", x.metadata},
		{"Keys", x.keys},
		{"MCP server", x.mcp},
		{"Other origins", x.cors},
		{"Pages", x.pages},
	} {
		x.part = part.name
		goOn := part.check(ctx)
		if ctx.Err() != nil {
			reason := "It was interrupted"
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				reason = "It was stopped after " + x.timeout.String()
			}
			x.look("time", "the whole examination").wrong(reason+", so the rest was not looked at.", "", "Try again. If it takes as long again, the server is too slow for any client.")
			break
		}
		if !goOn {
			break
		}
	}
	return x.report, nil
}

// exam is one examination.
type exam struct {
	address
	http      *http.Client
	transport *http.Transport
	now       func() time.Time
	timeout   time.Duration
	part      string
	report    Report
	issuer    string // what the metadata says, for the checks that come after
	jwks      string
}

func newExam(a address, o Options) *exam {
	x := &exam{address: a, now: o.Now, transport: o.Transport, timeout: o.Timeout, report: Report{URL: a.base}}
	if x.now == nil {
		x.now = time.Now
	}
	if x.timeout == 0 {
		x.timeout = wholeTimeout
	}
	if x.transport == nil {
		x.transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	x.http = newClient(x.transport, x.now)
	return x
}

// look is a check that has begun; one of its methods ends it.
type look struct {
	x *exam
	f Finding
}

// look begins a check: a short name for programs, and what is looked at.
func (x *exam) look(check, at string) look {
	return look{x, Finding{Part: x.part, Check: check, Looked: at}}
}

func (l look) end(outcome Outcome, reason, rule, mend string) {
	l.f.Outcome, l.f.Reason, l.f.Rule, l.f.Mend = outcome, reason, rule, mend
	l.x.report.Findings = append(l.x.report.Findings, l.f)
}

func (l look) ok(reason, rule string) { l.end(OK, reason, rule, "") }

func (l look) warning(reason, rule, mend string) {
	l.x.report.Warnings++
	l.end(Warning, reason, rule, mend)
}

func (l look) wrong(reason, rule, mend string) {
	l.x.report.Wrong++
	l.end(Wrong, reason, rule, mend)
}
