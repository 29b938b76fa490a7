package directory_test

import (
	"errors"
	"slices"
	"strings"
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
		switch _, err := w.Authenticate(t.Context(), name, "wrong", ""); {
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
	if _, err := w.Authenticate(t.Context(), name, password, ""); !errors.Is(err, want) {
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

// Each wrong password beyond four costs a longer wait, and who tries in between makes it no longer.
func TestLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	if n := w.guess(t, "bob", 4); n != 4 || !w.lockedUntil(t, "user-bob").IsZero() {
		t.Errorf("%d of four were checked, locked until %s", n, w.lockedUntil(t, "user-bob"))
	}
	w.expectLogin(t, "the right one after four", "bob", "bob-demo", nil)
	if n := w.guess(t, " BOB ", 4); n != 4 {
		t.Errorf("after that %d of four were checked", n)
	}
	for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		if n := w.guess(t, "bob", 3); n != 1 {
			t.Errorf("before a wait of %s %d of three were checked", wait, n)
		}
		until := w.clock.Now().Add(wait)
		if got := w.lockedUntil(t, "user-bob"); !got.Equal(until) {
			t.Errorf("locked until %s, want %s", got, until)
		}
		var locked *directory.LockedError
		if _, err := w.Authenticate(t.Context(), "bob", "bob-demo", ""); !errors.As(err, &locked) || !locked.Until.Equal(until) {
			t.Errorf("the right one while locked: %v", err)
		}
		w.clock.Advance(wait - time.Second)
		w.expectLogin(t, "a second before the end", "bob", "bob-demo", directory.ErrLocked)
		w.clock.Advance(time.Second)
		if !w.lockedUntil(t, "user-bob").IsZero() {
			t.Error("the lock has no end")
		}
	}
	w.expectLogin(t, "somebody else", "alice", "alice-demo", nil)
	w.expectLogin(t, "after the lock", "bob", "bob-demo", nil)
	if n := w.guess(t, "bob", 6); n != 5 {
		t.Errorf("after the right one %d of six were checked", n)
	}
}

// One wrong password is forgotten each hour, and ten hours after the last all are, however many there were.
func TestLockForgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.guess(t, "bob", 4)
	w.clock.Advance(2 * time.Hour)
	if n := w.guess(t, "bob", 6); n != 3 {
		t.Errorf("two hours after four, %d are free", n)
	}
	for range 20 {
		w.clock.Advance(15 * time.Minute)
		w.guess(t, "bob", 1)
	}
	w.clock.Advance(10 * time.Hour)
	if n := w.guess(t, "bob", 6); n != 5 {
		t.Errorf("ten hours after the last, %d are free", n)
	}
}

// A browser that its owner has logged in with gets in whatever strangers try, has five tries of its own, and then is one of them.
func TestKnownBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	try := func(password string) error {
		_, err := w.Authenticate(t.Context(), "bob", password, "known")
		return err
	}
	w.guess(t, "bob", 5)
	w.expectLogin(t, "a stranger", "bob", "bob-demo", directory.ErrLocked)
	if err := try("bob-demo"); err != nil {
		t.Errorf("the known browser: %v", err)
	}
	w.expectLogin(t, "a stranger after it", "bob", "bob-demo", directory.ErrLocked)
	for n := range 5 {
		if err := try("wrong"); !errors.Is(err, directory.ErrLogin) {
			t.Errorf("wrong password %d of the known browser: %v", n+1, err)
		}
	}
	if err := try("bob-demo"); !errors.Is(err, directory.ErrLocked) {
		t.Errorf("the known browser, when it has used up both: %v", err)
	}
	if err := w.Unlock(t.Context(), "user-bob"); err != nil {
		t.Fatal(err)
	}
	if err := try("bob-demo"); err != nil {
		t.Errorf("unlocked: %v", err)
	}
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
		if n := w.guess(t, name, 7); n != 5 {
			t.Errorf("%s: %d of seven were checked", name, n)
		}
	}
	// The right password of a disabled user counts as a wrong one: it does not begin to count anew.
	w.clock.Advance(10 * time.Hour)
	w.guess(t, "alice", 4)
	w.expectLogin(t, "the right one of a disabled user", "alice", "alice-demo", directory.ErrLogin)
	w.expectLogin(t, "after it", "alice", "alice-demo", directory.ErrLocked)
}

// Whoever is asked about, one hash is made: no time tells who exists, is disabled or locked.
func TestOneHashEach(t *testing.T) { // not in parallel: it counts all hashes
	w := newWorld(t, true)
	w.guess(t, "carol", 5)
	w.guess(t, "nobody-else", 5)
	for _, c := range []struct{ name, password string }{
		{"bob", "bob-demo"}, {"bob", "wrong"}, {"nobody", "wrong"}, {"carol", "carol-demo"}, {"nobody-else", "wrong"}, {"", "x"}, {"\xff", "x"},
		{"bob", strings.Repeat("x", 1000)}, {strings.Repeat("x", 1000), "x"},
	} {
		before := directory.Hashes()
		_, _ = w.Authenticate(t.Context(), c.name, c.password, "")
		if n := directory.Hashes() - before; n != 1 {
			t.Errorf("%.20q %.20q: %d hashes", c.name, c.password, n)
		}
	}
}

// Nor does the number of reads and writes, each of which takes a while where the store is far away.
func TestSameWorkForEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	counted := &counting{Store: w.db}
	d := directory.New(counted, base, true, w.clock.Now)
	w.guess(t, "carol", 5)
	w.guess(t, "nobody-else", 5)
	for _, names := range [][2]string{{"bob", "nobody"}, {"carol", "nobody-else"}} {
		var work [2][2]int
		for i, name := range names {
			*counted = counting{Store: w.db}
			_, _ = d.Authenticate(t.Context(), name, "wrong", "")
			work[i] = [2]int{counted.gets, counted.writes}
		}
		if work[0] != work[1] {
			t.Errorf("%s costs %d reads and writes, and %s %d", names[0], work[0], names[1], work[1])
		}
	}
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

// Of fifty guesses at once, over two processes, five are checked: each is counted before it is.
func TestLockRace(t *testing.T) { // not in parallel: it fills the queue
	w := newWorld(t, true)
	other := directory.New(store.Restrict(w.db, directory.Partitions...), base, true, w.clock.Now)
	results := make([]error, 50)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			d := []*directory.Directory{w.Directory, other}[i%2]
			for results[i] = directory.ErrBusy; errors.Is(results[i], directory.ErrBusy); {
				_, results[i] = d.Authenticate(t.Context(), "bob", "wrong", "")
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
	if checked != 5 || locked != 45 {
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
		if _, err := w.ChangePassword(t.Context(), c.user, w.clock.Now(), time.Time{}, c.old, c.password); !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if u, err := w.User(t.Context(), "user-bob"); err != nil || !u.SignedOut.IsZero() {
		t.Errorf("after refusals: %+v, %v", u, err)
	}
	note := store.Put(store.Encode("directory/note", "x", "changed", time.Time{}), store.IfAbsent())
	since := w.clock.Now()
	w.clock.Advance(time.Minute)
	changed, err := w.ChangePassword(t.Context(), "user-bob", since, time.Time{}, "bob-demo", fresh, note)
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
	if _, err := w.ChangePassword(t.Context(), "user-bob", since, time.Time{}, fresh, "another new one"); !errors.Is(err, directory.ErrSignedOut) {
		t.Errorf("in a login that is over: %v", err)
	}
	w.clock.Advance(time.Minute)
	w.guess(t, "bob", 5)
	change := func(old string) error {
		_, err := w.ChangePassword(t.Context(), "user-bob", w.clock.Now(), time.Time{}, old, "another new one")
		return err
	}
	for range 5 { // who is logged in has tries of their own
		if err := change("wrong"); !errors.Is(err, directory.ErrLogin) {
			t.Errorf("a wrong one, while strangers are locked out: %v", err)
		}
	}
	if err := change(fresh); !errors.Is(err, directory.ErrLocked) {
		t.Errorf("while locked: %v", err)
	}
}

func isField(field string) func(error) bool {
	return func(err error) bool {
		var wrong *directory.FieldError
		return errors.As(err, &wrong) && wrong.Field == field
	}
}
