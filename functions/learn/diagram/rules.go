package diagram

import (
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// Rule is a sentence of a specification that an exchange obeys.
type Rule struct {
	Title    string `json:"title"`
	Sentence string `json:"sentence"`
	Source   string `json:"source"` // such as: RFC 9728 §5.1
	URL      string `json:"url"`
	About    string `json:"about,omitempty"` // Request or Response, when one of them shows it; empty: both
}

// Rules are the rules that an exchange obeys, the one that it is most about first. Each exchange of ours obeys one at least.
func Rules(r trace.Record) []Rule {
	var rules, rest []Rule
	for _, e := range catalogue {
		switch {
		case !e.obeyed(r):
		case e.last:
			rest = append(rest, e.Rule)
		default:
			rules = append(rules, e.Rule)
		}
	}
	if len(rules) == 0 {
		return rest
	}
	return rules
}

// entry is a row of the catalogue.
type entry struct {
	Rule
	obeyed matcher
	last   bool // only for an exchange that nothing else is said of
}

// matcher tells whether a rule is about such an exchange.
type matcher func(trace.Record) bool

func all(matchers ...matcher) matcher {
	return func(r trace.Record) bool {
		return !slices.ContainsFunc(matchers, func(m matcher) bool { return !m(r) })
	}
}

func anyOf(matchers ...matcher) matcher {
	return func(r trace.Record) bool {
		return slices.ContainsFunc(matchers, func(m matcher) bool { return m(r) })
	}
}

func not(m matcher) matcher { return func(r trace.Record) bool { return !m(r) } }

func to(p trace.Party) matcher   { return func(r trace.Record) bool { return r.To == p } }
func from(p trace.Party) matcher { return func(r trace.Record) bool { return r.From == p } }

func at(paths ...string) matcher {
	return func(r trace.Record) bool { return slices.Contains(paths, pathOf(r)) }
}

func below(prefixes ...string) matcher {
	return func(r trace.Record) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(pathOf(r), p) })
	}
}

func answers(statuses ...int) matcher {
	return func(r trace.Record) bool { return slices.Contains(statuses, r.Response.Status) }
}

func method(name string) matcher {
	return func(r trace.Record) bool { return r.Request.Method == name }
}

func succeeded(r trace.Record) bool { return r.Response.Status/100 == 2 }

func sends(header string) matcher {
	return func(r trace.Record) bool { return r.Request.Header(header) != "" }
}

func sendsScheme(scheme string) matcher {
	return func(r trace.Record) bool {
		got, _, _ := strings.Cut(r.Request.Header("Authorization"), " ")
		return strings.EqualFold(got, scheme)
	}
}

func asked(name string) matcher {
	return func(r trace.Record) bool { return queryOf(r).Get(name) != "" }
}
func filled(name string) matcher {
	return func(r trace.Record) bool { return formOf(r).Get(name) != "" }
}

func grant(name string) matcher {
	return all(at("/oauth/token"), func(r trace.Record) bool { return formOf(r).Get("grant_type") == name })
}

// gives tells whether a JSON answer has a member that is a text.
func gives(member string) matcher {
	return func(r trace.Record) bool { return text(object(r.Response), member) != "" }
}

// refuses tells whether an answer names an error: in its challenge, in JSON or in a redirect.
func refuses(codes ...string) matcher {
	return func(r trace.Record) bool {
		if params, ok := challenge(r.Response); ok && slices.Contains(codes, params["error"]) {
			return true
		}
		return slices.Contains(codes, text(object(r.Response), "error")) || slices.Contains(codes, redirected(r).Get("error"))
	}
}

func challenged(r trace.Record) bool { _, ok := challenge(r.Response); return ok }

func redirects(name string) matcher {
	return func(r trace.Record) bool { return redirected(r).Get(name) != "" }
}

func redirectsWith(code string) matcher {
	return func(r trace.Record) bool { return redirected(r).Get("error") == code }
}

func page(r trace.Record) bool { return r.Response.Type == "text/html" }

func traced(r trace.Record) bool {
	return slices.ContainsFunc(callsOf(r), func(c call) bool { return c.Params.Meta["traceparent"] != nil })
}

func wantsInput(r trace.Record) bool {
	a := replyOf(r)
	return a.Result != nil && a.Result.ResultType == "input_required"
}

func givesInput(r trace.Record) bool {
	return slices.ContainsFunc(callsOf(r), func(c call) bool { return c.Params.RequestState != "" || len(c.Params.Responses) > 0 })
}

func toolFailed(r trace.Record) bool { a := replyOf(r); return a.Result != nil && a.Result.IsError }

// namedByURL tells whether the client names itself by the address of a document.
func namedByURL(r trace.Record) bool {
	return strings.HasPrefix(r.Client, "https://") || strings.HasPrefix(queryOf(r).Get("client_id"), "http")
}

// acts tells whether a token says that somebody acts for its subject.
func acts(where string) matcher {
	return func(r trace.Record) bool {
		return slices.ContainsFunc(slices.Concat(r.Request.Tokens, r.Response.Tokens), func(t trace.Token) bool {
			return t.Where == where && slices.ContainsFunc(ClaimsOf(t), func(c Claim) bool { return c.Name == "act.sub" })
		})
	}
}
