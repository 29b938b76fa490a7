package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code("scope", "pet-profile:read appointment:read"))
	seen := map[string]bool{current.Refresh: true}
	for range 5 {
		w.clock.Advance(11 * time.Minute)
		next := w.refresh(current.Refresh)
		next.expect(t, "")
		if seen[next.Refresh] || len(next.Refresh) != 43 || next.Scope != "pet-profile:read appointment:read" {
			t.Fatalf("got %+v", next)
		}
		seen[next.Refresh] = true
		if _, err := w.verifier.Verify(t.Context(), next.Access); err != nil {
			t.Error(err)
		}
		current = next
	}
	// Less, but never more; and less this time is not less for ever.
	narrow := w.refresh(current.Refresh, "scope", "appointment:read", "resource", w.url+"/mcp")
	if narrow.Scope != "appointment:read" {
		t.Errorf("narrowed to %q", narrow.Scope)
	}
	w.refresh(narrow.Refresh, "scope", "reminder:read").expect(t, "invalid_scope")
	w.refresh(narrow.Refresh, "resource", "https://elsewhere.example").expect(t, "invalid_target")
	w.refresh(narrow.Refresh, "client_id", "nobody").expect(t, "invalid_client")
	w.refresh(narrow.Refresh, "client_id", w.otherClient()).expect(t, "invalid_grant")
	w.refresh("", "x", "y").expect(t, "invalid_request")
	w.refresh("unknown").expect(t, "invalid_grant")
	if full := w.refresh(narrow.Refresh); full.Scope != "pet-profile:read appointment:read" {
		t.Errorf("afterwards %q", full.Scope)
	}
}

func TestLostAnswerIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	lost := w.refresh(first.Refresh)
	w.clock.Advance(29 * time.Second)
	again := w.refresh(first.Refresh)
	again.expect(t, "")
	if again.Refresh != lost.Refresh {
		t.Error("the second answer has another refresh token")
	}
	w.refresh(again.Refresh).expect(t, "")
	// Now the successor has been used: whoever comes with the first one again is not the same client.
	w.refresh(first.Refresh).expect(t, "invalid_grant")
	w.refresh(again.Refresh).expect(t, "invalid_grant")
}

func TestReuseKillsTheFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	second := w.refresh(first.Refresh)
	w.clock.Advance(31 * time.Second)
	w.refresh(first.Refresh).expect(t, "invalid_grant")
	w.refresh(second.Refresh).expect(t, "invalid_grant")
	// Another grant of the same user lives.
	other := w.redeem(w.code())
	w.refresh(other.Refresh).expect(t, "")
}

// TestRefreshedMeanwhile: as TestCodeRedeemedMeanwhile, but both are honest: the two get one successor.
func TestRefreshedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code())
	var first tokens
	w.beforeNextWrite(func() { first = w.refresh(current.Refresh) })
	second := w.refresh(current.Refresh)
	second.expect(t, "")
	if first.Refresh == "" || second.Refresh != first.Refresh {
		t.Errorf("two successors of one token: %+v and %+v", first, second)
	}
	w.refresh(first.Refresh).expect(t, "")
}

// TestRevokedMeanwhile: a refresh that has begun does not bring a revoked grant back.
func TestRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code())
	w.beforeNextWrite(func() {
		if got, _ := w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {current.Refresh}}); got.Status != http.StatusOK {
			t.Errorf("revoking: %+v", got)
		}
	})
	w.refresh(current.Refresh).expect(t, "invalid_grant")
}

func TestRefreshRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	results := make([]tokens, 12)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.refresh(first.Refresh) })
	}
	wg.Wait()
	for _, r := range results {
		r.expect(t, "")
		if r.Refresh != results[0].Refresh {
			t.Error("two successors of one token")
		}
	}
	w.refresh(results[0].Refresh).expect(t, "")
}

func TestRefreshEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unused := w.redeem(w.code())
	w.clock.Advance(30 * 24 * time.Hour)
	w.refresh(unused.Refresh).expect(t, "invalid_grant")

	current := w.redeem(w.code())
	for day := 0; day < 89; day += 20 {
		current = w.refresh(current.Refresh)
		current.expect(t, "")
		w.clock.Advance(20 * 24 * time.Hour)
	}
	w.refresh(current.Refresh).expect(t, "invalid_grant") // 90 days are over
}

// TestRefreshFollowsThePolicy: the formula is evaluated at every refresh.
func TestRefreshFollowsThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code("scope", "pet-profile:read appointment:read reminder:read"))
	role := directory.Role{Name: "Pet Owner", Permissions: map[string][]string{"mcp://vetassist": {"pet-profile:read", "reminder:read"}}}
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if current = w.refresh(current.Refresh); current.Scope != "pet-profile:read reminder:read" {
		t.Errorf("after the role shrank: %q", current.Scope)
	}
	client, err := w.directory.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	client.Authorized = map[string][]string{"mcp://vetassist": {"reminder:read"}}
	if err := w.directory.PutClient(t.Context(), client, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if current = w.refresh(current.Refresh); current.Scope != "reminder:read" {
		t.Errorf("after the client's authorization shrank: %q", current.Scope)
	}
	role.Permissions = nil
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	got := w.refresh(current.Refresh)
	got.expect(t, "invalid_grant")
	if !strings.Contains(got.Description, "pet-profile:read is not in: client, role") {
		t.Errorf("it says %q", got.Description)
	}
	// The refusal has spent nothing: when the role is back, so is access.
	role.Permissions = map[string][]string{"mcp://vetassist": {"reminder:read"}}
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	w.refresh(current.Refresh).expect(t, "")
}
