package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestLicences(t *testing.T) {
	const (
		mit    = "Permission is hereby granted, free of charge, to any\n person obtaining a copy of this"
		apache = "        Apache License\n    Version 2.0, January 2004"
	)
	for _, c := range []struct {
		name  string
		texts []Text
		want  string
	}{
		{"allowed", []Text{{"LICENSE", mit}}, "MIT"},
		{"two of them", []Text{{"LICENSE", apache}, {"LICENSE.other", mit}}, "Apache-2.0 MIT"},
		{"with a notice", []Text{{"LICENSE", apache}, {"NOTICE", "Copyright Somebody"}}, "Apache-2.0"},
		{"none", nil, "no licence was found"},
		{"a notice alone", []Text{{"NOTICE", "Copyright Somebody"}}, "no licence was found"},
		{"unknown", []Text{{"LICENSE", "Do what seems right."}}, "LICENSE is a licence that is not known here"},
		{"an unknown one beside", []Text{{"LICENSE", mit}, {"LICENSE-models", "For research only."}}, "LICENSE-models is a licence that is not known here"},
		{"not allowed", []Text{{"COPYING", "GNU GENERAL PUBLIC LICENSE\nVersion 3"}}, "COPYING is GPL, LGPL or AGPL, which is not on the list"},
		{"of files", []Text{{"LICENSE", "Mozilla Public License, version 2.0\nthe GNU General Public License, Version 2.0"}}, "MPL-2.0"},
		{"not allowed, beside another", []Text{{"LICENSE", mit}, {"LICENSE.lib", "Eclipse Public License - v 2.0"}}, "LICENSE.lib is EPL, which is not on the list"},
		{"of sources only", []Text{{"LICENSE", "Business Source License 1.1"}}, "LICENSE is BUSL, which is not on the list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := Module{Texts: c.texts}.licences()
			got := strings.Join(found, " ")
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNotices looks at this program itself, which is linked of the standard library alone, and at one with modules.
func TestNotices(t *testing.T) {
	for pkg, want := range map[string]string{".": "Go's standard library", "../../../shared/token": "github.com/golang-jwt/jwt/v5"} {
		all, err := modules([]string{pkg})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(m Module) bool { return m.Path == want && len(m.Texts) > 0 }) {
			t.Errorf("%s: no %s in %v", pkg, want, all)
		}
		var b bytes.Buffer
		write(&b, all)
		if !strings.Contains(b.String(), "\n"+want+" ") {
			t.Errorf("%s: no notice of %s", pkg, want)
		}
	}
}
