package clinic_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

var (
	bob   = clinic.Actor{ID: "user-bob"}
	alice = clinic.Actor{ID: "user-alice"}
	carol = clinic.Actor{ID: "user-carol", Staff: true}

	monday = time.Date(2026, 11, 23, 15, 4, 0, 0, time.UTC) // 10:04 at the clinic
)

// house is a seeded clinic whose clock the test moves.
type house struct {
	*clinic.Clinic
	store store.Store
	now   time.Time
}

func open(t *testing.T, now time.Time) *house {
	t.Helper()
	h := &house{now: now}
	h.store = store.Restrict(storetest.Open(t, func() time.Time { return h.now }), clinic.Partitions...)
	if err := clinic.Seed(t.Context(), h.store, seed.Files, now); err != nil {
		t.Fatal(err)
	}
	var err error
	h.Clinic, err = clinic.New(clinic.Config{Store: h.store, Files: seed.Files, Now: func() time.Time { return h.now }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func day(t *testing.T, s string) clinic.Date {
	t.Helper()
	d, err := clinic.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func clock(t *testing.T, s string) clinic.Clock {
	t.Helper()
	c, err := clinic.ParseClock(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// code is the code of a refusal, "" for success, and the whole error for a failure.
func code(err error) string {
	var e *clinic.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got %q (%v), want code %q", got, err, want)
	}
}
