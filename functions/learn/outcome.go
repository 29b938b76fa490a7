package learn

import (
	"net/http"
	"strings"

	"github.com/vetassist/vetassist/functions/learn/diagram"
	"github.com/vetassist/vetassist/shared/trace"
)

// How a flow stands.
const (
	outcomeDone    = "done"
	outcomeWaiting = "waiting" // for a person's login or consent
	outcomeRefused = "refused"
)

// outcomeOf tells how a flow stands. The last word that was said at each address counts, and the last decision of each kind: the story of
// a login begins with a refusal, but does not end there.
func outcomeOf(records []trace.Record) string {
	failed := map[string]bool{} // by record
	for _, step := range diagram.Steps(records) {
		if step.Part == diagram.Response {
			failed[step.Record] = step.Failed
		}
	}
	last := map[string]bool{}
	decided := map[trace.Kind]bool{} // refused
	asked := false                   // for a token, or for one that may do more (RFC 6750 §3.1)
	for _, r := range records {
		path, _, _ := strings.Cut(r.Request.URL, "?")
		if strings.HasPrefix(path, "/.well-known/") { // metadata is looked for in several places
			continue
		}
		for _, d := range r.Decisions {
			decided[d.Kind] = d.Outcome == trace.Refused
		}
		if r.To == trace.MCP {
			asked = r.Response.Status == http.StatusUnauthorized || r.Response.Status == http.StatusForbidden
			last[string(r.To)+path] = failed[r.ID] && !asked
			continue
		}
		last[string(r.To)+path] = failed[r.ID]
	}
	if asked { // what refused that request is what the person is asked for
		delete(decided, trace.TokenCheck)
		delete(decided, trace.ToolCheck)
	}
	for _, refused := range last {
		if refused {
			return outcomeRefused
		}
	}
	for _, refused := range decided {
		if refused {
			return outcomeRefused
		}
	}
	if asked {
		return outcomeWaiting
	}
	return outcomeDone
}
