package limit_test

import (
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/limit"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// What never reached the store is forgotten in time, too, as one that did.
func TestCounterForgets(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	c := limit.NewCounter(rule, 2, &contended{storetest.Open(t, clock.Now), 1 << 30}, "limit/test/", clock.Now)
	count := func(n int) {
		t.Helper()
		for range n {
			if err := c.Count(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
	}
	count(30)
	if c.Wait("a") <= 0 {
		t.Error("thirty at once do not wait")
	}
	clock.Advance(25 * rule.Forget)
	count(4) // with the five that are left
	if wait := c.Wait("a"); wait > 0 {
		t.Errorf("of thirty and four five and four are left, and they wait for %s", wait)
	}
	count(1)
	if c.Wait("a") != rule.First {
		t.Errorf("the tenth waits for %s", c.Wait("a"))
	}
	clock.Advance(time.Hour)
	count(9)
	if wait := c.Wait("a"); wait > 0 {
		t.Errorf("after an hour nine wait for %s", wait)
	}
}
