package oauth_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestRefreshIsBound: the refresh token of a public client is good with the key that it was issued to (RFC 9449 §5).
func TestRefreshIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, thief := w.holder(), w.holder()
	current := h.redeem(w.code())
	w.refresh(current.Refresh).expect(t, "invalid_dpop_proof")
	thief.refresh(current.Refresh).expect(t, "invalid_grant")
	next := h.refresh(current.Refresh)
	next.expect(t, "")
	if w.boundTo(next) != h.key.ID() {
		t.Error("bound to another key")
	}
	// The answer got lost, and whoever has the key may ask again.
	w.clock.Advance(20 * time.Second)
	if again := h.refresh(current.Refresh); again.Refresh != next.Refresh || w.boundTo(again) != h.key.ID() {
		t.Errorf("%+v, not %+v", again, next)
	}
	// Whoever has not was never the one that it was answered to.
	thief.refresh(current.Refresh).expect(t, "invalid_grant")
	h.refresh(next.Refresh).expect(t, "invalid_grant")

	current = h.redeem(w.code())
	next = h.refresh(current.Refresh)
	w.refresh(current.Refresh).expect(t, "invalid_grant")
	h.refresh(next.Refresh).expect(t, "invalid_grant")
}

// TestRefreshBecomesBound: a client that learns to prove itself has its grant bound from then on.
func TestRefreshBecomesBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	first := w.redeem(w.code())
	second := h.refresh(first.Refresh)
	second.expect(t, "")
	if w.boundTo(second) != h.key.ID() {
		t.Error("the access token is not bound")
	}
	w.refresh(second.Refresh).expect(t, "invalid_dpop_proof")
	w.holder().refresh(second.Refresh).expect(t, "invalid_grant")
	h.refresh(second.Refresh).expect(t, "")

	// So it is when the answer to a refresh without a proof was lost, and a proof comes with the second try.
	first = w.redeem(w.code())
	lost := w.refresh(first.Refresh)
	again := h.refresh(first.Refresh)
	if again.expect(t, ""); again.Refresh != lost.Refresh || w.boundTo(again) != h.key.ID() {
		t.Errorf("%+v, not %+v", again, lost)
	}
	w.refresh(again.Refresh).expect(t, "invalid_dpop_proof")
	h.refresh(again.Refresh).expect(t, "")
}

// TestThiefBindsFirst: a thief who comes first with a key of his own does not keep what he bound: the owner's next refresh ends it.
func TestThiefBindsFirst(t *testing.T) {
	t.Parallel()
	for what, later := range map[string]time.Duration{"at once": 0, "an hour later": time.Hour} {
		w := newWorld(t)
		thief := w.holder()
		stolen := w.redeem(w.code()).Refresh
		got := thief.refresh(stolen)
		got.expect(t, "")
		w.clock.Advance(later)
		w.refresh(stolen).expect(t, "invalid_grant")
		if thief.refresh(got.Refresh).Error != "invalid_grant" {
			t.Errorf("%s: the thief still refreshes", what)
		}
	}
}

// TestTwoKeysAtOnce: of two who bind one grant to two keys at once, one gets it, and by coming at all the other ends it.
func TestTwoKeysAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.holder(), w.holder()
	a.redeem("x").expect(t, "invalid_grant")
	b.redeem("x").expect(t, "invalid_grant")
	current := w.redeem(w.code())
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {current.Refresh}}
	results := make([]tokens, 2)
	var wg sync.WaitGroup
	for i, h := range []*holder{a, b} {
		raw := h.proof(nil)
		wg.Go(func() { results[i], _ = w.post("/oauth/token", form, proving(raw)) })
	}
	wg.Wait()
	if (results[0].Error == "") == (results[1].Error == "") {
		t.Fatalf("%+v", results)
	}
	for i, h := range []*holder{a, b} {
		if results[i].Error == "" {
			h.refresh(results[i].Refresh).expect(t, "invalid_grant")
		}
	}
}

// TestBoundMeanwhile: so it is, too, when the other had read the token before it was rotated, and the grant after.
func TestBoundMeanwhile(t *testing.T) {
	t.Parallel()
	var meanwhile func()
	w := newWorldOver(t, func(s store.Store) store.Store { return beforeGrant{s, &meanwhile} })
	a, b := w.holder(), w.holder()
	a.redeem("x").expect(t, "invalid_grant")
	b.redeem("x").expect(t, "invalid_grant")
	current := w.redeem(w.code())
	var first tokens
	meanwhile = func() { first = a.refresh(current.Refresh) }
	b.refresh(current.Refresh).expect(t, "invalid_grant")
	first.expect(t, "")
	a.refresh(first.Refresh).expect(t, "invalid_grant")
}

// beforeGrant lets something happen, once, before a grant is read.
type beforeGrant struct {
	store.Store
	meanwhile *func()
}

func (s beforeGrant) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	if f := *s.meanwhile; f != nil && strings.HasPrefix(partition, "grant/") {
		*s.meanwhile = nil
		f()
	}
	return s.Store.Get(ctx, partition, sort)
}

// TestConfidentialRefreshIsNotBound: a client that proves who it is may come with another key, or with none (RFC 9449 §5).
func TestConfidentialRefreshIsNotBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	h, next := w.holder(), w.holder()
	got := h.redeem(w.code("client_id", id), "client_id", id, "client_secret", secret)
	if w.boundTo(got) != h.key.ID() {
		t.Errorf("%+v", got)
	}
	got = next.refresh(got.Refresh, "client_id", id, "client_secret", secret)
	if w.boundTo(got) != next.key.ID() {
		t.Errorf("%+v", got)
	}
	got = w.refresh(got.Refresh, "client_id", id, "client_secret", secret)
	if w.boundTo(got) != "" {
		t.Errorf("%+v", got)
	}
	h.refresh(got.Refresh, "client_id", id).expect(t, "invalid_client") // a key is no proof of who it is
}
