package rbac

import (
	"errors"
	"slices"
	"strings"
)

// Bounds on what a request may name.
const (
	maxScopes      = 50
	maxScopeLength = 128
)

// ErrScope says that a scope parameter is not one.
var ErrScope = errors.New("scope must be a list of at most 50 names, separated by single spaces")

// ParseScope reads a scope parameter (RFC 6749 §3.3: names of printable ASCII without quote and backslash,
// separated by a space). The order is kept and repetitions are dropped. Empty means none.
func ParseScope(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var scopes []string
	for name := range strings.SplitSeq(s, " ") {
		if name == "" || len(name) > maxScopeLength || strings.ContainsFunc(name, notScopeChar) {
			return nil, ErrScope
		}
		if slices.Contains(scopes, name) {
			continue
		}
		if len(scopes) == maxScopes {
			return nil, ErrScope
		}
		scopes = append(scopes, name)
	}
	return scopes, nil
}

func notScopeChar(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

// JoinScope writes scopes as one parameter.
func JoinScope(scopes []string) string { return strings.Join(scopes, " ") }

// Satisfies reports whether the granted scopes suffice for all the required ones. Writing implies reading of the
// same thing: "pet-profile:write" satisfies "pet-profile:read" (the MCP specification, "Step-Up Authorization
// Flow": servers must account for scope hierarchies).
func Satisfies(granted, required []string) bool { return len(Missing(granted, required)) == 0 }

// Missing are the required scopes that the granted ones do not satisfy.
func Missing(granted, required []string) []string {
	var missing []string
	for _, r := range required {
		if _, ok := Satisfier(granted, r); !ok {
			missing = append(missing, r)
		}
	}
	return missing
}

// Satisfier is the scope among those there are that satisfies the required one: itself, or the writing that implies it.
func Satisfier(scopes []string, required string) (scope string, ok bool) {
	if slices.Contains(scopes, required) {
		return required, true
	}
	thing, reading := strings.CutSuffix(required, ":read")
	if write := thing + ":write"; reading && slices.Contains(scopes, write) {
		return write, true
	}
	return "", false
}
