package oauth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
)

// TestRefreshStories: the same refresh token in two hands, honest or not (RFC 9700 §4.14.2). A token can be in two hands because an
// answer was lost, or two tabs woke up at once; that is answered again for 30 seconds, with the same successor. In all other cases
// one of the two has stolen it, nobody knows which, and both are out.
func TestRefreshStories(t *testing.T) {
	t.Parallel()
	const soon, late = 20 * time.Second, 10 * time.Minute
	type step struct {
		after time.Duration
		uses  string // a name for the token that is presented
		gets  string // a name for the token that is got, the same if it was got before; empty: nothing
		as    string // another client
	}
	for _, c := range []struct {
		story string
		steps []step
		ends  bool // the family is dead, and the audit log says why
	}{
		{"an answer is lost, and the client asks again", []step{{0, "1", "2", ""}, {soon, "1", "2", ""}, {late, "2", "3", ""}}, false},
		{"an answer is lost three times", []step{{0, "1", "2", ""}, {time.Second, "1", "2", ""}, {time.Second, "1", "2", ""}, {time.Second, "1", "2", ""}, {late, "2", "3", ""}}, false},
		{"two tabs at each refresh", []step{{0, "1", "2", ""}, {0, "1", "2", ""}, {late, "2", "3", ""}, {0, "2", "3", ""}, {late, "3", "4", ""}}, false},
		{"the client asks again too late", []step{{0, "1", "2", ""}, {31 * time.Second, "1", "", ""}, {0, "2", "", ""}}, true},
		{"asking again does not make the moment longer", []step{{0, "1", "2", ""}, {soon, "1", "2", ""}, {soon, "1", "", ""}}, true},
		{"the owner first, then the thief", []step{{0, "1", "2", ""}, {late, "1", "", ""}, {0, "2", "", ""}}, true},
		{"the thief first, then the owner", []step{{0, "1", "2", ""}, {late, "1", "", ""}, {0, "2", "", ""}}, true}, // the same: nobody can tell
		{"the thief at once, and again when the owner has gone on", []step{{0, "1", "2", ""}, {soon, "1", "2", ""}, {late, "2", "3", ""}, {late, "2", "", ""}, {0, "3", "", ""}}, true},
		{"the thief, when the successor was used a moment ago", []step{{0, "1", "2", ""}, {time.Second, "2", "3", ""}, {time.Second, "1", "", ""}, {0, "3", "", ""}}, true},
		{"the thief with a token of long ago", []step{{0, "1", "2", ""}, {late, "2", "3", ""}, {late, "3", "4", ""}, {late, "1", "", ""}, {0, "4", "", ""}}, true},
		{"the thief has another client's name, which is worth nothing and does no harm", []step{{0, "1", "", "other"}, {0, "1", "2", ""}, {late, "1", "", "other"}, {0, "2", "3", ""}}, false},
		{"the thief guesses", []step{{0, "x", "", ""}, {0, "1", "2", ""}}, false},
	} {
		t.Run(c.story, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.otherClient()
			held := map[string]string{"1": w.redeem(w.code()).Refresh, "x": strings.Repeat("x", 43)}
			for n, step := range c.steps {
				w.clock.Advance(step.after)
				client := clientID
				if step.as != "" {
					client = step.as
				}
				got := w.refresh(held[step.uses], "client_id", client)
				if step.gets == "" {
					got.expect(t, "invalid_grant")
					continue
				}
				if got.expect(t, ""); held[step.gets] != "" && held[step.gets] != got.Refresh {
					t.Errorf("step %d: another token than %s", n, step.gets)
				}
				for name, token := range held {
					if token == got.Refresh && name != step.gets {
						t.Errorf("step %d: the token is %s again", n, name)
					}
				}
				held[step.gets] = got.Refresh
			}
			grants, err := access.New(w.db, w.clock.Now).GrantsUnder(t.Context(), "user-bob", clientID, mcp, access.Query{})
			if err != nil || (len(grants.Items) == 0) != c.ends {
				t.Errorf("%d grants are left, %v", len(grants.Items), err)
			}
			if noted := strings.Contains(w.dump(), string(audit.RefreshReuse)); noted != c.ends {
				t.Errorf("reuse in the audit log: %v", noted)
			}
		})
	}
}

// TestTwoTabsForHours: many at once at every refresh, and nobody is ever logged out.
func TestTwoTabsForHours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code()).Refresh
	for range 6 {
		results := make([]tokens, 4)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = w.refresh(current) })
		}
		wg.Wait()
		for _, r := range results {
			if r.expect(t, ""); r.Refresh != results[0].Refresh {
				t.Error("two successors of one token")
			}
		}
		current = results[0].Refresh
		w.clock.Advance(10 * time.Minute)
	}
}

// TestThiefAndOwnerAtOnce: whatever way it goes, a thief who raced the owner once does not keep the family: the next time that the
// two are more than a moment apart ends it.
func TestThiefAndOwnerAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stolen := w.redeem(w.code()).Refresh
	var thief, owner tokens
	var wg sync.WaitGroup
	wg.Go(func() { thief = w.refresh(stolen) })
	wg.Go(func() { owner = w.refresh(stolen) })
	wg.Wait()
	if thief.Refresh != owner.Refresh || owner.Refresh == "" {
		t.Fatalf("%+v %+v", thief, owner)
	}
	w.clock.Advance(10 * time.Minute)
	next := w.refresh(owner.Refresh)
	next.expect(t, "")
	w.clock.Advance(time.Minute)
	w.refresh(thief.Refresh).expect(t, "invalid_grant")
	w.refresh(next.Refresh).expect(t, "invalid_grant")
}
