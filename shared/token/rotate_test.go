package token_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// cacheAge is how long a JWKS may be remembered: our verifiers, and Cache-Control of the JWKS endpoint.
const cacheAge = 5 * time.Minute

// process is a keyring of its own, with a memory of its own.
func (w *world) process() *token.Keyring {
	return token.NewKeyring(issuer, w.store, w.clock.Now, rand.Reader)
}

func (w *world) published(t *testing.T) []string {
	t.Helper()
	jwks, err := token.Published(t.Context(), w.store)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(set.Keys))
	for i, k := range set.Keys {
		ids[i] = k.Kid
	}
	if len(ids) == 0 {
		t.Fatal("the JWKS is empty")
	}
	return ids
}

func (w *world) states(t *testing.T) (ids []string, states string) {
	t.Helper()
	infos, err := w.process().Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for i, k := range infos {
		ids, s = append(ids, k.ID), append(s, string(k.State))
		if k.ID == "" || k.Created.IsZero() || k.SignsFrom.IsZero() {
			t.Errorf("a key without id or time: %+v", k)
		}
		last := i == len(infos)-1
		if last != k.SignsUntil.IsZero() || last != k.PublishedUntil.IsZero() {
			t.Errorf("key %d of %d ends: %+v", i+1, len(infos), k)
		}
		if !last && (!k.SignsUntil.Equal(infos[i+1].SignsFrom) || !k.PublishedUntil.Equal(k.SignsUntil.Add(token.Lifetime))) {
			t.Errorf("key %d does not end where the next begins: %+v %+v", i+1, k, infos[i+1])
		}
	}
	return ids, strings.Join(s, " ")
}

func (w *world) rotate(t *testing.T) token.KeyInfo {
	t.Helper()
	k, err := w.process().Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func kidOf(t *testing.T, raw string) string {
	t.Helper()
	var header struct{ Kid string }
	decode(t, strings.Split(raw, ".")[0], &header)
	return header.Kid
}

// An hour, thirteen seconds at a time, with processes that remember and one that does not, rotating at odd moments: no
// JWKS that is still remembered lacks the key of a new token, and no token outlives its key.
func TestRotationLeavesNoGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Advance(300 * time.Millisecond) // keys change at whole seconds, whatever the clock says
	type snapshot struct {
		at  time.Time
		ids []string
	}
	type issued struct {
		kid     string
		expires time.Time
	}
	var snapshots []snapshot
	var live []issued
	processes := []*token.Keyring{w.process(), w.process(), w.process()}
	if err := w.keyring.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for step := range 280 {
		now := w.clock.Now()
		snapshots = append(snapshots, snapshot{now, w.published(t)}) // as somebody reads it just before a rotation
		snapshots = slices.DeleteFunc(snapshots, func(s snapshot) bool { return now.Sub(s.at) >= cacheAge })
		switch step {
		case 30, 32, 80, 81, 95, 150, 190: // also while one is on its way
			w.rotate(t)
		}
		for i, p := range append(processes, w.process()) {
			if i < 3 && step%(i+2) == 0 { // some are idle at times
				continue
			}
			raw, expires, err := p.Mint(t.Context(), grant)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.verifier.Verify(t.Context(), raw); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			kid := kidOf(t, raw)
			used[kid] = true
			for _, s := range snapshots {
				if !slices.Contains(s.ids, kid) {
					t.Fatalf("step %d: a JWKS of %s ago does not know the key that signs", step, now.Sub(s.at))
				}
			}
			live = append(live, issued{kid, expires})
		}
		live = slices.DeleteFunc(live, func(l issued) bool { return !l.expires.After(now) })
		for _, l := range live {
			if !slices.Contains(snapshots[len(snapshots)-1].ids, l.kid) {
				t.Fatalf("step %d: a key left %s before its token", step, l.expires.Sub(now))
			}
		}
		w.clock.Advance(13 * time.Second)
	}
	if len(used) != 8 {
		t.Errorf("%d keys signed, want 8", len(used))
	}
	if ids := w.published(t); len(ids) != 1 {
		t.Errorf("%d keys at the end", len(ids))
	}
}

// A token of the last second before the switch and one of the first after it are good everywhere, for all their life.
func TestSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expect(t, func() error { _, err := w.verifier.Verify(t.Context(), w.mint(t, grant)); return err }(), "")
	began := w.clock.Now()
	next := w.rotate(t)
	if next.State != token.Next || !next.SignsFrom.Equal(began.Add(cacheAge)) {
		t.Errorf("the new key: %+v", next)
	}
	if _, states := w.states(t); states != "current next" {
		t.Errorf("after rotating: %s", states)
	}
	w.clock.Advance(cacheAge - time.Second)
	before := w.mint(t, grant)
	stored := token.NewVerifier(issuer, audience, token.StoredKeys(w.store, w.clock.Now), w.clock.Now)
	verify := func(raw, reason string) {
		t.Helper()
		fresh := token.NewVerifier(issuer, audience, token.StoredKeys(w.store, w.clock.Now), w.clock.Now)
		for _, v := range []*token.Verifier{w.verifier, stored, fresh} {
			_, err := v.Verify(t.Context(), raw)
			expect(t, err, reason)
		}
	}
	verify(before, "")
	w.clock.Advance(time.Second)
	after := w.mint(t, grant)
	if kidOf(t, before) == kidOf(t, after) || kidOf(t, after) != next.ID {
		t.Error("the new key does not sign")
	}
	if _, states := w.states(t); states != "retiring current" {
		t.Errorf("after the switch: %s", states)
	}
	verify(before, "")
	verify(after, "")
	private, err := w.store.List(t.Context(), store.Query{Partition: "signing-key/all"})
	if err != nil || len(private.Items) != 1 {
		t.Errorf("%d private keys, want that of the key that signs: %v", len(private.Items), err)
	}
	w.clock.Advance(token.Lifetime - 2*time.Second)
	verify(before, "")
	w.clock.Advance(time.Second)
	verify(before, "expired")
	verify(after, "")
	w.clock.Advance(time.Second)
	if ids := w.published(t); len(ids) != 1 || ids[0] != next.ID {
		t.Errorf("the old key is still there: %v", ids)
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.mint(t, grant)
	verify := func(v *token.Verifier, raw, reason string) {
		t.Helper()
		_, err := v.Verify(t.Context(), raw)
		expect(t, err, reason)
	}
	verify(w.verifier, old, "")
	retire := func(kid string, want error) {
		t.Helper()
		if err := w.process().Retire(t.Context(), kid); !errors.Is(err, want) {
			t.Errorf("retiring: %v, want %v", err, want)
		}
		w.published(t)
	}
	retire("nobody", token.ErrNoKey)
	retire(kidOf(t, old), token.ErrSigns) // the only one
	next := w.rotate(t)
	retire(kidOf(t, old), token.ErrSigns) // its successor does not sign yet
	w.clock.Advance(cacheAge)
	w.mint(t, grant)
	verify(w.verifier, old, "") // remembers the JWKS from now on
	retire(next.ID, token.ErrSigns)
	retire(kidOf(t, old), nil)
	retire(kidOf(t, old), token.ErrNoKey)

	// Whoever has not read the JWKS yet refuses its tokens at once, all others within five minutes.
	fresh := token.NewVerifier(issuer, audience, token.StoredKeys(w.store, w.clock.Now), w.clock.Now)
	verify(fresh, old, "not published")
	w.clock.Advance(cacheAge)
	verify(w.verifier, old, "not published")
	verify(w.verifier, w.mint(t, grant), "")
	if _, states := w.states(t); states != "current" {
		t.Errorf("at the end: %s", states)
	}
}

// Whichever of the keys that wait is retired, the others go on without a gap, and no process signs with it.
func TestRetireBeforeItSigns(t *testing.T) {
	t.Parallel()
	for victim := range 2 {
		w := newWorld(t)
		w.mint(t, grant)
		w.rotate(t)
		w.clock.Advance(time.Minute)
		w.rotate(t)
		w.rotate(t)
		ids, states := w.states(t)
		if states != "current next next next" {
			t.Fatalf("at first: %s", states)
		}
		if err := w.process().Retire(t.Context(), ids[3]); err != nil { // the last one: a number that must not come again
			t.Fatal(err)
		}
		w.states(t)
		w.clock.Advance(3*time.Minute + 59*time.Second)
		w.mint(t, grant) // now it knows who signs in a second
		if err := w.process().Retire(t.Context(), ids[1+victim]); err != nil {
			t.Fatal(err)
		}
		if _, states = w.states(t); states != "current next" {
			t.Errorf("without key %d: %s", victim+2, states)
		}
		for range 200 {
			w.clock.Advance(time.Second)
			if kid := kidOf(t, w.mint(t, grant)); kid == ids[1+victim] || !slices.Contains(w.published(t), kid) {
				t.Fatalf("a key that is not published signs")
			}
		}
		if kid := kidOf(t, w.mint(t, grant)); kid != ids[2-victim] {
			t.Errorf("without key %d another one signs in the end", victim+2)
		}
	}
}

func TestRotateRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]bool{}
	for range 12 {
		wg.Go(func() {
			k, err := w.process().Rotate(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[k.ID] = true
		})
	}
	wg.Wait()
	ids, _ := w.states(t)
	for id := range got {
		if !slices.Contains(ids, id) {
			t.Error("somebody was told of a key that is not there")
		}
	}
	if len(ids) != len(got)+1 {
		t.Errorf("%d keys for %d answers", len(ids), len(got))
	}

	// Rotating while the newest is retired: whatever wins, the chain holds.
	for range 20 {
		w.clock.Advance(time.Minute)
		ids, _ := w.states(t)
		wg.Go(func() {
			if _, err := w.process().Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := w.process().Retire(t.Context(), ids[len(ids)-1]); err != nil && !errors.Is(err, token.ErrSigns) {
				t.Error(err)
			}
		})
		wg.Wait()
		if _, states := w.states(t); strings.Count(states, "current") != 1 {
			t.Fatalf("keys are %s", states)
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 1
	for ; ; n++ {
		_, err := w.process().Rotate(t.Context())
		if errors.Is(err, token.ErrTooManyKeys) {
			break
		}
		if err != nil || n > 100 {
			t.Fatal(n, err)
		}
	}
	if ids := w.published(t); len(ids) != n || n != 20 {
		t.Errorf("%d keys after %d rotations", len(ids), n-1)
	}
	w.states(t)
	w.clock.Advance(cacheAge + token.Lifetime)
	if ids := w.published(t); len(ids) != 1 {
		t.Errorf("%d keys a quarter of an hour later", len(ids))
	}
	w.rotate(t)
}

// A database that was written before keys could be rotated: its public record is the bare JWK.
func TestRotateOlderDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.mint(t, grant)
	item, err := w.store.Get(t.Context(), "public-key/all", "000001")
	if err != nil {
		t.Fatal(err)
	}
	var key map[string]any
	if err := json.Unmarshal(item.Body, &key); err != nil {
		t.Fatal(err)
	}
	delete(key, "created")
	delete(key, "signs_from")
	if err := w.store.Write(t.Context(), store.Put(store.Encode(item.Partition, item.Sort, key, time.Time{}), store.IfPresent())); err != nil {
		t.Fatal(err)
	}
	w.states(t)
	w.rotate(t)
	w.clock.Advance(cacheAge)
	if ids, states := w.states(t); states != "retiring current" || ids[0] != kidOf(t, old) {
		t.Errorf("after the switch: %s", states)
	}
	_, err = w.verifier.Verify(t.Context(), old)
	expect(t, err, "")
}

// When the clock is set back, a key that is published goes on, and no second first key is made.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mint(t, grant)
	w.rotate(t)
	w.clock.Advance(time.Hour)
	w.mint(t, grant)
	if err := w.store.Write(t.Context(), store.Delete("signing-key/all", "000001", store.Always()),
		store.Delete("public-key/all", "000001", store.Always())); err != nil { // as the store does with what has expired
		t.Fatal(err)
	}
	w.clock.Advance(-59 * time.Minute)
	raw, _, err := w.process().Mint(t.Context(), grant)
	if err != nil || !slices.Contains(w.published(t), kidOf(t, raw)) || len(w.published(t)) != 1 {
		t.Errorf("%v with %v", err, w.published(t))
	}
}

// What was read before the clock was set back is no younger for it: a withdrawn key is not trusted until the clock has caught up, nor
// signs it, and a new one is looked for.
func TestClockSetBackForgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.mint(t, grant)
	_, err := w.verifier.Verify(t.Context(), raw)
	expect(t, err, "")
	w.clock.Advance(-time.Hour)
	if err := w.store.Write(t.Context(), store.Delete("signing-key/all", "000001", store.Always()),
		store.Delete("public-key/all", "000001", store.Always())); err != nil {
		t.Fatal(err)
	}
	if err := w.process().Ensure(t.Context()); err != nil { // another key
		t.Fatal(err)
	}
	_, err = w.verifier.Verify(t.Context(), raw)
	expect(t, err, "not published")
	w.clock.Advance(time.Minute)
	raw = w.mint(t, grant)
	if !slices.Contains(w.published(t), kidOf(t, raw)) {
		t.Error("a key signs that is withdrawn")
	}
	_, err = w.verifier.Verify(t.Context(), raw)
	expect(t, err, "")
}
