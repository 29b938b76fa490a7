package directory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func passkey(id string) directory.Passkey {
	return directory.Passkey{ID: directory.PasskeyID([]byte(id)), Name: "Key " + id, Credential: json.RawMessage(`{"count":1}`)}
}

func (w world) passkeys(t *testing.T, userID string) []directory.Passkey {
	t.Helper()
	all, err := w.Passkeys(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(all []directory.Passkey) string {
	var out []string
	for _, p := range all {
		out = append(out, strings.TrimPrefix(p.Name, "Key "))
	}
	return strings.Join(out, " ")
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	add := func(user string, p directory.Passkey, want error) {
		t.Helper()
		if err := w.AddPasskey(t.Context(), user, w.clock.Now(), time.Time{}, p); !errors.Is(err, want) {
			t.Errorf("adding %s to %s: %v, want %v", p.Name, user, err, want)
		}
	}
	for i := range directory.MaxPasskeys {
		add("user-bob", passkey(fmt.Sprint(i)), nil)
	}
	add("user-bob", passkey("10"), directory.ErrTooManyPasskeys)
	add("user-alice", passkey("3"), directory.ErrPasskeyTaken)
	add("nobody", passkey("11"), directory.ErrNotFound)
	for _, name := range []string{"", strings.Repeat("x", 61), "a\nb", " a"} {
		p := passkey("12")
		p.Name = name
		if err := w.AddPasskey(t.Context(), "user-alice", w.clock.Now(), time.Time{}, p); !isField("name")(err) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	if got := names(w.passkeys(t, "user-bob")); got != "0 1 2 3 4 5 6 7 8 9" {
		t.Errorf("bob has %s", got)
	}
	if got := w.passkeys(t, "user-alice"); len(got) != 0 {
		t.Errorf("alice has %v", got)
	}
	if got := w.passkeys(t, strings.Repeat("x", 600)); len(got) != 0 {
		t.Errorf("nobody has %v", got)
	}

	remove := func(user, id string, want error) {
		t.Helper()
		if err := w.RemovePasskey(t.Context(), user, directory.PasskeyID([]byte(id))); !errors.Is(err, want) {
			t.Errorf("removing %s from %s: %v, want %v", id, user, err, want)
		}
	}
	remove("user-alice", "3", directory.ErrNotFound)
	remove("user-bob", "3", nil)
	remove("user-bob", "3", directory.ErrNotFound)
	add("user-alice", passkey("3"), nil) // it is nobody's any more
	add("user-bob", passkey("10"), nil)
	if got := names(w.passkeys(t, "user-bob")); got != "0 1 2 10 4 5 6 7 8 9" {
		t.Errorf("bob has %s", got)
	}
}

func TestUsePasskey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	if err := w.AddPasskey(t.Context(), "user-bob", w.clock.Now(), time.Time{}, passkey("a")); err != nil {
		t.Fatal(err)
	}
	first, second := w.passkeys(t, "user-bob")[0], w.passkeys(t, "user-bob")[0]
	w.clock.Advance(time.Hour)
	first.Credential = json.RawMessage(`{"count":2}`)
	if err := w.db.Write(t.Context(), w.UsePasskey("user-bob", first)); err != nil {
		t.Fatal(err)
	}
	if got := w.passkeys(t, "user-bob")[0]; string(got.Credential) != `{"count":2}` || !got.LastUsed.Equal(w.clock.Now()) {
		t.Errorf("%+v", got)
	}
	if err := w.db.Write(t.Context(), w.UsePasskey("user-bob", second)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("used twice at one count: %v", err)
	}
}

func TestPasskeyRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 5 {
				err := w.AddPasskey(t.Context(), "user-bob", w.clock.Now(), time.Time{}, passkey(fmt.Sprint(i, n)))
				if err != nil && !errors.Is(err, directory.ErrTooManyPasskeys) && !errors.Is(err, store.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(w.passkeys(t, "user-bob")); n > directory.MaxPasskeys || n < 5 {
		t.Errorf("%d passkeys", n)
	}
}

// What a login that is over has begun adds nothing, however late that ends.
func TestPasskeyOfALoginThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	since, epoch := w.clock.Now(), w.user(t, "user-bob").Value.Epoch()
	w.clock.Advance(time.Minute)
	if err := w.SignOut(t.Context(), "user-bob"); err != nil {
		t.Fatal(err)
	}
	if err := w.AddPasskey(t.Context(), "user-bob", w.clock.Now().Add(time.Second), epoch, passkey("a")); !errors.Is(err, directory.ErrSignedOut) {
		t.Errorf("by a clock that is ahead: %v", err)
	}
	if err := w.AddPasskey(t.Context(), "user-bob", since, time.Time{}, passkey("a")); !errors.Is(err, directory.ErrSignedOut) {
		t.Errorf("signed out since: %v", err)
	}
	w.clock.Advance(time.Minute)
	if err := w.AddPasskey(t.Context(), "user-bob", w.clock.Now(), w.user(t, "user-bob").Value.Epoch(), passkey("a")); err != nil {
		t.Errorf("a later login: %v", err)
	}
	alice, disabled := w.user(t, "user-alice"), true
	if _, err := w.UpdateUser(t.Context(), "user-alice", alice.Version, directory.UserEdit{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	if err := w.AddPasskey(t.Context(), "user-alice", w.clock.Now(), time.Time{}, passkey("b")); !errors.Is(err, directory.ErrSignedOut) {
		t.Errorf("disabled: %v", err)
	}
	if a, b := names(w.passkeys(t, "user-alice")), names(w.passkeys(t, "user-bob")); a != "" || b != "a" {
		t.Errorf("alice has %q, bob has %q", a, b)
	}
}

// Who is deleted leaves no passkey behind that nobody else could register.
func TestDeletedUserLeavesNoPasskey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	for i := range directory.MaxPasskeys {
		if err := w.AddPasskey(t.Context(), "user-bob", w.clock.Now(), time.Time{}, passkey(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	bob, err := w.UserRecord(t.Context(), "user-bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteUser(t.Context(), "user-bob", bob.Version); err != nil {
		t.Fatal(err)
	}
	for i := range directory.MaxPasskeys {
		if err := w.AddPasskey(t.Context(), "user-alice", w.clock.Now(), time.Time{}, passkey(fmt.Sprint(i))); err != nil {
			t.Errorf("passkey %d: %v", i, err)
		}
	}
}
