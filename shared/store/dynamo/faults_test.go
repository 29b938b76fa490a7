package dynamo_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/dynamo/faulty"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// openFaulty is a table behind a bad network.
func openFaulty(t *testing.T, plan faulty.Plan) (*dynamo.DB, *faulty.Proxy) {
	t.Helper()
	o := storetest.NewTable(t)
	proxy := faulty.New(t, o.Endpoint, plan)
	o.Endpoint = proxy.URL
	return open(t, o, time.Now), proxy
}

// The only writer never meets a conflict, whatever gets lost: that would be its own write. And each write counts once.
func TestDynamoDBLostAnswersAreNoConflicts(t *testing.T) {
	s, proxy := openFaulty(t, faulty.Seeded(1, 0.3))
	for i := range 12 {
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		for _, ops := range [][]store.Op{
			{put(a, store.IfAbsent())},
			{put(a, store.IfVersion(1))},
			{put(a, store.Always())},
			{put(a, store.IfPresent())},
			{put(a, store.IfVersion(4)), put(b, store.IfAbsent())},
			{store.Check("p", a, store.IfVersion(5))},
			{store.Delete("p", a, store.IfVersion(5))},
			{put(a, store.IfAbsent())},
			{store.Delete("p", b, store.IfPresent())},
		} {
			if err := s.Write(t.Context(), ops...); err != nil {
				t.Fatalf("round %d, %+v: %v", i, ops, err)
			}
		}
		if item, err := s.Get(t.Context(), "p", a); err != nil || item.Version != 1 {
			t.Fatalf("version %d, %v", item.Version, err)
		}
	}
	if page, err := s.List(t.Context(), store.Query{Partition: "p"}); err != nil || len(page.Items) != 12 {
		t.Errorf("%d items, %v", len(page.Items), err)
	}
	if missing := proxy.Missing(); len(missing) > 0 {
		t.Errorf("these never happened: %v", missing)
	}
}

// A request that its sender gave up and repeated arrives after all: it changes nothing any more.
func TestDynamoDBLateRequests(t *testing.T) {
	storetest.Endpoint(t)
	for name, ops := range map[string][]store.Op{
		"put":         {put("a", store.IfVersion(1))},
		"new":         {put("b", store.IfAbsent())},
		"always":      {put("a", store.Always())},
		"delete":      {store.Delete("p", "a", store.IfVersion(1))},
		"transaction": {put("a", store.IfPresent()), put("b", store.Always())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := storetest.NewTable(t)
			direct := open(t, o, time.Now)
			if err := direct.Write(t.Context(), put("a", store.IfAbsent())); err != nil {
				t.Fatal(err)
			}
			late := 0
			proxy := faulty.New(t, o.Endpoint, func(string) faulty.Fault {
				if late++; late == 1 {
					return faulty.Late
				}
				return faulty.None
			})
			o.Endpoint = proxy.URL
			s, err := dynamo.OpenImpatient(o, time.Now, time.Second/4, 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Write(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
			state := func() string {
				page, err := direct.List(t.Context(), store.Query{Partition: "p"})
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(page.Items)
			}
			after := state()
			proxy.Close()
			if got := state(); got != after || late < 2 {
				t.Errorf("after %d requests: %s\nwhen the late one had arrived: %s", late, after, got)
			}
		})
	}
}

// tally is what became of racing writes. Of those that ended in ErrBusy nobody knows whether they were carried out.
type tally struct{ won, lost, unknown atomic.Int32 }

func (c *tally) count(t *testing.T, err error) {
	switch {
	case err == nil:
		c.won.Add(1)
	case errors.Is(err, store.ErrConflict):
		c.lost.Add(1)
	case errors.Is(err, store.ErrBusy):
		c.unknown.Add(1)
	default:
		t.Error(err)
	}
}

// Of many who want one thing at most one gets it, and exactly one has it.
func TestDynamoDBOneWinnerOverFaults(t *testing.T) {
	s, _ := openFaulty(t, faulty.Seeded(2, 0.3))
	for round := range 6 {
		for name, more := range map[string][]store.Op{"alone": nil, "with another": {store.Check("test/1", "nothing", store.IfAbsent())}} {
			sort := fmt.Sprint(name, round)
			var all tally
			var winner atomic.Int32
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					item := store.Item{Partition: "test/1", Sort: sort, Body: []byte(strconv.Itoa(i))}
					err := s.Write(t.Context(), append([]store.Op{store.Put(item, store.IfAbsent())}, more...)...)
					if all.count(t, err); err == nil {
						winner.Store(int32(i))
					}
				})
			}
			wg.Wait()
			got, err := insist(func() (store.Item, error) { return s.Get(t.Context(), "test/1", sort) })
			if err != nil || got.Version != 1 || all.won.Load() > 1 || all.won.Load()+all.unknown.Load() == 0 {
				t.Errorf("%s: %d winners, %d unknown, version %d, %v", sort, all.won.Load(), all.unknown.Load(), got.Version, err)
			}
			if all.won.Load() == 1 && string(got.Body) != fmt.Sprint(winner.Load()) {
				t.Errorf("%s: %d was told that it won, and %s has it", sort, winner.Load(), got.Body)
			}
		}
	}
}

// Every increment that was answered counts, once; one that ended in ErrBusy counts once or not.
func TestDynamoDBNoLostUpdateOverFaults(t *testing.T) {
	s, _ := openFaulty(t, faulty.Seeded(3, 0.2))
	for name, more := range map[string][]store.Op{"alone": nil, "with another": {store.Check("test/1", "nothing", store.IfAbsent())}} {
		increment := func() error {
			item, err := s.Get(t.Context(), "test/1", name)
			if errors.Is(err, store.ErrNotFound) {
				item, err = store.Item{Partition: "test/1", Sort: name, Body: []byte("0")}, nil
			}
			if err != nil {
				return store.ErrConflict // nothing was sent
			}
			n, _ := strconv.Atoi(string(item.Body))
			condition := store.IfVersion(item.Version)
			if item.Version == 0 {
				condition = store.IfAbsent()
			}
			item.Body = []byte(strconv.Itoa(n + 1))
			return s.Write(t.Context(), append([]store.Op{store.Put(item, condition)}, more...)...)
		}
		var all tally
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 25 {
					all.count(t, increment())
				}
			})
		}
		wg.Wait()
		got, err := insist(func() (store.Item, error) { return s.Get(t.Context(), "test/1", name) })
		n, _ := strconv.Atoi(string(got.Body))
		if won := int(all.won.Load()); err != nil || n < won || n > won+int(all.unknown.Load()) || int64(n) != got.Version || won == 0 {
			t.Errorf("%s: counted to %d at version %d; %d were answered, %d not, %v", name, n, got.Version, won, all.unknown.Load(), err)
		}
	}
}

// insist reads until it is answered.
func insist[T any](f func() (T, error)) (T, error) {
	for {
		if v, err := f(); !errors.Is(err, store.ErrBusy) {
			return v, err
		}
	}
}
