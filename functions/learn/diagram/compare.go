package diagram

import "github.com/vetassist/vetassist/shared/trace"

// Pair is a step of two flows side by side. One of the two is nil where only the other flow has the step.
type Pair struct {
	Left  *Step        `json:"left"`
	Right *Step        `json:"right"`
	Same  bool         `json:"same"`              // both are there and nothing differs
	Diffs []Difference `json:"differs,omitempty"` // in what
}

// Difference is one thing in which the two sides of a Pair differ.
type Difference struct {
	What  string `json:"what"` // such as: scope
	Left  string `json:"left"`
	Right string `json:"right"`
}

// Compare puts the steps of two flows side by side.
func Compare(left, right []trace.Record) []Pair {
	a, b := Steps(left), Steps(right)
	byID := func(records []trace.Record) map[string]trace.Record {
		m := map[string]trace.Record{}
		for _, r := range records {
			m[r.ID] = r
		}
		return m
	}
	as, bs := byID(left), byID(right)
	kindOf := func(s Step, records map[string]trace.Record) string {
		r := records[s.Record]
		key := s.Kind + " " + string(s.From) + " " + string(s.To) + " " + r.Request.Method + " " + pathOf(r)
		if s.Kind == Note {
			for i, d := range r.Decisions {
				if s.Part == Decision(i) {
					return key + " " + string(d.Kind)
				}
			}
		}
		if calls := callsOf(r); len(calls) > 0 {
			key += " " + calls[0].Method
		}
		return key + " " + s.Part
	}
	// The longest common subsequence of the two.
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if kindOf(a[i], as) == kindOf(b[j], bs) {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var pairs []Pair
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && kindOf(a[i], as) == kindOf(b[j], bs):
			p := Pair{Left: &a[i], Right: &b[j]}
			if a[i].Label != b[j].Label {
				p.Diffs = []Difference{{"label", a[i].Label, b[j].Label}}
			}
			p.Same = len(p.Diffs) == 0
			pairs = append(pairs, p)
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && length[i+1][j] >= length[i][j+1]:
			pairs = append(pairs, Pair{Left: &a[i]})
			i++
		default:
			pairs = append(pairs, Pair{Right: &b[j]})
			j++
		}
	}
	return pairs
}
