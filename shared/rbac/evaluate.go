package rbac

import "slices"

// Source names one of the four sets of the formula.
type Source string

// The four sets, in the order of the formula.
const (
	Requested Source = "requested" // what the client asked for
	Client    Source = "client"    // what an administrator authorized the client for
	Role      Source = "role"      // what the user's roles allow
	Consent   Source = "consent"   // what the user agreed to
)

// Sets are the scopes of one resource server in each of the four sets.
type Sets struct {
	Requested []string
	Client    []string
	Role      []string
	Consent   []string
}

// Verdict is what became of one scope.
type Verdict struct {
	Scope   string
	Lacking []Source // empty: granted
}

// Decision is the outcome of the formula.
type Decision struct {
	Sets     Sets      // that it was decided by
	Granted  []string  // in the order in which they were requested
	Verdicts []Verdict // one for every requested scope, in that order
}

// Dropped are the verdicts on the requested scopes that were not granted.
func (d Decision) Dropped() []Verdict {
	return slices.DeleteFunc(slices.Clone(d.Verdicts), func(v Verdict) bool { return len(v.Lacking) == 0 })
}

// Evaluate is the formula: a scope is granted when it is in all four sets.
func Evaluate(s Sets) Decision {
	d := Decision{Sets: s}
	for _, scope := range s.Requested {
		v := Verdict{Scope: scope}
		for _, set := range []struct {
			source Source
			scopes []string
		}{{Client, s.Client}, {Role, s.Role}, {Consent, s.Consent}} {
			if !slices.Contains(set.scopes, scope) {
				v.Lacking = append(v.Lacking, set.source)
			}
		}
		if len(v.Lacking) == 0 {
			d.Granted = append(d.Granted, scope)
		}
		d.Verdicts = append(d.Verdicts, v)
	}
	return d
}
