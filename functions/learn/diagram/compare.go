package diagram

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// Pair is a step of each of two flows, side by side. One of the two is nil where only the other flow has such a step.
type Pair struct {
	Left    *Step        `json:"left"`
	Right   *Step        `json:"right"`
	Same    bool         `json:"same"` // both are there, and nothing differs
	Differs []Difference `json:"differs,omitempty"`
}

// Difference is one thing in which the two sides of a Pair differ.
type Difference struct {
	What  string `json:"what"` // such as: scope
	Left  string `json:"left"`
	Right string `json:"right"`
}

// Compare puts the steps of two flows side by side: those of the same kind of exchange beside each other, as many as can be without
// changing the order (the longest common subsequence).
func Compare(left, right []trace.Record) []Pair {
	a, b := side(left), side(right)
	common := make([][]int, len(a)+1) // [i][j]: the length of what a[i:] and b[j:] have in common
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].kind == b[j].kind {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	pairs := []Pair{}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i].kind == b[j].kind:
			d := differences(a[i], b[j])
			pairs = append(pairs, Pair{Left: &a[i].step, Right: &b[j].step, Same: len(d) == 0, Differs: d})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			pairs = append(pairs, Pair{Left: &a[i].step})
			i++
		default:
			pairs = append(pairs, Pair{Right: &b[j].step})
			j++
		}
	}
	return pairs
}

// compared is a step with what it is compared by.
type compared struct {
	step     Step
	record   trace.Record
	decision *trace.Decision // of a note
	kind     string          // steps of the same kind stand side by side
}

func side(records []trace.Record) []compared {
	byID := map[string]trace.Record{}
	for _, r := range records {
		byID[r.ID] = r
	}
	var all []compared
	for _, s := range Steps(records) {
		c := compared{step: s, record: byID[s.Record]}
		kind := []string{string(s.From), string(s.To), c.record.Request.Method, pathOf(c.record)}
		switch s.Kind {
		case Note:
			i, _ := strconv.Atoi(strings.TrimPrefix(s.Part, Decision(0)[:len("decision:")]))
			c.decision = &c.record.Decisions[i]
			kind = append(kind, string(c.decision.Kind))
		default:
			kind = append(kind, s.Part, formOf(c.record).Get("grant_type"))
			for _, call := range callsOf(c.record) {
				kind = append(kind, call.Method)
			}
		}
		c.kind = strings.Join(kind, "\n")
		all = append(all, c)
	}
	return all
}

// alwaysNew are parameters that are random or different in every flow; that they differ says nothing.
var alwaysNew = []string{"state", "nonce", "code", "code_challenge", "code_verifier", "request_uri", "form_token", "client_assertion", "refresh_token", "token",
	"subject_token", "device_code", "user_code", "password", "dpop_jkt", "id_token_hint", "for", "exchange"}

func differences(a, b compared) []Difference {
	var all []Difference
	differ := func(what, left, right string) {
		if left != right {
			all = append(all, Difference{what, left, right})
		}
	}
	switch {
	case a.decision != nil:
		differ("outcome", outcomeWords(a.decision.Outcome), outcomeWords(b.decision.Outcome))
		differ("reason", a.decision.Text, b.decision.Text)
		if x, y := a.decision.Sets, b.decision.Sets; x != nil && y != nil {
			for _, set := range []struct {
				name        string
				left, right []string
			}{{"requested", x.Requested, y.Requested}, {"authorized for the client", x.Client, y.Client}, {"allowed by the role", x.Role, y.Role},
				{"consented", x.Consent, y.Consent}, {"granted", x.Granted, y.Granted}} {
				differ(set.name, list(set.left), list(set.right))
			}
		}
	case a.step.Part == Request:
		differ("label", a.step.Label, b.step.Label)
		parametersDiffer(queryOf(a.record), queryOf(b.record), differ)
		parametersDiffer(formOf(a.record), formOf(b.record), differ)
		tokensDiffer(a.record.Request, b.record.Request, differ)
	default:
		differ("label", a.step.Label, b.step.Label)
		differ("status", status(a.record), status(b.record))
		tokensDiffer(a.record.Response, b.record.Response, differ)
	}
	return all
}

func parametersDiffer(a, b url.Values, differ func(what, left, right string)) {
	names := map[string]bool{}
	for _, v := range []url.Values{a, b} {
		for name := range v {
			names[name] = !slices.Contains(alwaysNew, name)
		}
	}
	for _, name := range sorted(names) {
		if names[name] {
			differ(name, strings.Join(a[name], ", "), strings.Join(b[name], ", "))
		}
	}
}

func sorted(names map[string]bool) []string {
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func status(r trace.Record) string { return strconv.Itoa(r.Response.Status) }

// list is a set as text, in its order in the formula.
func list(set []string) string { return strings.Join(set, " ") }

// comparedClaims are those that matter of a token, in words.
var comparedClaims = []struct{ name, words string }{
	{"sub", "who, by the token"}, {"act.sub", "who acts, by the token"}, {"client_id", "client of the token"}, {"aud", "audience of the token"}, {"scope", "scope of the token"}, {"roles", "roles in the token"},
}

func tokensDiffer(a, b trace.Message, differ func(what, left, right string)) {
	if len(a.Tokens) == 0 || len(b.Tokens) == 0 {
		return
	}
	x, y := claimsByName(a.Tokens[0]), claimsByName(b.Tokens[0])
	for _, c := range comparedClaims {
		differ(c.words, x[c.name], y[c.name])
	}
}

func claimsByName(t trace.Token) map[string]string {
	values := map[string]string{}
	for _, c := range ClaimsOf(t) {
		if c.Part == Payload {
			values[c.Name] = c.Value
		}
	}
	return values
}

// outcomeWords are as a decision's own page has them.
func outcomeWords(o trace.Outcome) string {
	if o == trace.Asked {
		return "not yet"
	}
	return string(o)
}
