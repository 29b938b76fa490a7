package diagram

import "github.com/vetassist/vetassist/shared/trace"

// Rule is a sentence of a specification that an exchange obeys.
type Rule struct {
	Title    string `json:"title"`
	Sentence string `json:"sentence"`
	Source   string `json:"source"` // such as: RFC 9728 §5.1
	URL      string `json:"url"`
}

// Rules are the rules that an exchange obeys, the one that it is about first.
func Rules(r trace.Record) []Rule {
	var rules []Rule
	for _, row := range catalogue {
		if row.obeyed(r) {
			rules = append(rules, row.Rule)
		}
	}
	return rules
}

// entry is a row of the catalogue.
type entry struct {
	Rule
	obeyed func(trace.Record) bool // whether the rule is about such an exchange
}
