package dpop_test

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"
)

// TestNonceTurns: the nonce of an answer is good for the next proof, whenever that comes within two minutes; and after four, never.
func TestNonceTurns(t *testing.T) {
	w := newWorld(t)
	first := w.nonce()
	for range 4 {
		w.clock.Advance(30 * time.Second)
		if _, err := w.check("", w.proof(map[string]any{"nonce": first})); err != nil {
			t.Error(err)
		}
	}
	next := w.nonce()
	if next == first || len(next) != 43 {
		t.Errorf("after two minutes: %q, as before", next)
	}
	if _, err := w.check("", w.proof(map[string]any{"nonce": next})); err != nil {
		t.Error(err)
	}
	w.clock.Advance(2 * time.Minute)
	_, err := w.check("", w.proof(map[string]any{"nonce": first}))
	refused(t, "after four minutes", err, "use_dpop_nonce", "DPoP-Nonce")
}

// TestAnotherServer: what a server handed out is worth nothing at another (RFC 9449 §9), and what it has seen used does not use up the
// proofs of others; but two processes of one server are one.
func TestAnotherServer(t *testing.T) {
	w := newWorld(t)
	other, twin := w.server("mcp"), w.server("oauth")
	raw := w.proof(nil)
	_, err := other.Check(t.Context(), request(raw), target, "")
	refused(t, "the nonce of another server", err, "use_dpop_nonce", "DPoP-Nonce")
	p, err := twin.Check(t.Context(), request(raw), target, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := twin.Use(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	refused(t, "used at the twin", w.checker.Use(t.Context(), p), "invalid_dpop_proof", "used before")
	if err := other.Use(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// TestReplay: a proof counts once, for as long as it would otherwise be good (RFC 9449 §11.1).
func TestReplay(t *testing.T) {
	w := newWorld(t)
	raw := w.proof(map[string]any{"jti": "one", "iat": w.clock.Now().Add(59 * time.Second).Unix()})
	use := func(raw string) error {
		p, err := w.check("", raw)
		if err == nil {
			err = w.checker.Use(t.Context(), p)
		}
		return err
	}
	if err := use(raw); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		refused(t, "again", use(raw), "invalid_dpop_proof", "used before")
		w.clock.Advance(time.Minute)
	}
	again := func(changes map[string]any) string {
		return w.proof(with(map[string]any{"jti": "one"}, changes))
	}
	refused(t, "the jti again, in a proof of later", use(again(nil)), "invalid_dpop_proof", "used before")
	w.key = newKey(t)
	if err := use(again(nil)); err != nil {
		t.Errorf("another client has the same jti: %v", err)
	}
	if p, err := w.checker.Check(t.Context(), request(again(map[string]any{"htu": target + "/2"})), target+"/2", ""); err != nil || w.checker.Use(t.Context(), p) != nil {
		t.Errorf("the same jti at another URL: %v", err)
	}
}

// TestReplayIsRememberedLongEnough: at no second is a proof good again because what was remembered of it has expired.
func TestReplayIsRememberedLongEnough(t *testing.T) {
	w := newWorld(t)
	iat, id := w.clock.Now().Add(time.Minute).Unix(), rand.Text()
	proof := func() string { return w.proof(map[string]any{"jti": id, "iat": iat}) } // with the nonce of the moment
	p, err := w.check("", proof())
	if err != nil || w.checker.Use(t.Context(), p) != nil {
		t.Fatal(err)
	}
	for range 370 {
		w.clock.Advance(time.Second)
		if p, err := w.check("", proof()); err == nil {
			refused(t, "again", w.checker.Use(t.Context(), p), "invalid_dpop_proof", "used before")
		}
	}
}

func TestReplayRace(t *testing.T) {
	w := newWorld(t)
	p, err := w.check("", w.proof(nil))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	results := make([]error, 12)
	for i := range results {
		all.Go(func() { results[i] = w.server("oauth").Use(t.Context(), p) })
	}
	all.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			refused(t, "too late", err, "invalid_dpop_proof", "used before")
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(results))
	}
}
