package directory_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// guess tries a wrong password so many times, and says how often it was checked.
func (w world) guess(t *testing.T, name string, times int) (checked int) {
	t.Helper()
	for range times {
		switch _, err := w.Authenticate(t.Context(), name, "wrong"); {
		case errors.Is(err, directory.ErrLogin):
			checked++
		case !errors.Is(err, directory.ErrLocked):
			t.Fatal(err)
		}
	}
	return checked
}

func (w world) expectLogin(t *testing.T, what, name, password string, want error) {
	t.Helper()
	if _, err := w.Authenticate(t.Context(), name, password); !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (w world) lockedUntil(t *testing.T, userID string) time.Time {
	t.Helper()
	until, err := w.LockedUntil(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	return until
}

func TestLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	start := w.clock.Now()
	if n := w.guess(t, "bob", 9); n != 9 || !w.lockedUntil(t, "user-bob").IsZero() {
		t.Errorf("%d of nine were checked, locked until %s", n, w.lockedUntil(t, "user-bob"))
	}
	w.expectLogin(t, "the right one after nine", "bob", "bob-demo", nil)
	w.clock.Advance(time.Minute)
	if n := w.guess(t, " BOB ", 11); n != 10 {
		t.Errorf("after that %d of eleven were checked", n)
	}
	until := start.Add(16 * time.Minute)
	if got := w.lockedUntil(t, "user-bob"); !got.Equal(until) {
		t.Errorf("locked until %s, want %s", got, until)
	}
	var locked *directory.LockedError
	if _, err := w.Authenticate(t.Context(), "bob", "bob-demo"); !errors.As(err, &locked) || !locked.Until.Equal(until) {
		t.Errorf("the right one while locked: %v", err)
	}
	w.expectLogin(t, "somebody else", "alice", "alice-demo", nil)

	w.clock.Advance(15*time.Minute - time.Second) // trying does not make it longer
	w.expectLogin(t, "a second before the end", "bob", "bob-demo", directory.ErrLocked)
	w.clock.Advance(time.Second)
	if !w.lockedUntil(t, "user-bob").IsZero() {
		t.Error("the lock has no end")
	}
	if n := w.guess(t, "bob", 11); n != 10 {
		t.Errorf("after the lock %d of eleven were checked", n)
	}
	w.clock.Advance(15 * time.Minute)
	w.expectLogin(t, "after the second lock", "bob", "bob-demo", nil)
}

// Only what was wrong within a quarter of an hour counts, whenever that begins.
func TestLockWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.guess(t, "bob", 5)
	w.clock.Advance(10 * time.Minute)
	w.guess(t, "bob", 4)
	w.clock.Advance(5 * time.Minute) // the five are forgotten
	w.guess(t, "bob", 5)
	w.expectLogin(t, "nine within the window", "bob", "bob-demo", nil)

	w.guess(t, "bob", 5)
	w.clock.Advance(14 * time.Minute)
	w.guess(t, "bob", 5)
	w.expectLogin(t, "ten within the window", "bob", "bob-demo", directory.ErrLocked)
}

// A name that nobody has is locked like any other, and so is one whose user is disabled.
func TestLockTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	alice, err := w.UserRecord(t.Context(), "user-alice")
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := w.UpdateUser(t.Context(), "user-alice", alice.Version, directory.UserEdit{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nobody", "alice"} {
		if n := w.guess(t, name, 12); n != 10 {
			t.Errorf("%s: %d of twelve were checked", name, n)
		}
	}
	// The right password of a disabled user counts as a wrong one: it does not begin to count anew.
	w.clock.Advance(15 * time.Minute)
	w.guess(t, "alice", 9)
	w.expectLogin(t, "the right one of a disabled user", "alice", "alice-demo", directory.ErrLogin)
	w.expectLogin(t, "after it", "alice", "alice-demo", directory.ErrLocked)
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.guess(t, "bob", 10)
	note := store.Put(store.Encode("directory/note", "x", "unlocked", time.Time{}), store.IfAbsent())
	if err := w.Unlock(t.Context(), "user-bob", note); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Get(t.Context(), "directory/note", "x"); err != nil {
		t.Errorf("what was to be written with it: %v", err)
	}
	w.expectLogin(t, "unlocked", "bob", "bob-demo", nil)
	if err := w.Unlock(t.Context(), "user-bob"); err != nil {
		t.Errorf("unlocking what is not locked: %v", err)
	}
	if err := w.Unlock(t.Context(), "nobody"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unlocking nobody: %v", err)
	}
	if _, err := w.LockedUntil(t.Context(), "nobody"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("the lock of nobody: %v", err)
	}
}

// Of fifty guesses at once, over two processes, ten are checked: each is counted before it is.
func TestLockRace(t *testing.T) { // not in parallel: it fills the queue
	w := newWorld(t, true)
	other := directory.New(store.Restrict(w.db, directory.Partitions...), base, true, w.clock.Now)
	results := make([]error, 50)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			d := []*directory.Directory{w.Directory, other}[i%2]
			for results[i] = directory.ErrBusy; errors.Is(results[i], directory.ErrBusy); {
				_, results[i] = d.Authenticate(t.Context(), "bob", "wrong")
			}
		})
	}
	wg.Wait()
	checked, locked := 0, 0
	for _, err := range results {
		switch {
		case errors.Is(err, directory.ErrLogin):
			checked++
		case errors.Is(err, directory.ErrLocked):
			locked++
		default:
			t.Error(err)
		}
	}
	if checked != 10 || locked != 40 {
		t.Errorf("%d were checked, %d found it locked", checked, locked)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	before, err := w.User(t.Context(), "user-bob")
	if err != nil {
		t.Fatal(err)
	}
	const fresh = "a brand new one"
	for _, c := range []struct {
		name, user, old, password string
		want                      func(error) bool
	}{
		{"wrong", "user-bob", "wrong", fresh, func(err error) bool { return errors.Is(err, directory.ErrLogin) }},
		{"somebody else's", "user-bob", "alice-demo", fresh, func(err error) bool { return errors.Is(err, directory.ErrLogin) }},
		{"nobody", "nobody", "x", fresh, func(err error) bool { return errors.Is(err, directory.ErrNotFound) }},
		{"short", "user-bob", "bob-demo", "short", isField("password")},
		{"common", "user-bob", "bob-demo", "password1", isField("password")},
		{"the same", "user-bob", "bob-demo", "bob-demo", isField("password")},
	} {
		if _, err := w.ChangePassword(t.Context(), c.user, w.clock.Now(), c.old, c.password); !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if u, err := w.User(t.Context(), "user-bob"); err != nil || !u.SignedOut.IsZero() {
		t.Errorf("after refusals: %+v, %v", u, err)
	}
	note := store.Put(store.Encode("directory/note", "x", "changed", time.Time{}), store.IfAbsent())
	since := w.clock.Now()
	w.clock.Advance(time.Minute)
	changed, err := w.ChangePassword(t.Context(), "user-bob", since, "bob-demo", fresh, note)
	if err != nil || !changed.SignedOut.Equal(w.clock.Now()) {
		t.Fatal(changed, err)
	}
	if _, err := w.db.Get(t.Context(), "directory/note", "x"); err != nil {
		t.Errorf("what was to be written with it: %v", err)
	}
	w.expectLogin(t, "the old one", "bob", "bob-demo", directory.ErrLogin)
	w.expectLogin(t, "the new one", "bob", fresh, nil)
	after, err := w.User(t.Context(), "user-bob")
	if err != nil || !after.SignedOut.Equal(w.clock.Now()) || !slices.Equal(after.Roles, before.Roles) || after.Created != before.Created {
		t.Errorf("%+v, %v", after, err)
	}
	if _, err := w.ChangePassword(t.Context(), "user-bob", since, fresh, "another new one"); !errors.Is(err, directory.ErrSignedOut) {
		t.Errorf("in a login that is over: %v", err)
	}
	w.clock.Advance(time.Minute)
	w.guess(t, "bob", 10)
	if _, err := w.ChangePassword(t.Context(), "user-bob", w.clock.Now(), fresh, "another new one"); !errors.Is(err, directory.ErrLocked) {
		t.Errorf("while locked: %v", err)
	}
}

func isField(field string) func(error) bool {
	return func(err error) bool {
		var wrong *directory.FieldError
		return errors.As(err, &wrong) && wrong.Field == field
	}
}
