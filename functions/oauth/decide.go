package oauth

import (
	"context"
	"slices"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
)

// decision is the formula of package rbac applied to an authorization request, before the person has answered.
type decision struct {
	Available []string       // requested, authorized for the client and allowed by the roles
	Consented []string       // those of them that the person agreed to before
	New       []string       // those that are to be asked
	Dropped   []rbac.Verdict // requested, but not available
	Identity  []string       // scopes of OpenID Connect that are to be asked
}

// possible reports whether there is anything to allow.
func (d decision) possible(a *authRequest) bool { return len(d.Available) > 0 || a.onlyLogin() }

// asks reports whether the person has to be asked.
func (d decision) asks() bool { return len(d.New)+len(d.Identity) > 0 }

// decide sorts the verdicts of directory.Why, the whole formula: the token endpoint asks the same for every token, so a
// role, a client or a consent that shrank shrinks the next token too.
func (s *server) decide(ctx context.Context, a *authRequest, user directory.User) (decision, error) {
	all, consent, err := s.Directory.WhyConsented(ctx, user, a.Client, a.Server, a.Scopes)
	if err != nil {
		return decision{}, err
	}
	d := decision{Identity: slices.DeleteFunc(slices.Clone(a.Identity), func(scope string) bool { return slices.Contains(consent.Scopes, scope) })}
	for _, v := range all.Verdicts {
		switch {
		case len(v.Lacking) == 0:
			d.Available = append(d.Available, v.Scope)
			d.Consented = append(d.Consented, v.Scope)
		case slices.Equal(v.Lacking, []rbac.Source{rbac.Consent}): // only the person's answer is missing
			d.Available = append(d.Available, v.Scope)
			d.New = append(d.New, v.Scope)
		default:
			d.Dropped = append(d.Dropped, v)
		}
	}
	tracePolicy(ctx, all, d)
	return d, nil
}
