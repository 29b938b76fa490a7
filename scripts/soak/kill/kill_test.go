package main

import "testing"

// TestKills is the short form: what a thousand kills show, twenty must show too.
func TestKills(t *testing.T) {
	seen, err := run(t.Context(), options{kills: 20, seed: 20261128, out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	// It has looked at something: of every kind of work some was answered.
	for what, n := range map[string]int{"logins": seen.logins, "consents": seen.consents, "codes": seen.codes, "refreshes": seen.refreshes,
		"bookings": seen.bookings, "checks": seen.checks, "kills": seen.kills - 19} {
		if n < 1 {
			t.Errorf("%s: %d", what, n)
		}
	}
}
