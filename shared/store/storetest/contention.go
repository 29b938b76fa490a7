package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vetassist/vetassist/shared/store"
)

// race runs f in n goroutines that start together, and fails the test on the first unexpected error.
func race(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			if err := f(i); err != nil {
				t.Errorf("racer %d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
}

// insist tries again while the engine says that it is busy, as callers do.
func insist(f func() error) error {
	for range 100 {
		if err := f(); !errors.Is(err, store.ErrBusy) {
			return err
		}
	}
	return store.ErrBusy
}

// testOneWinner: of many racers for one key, under each condition that codes, refresh tokens and bookings use,
// exactly one wins.
func testOneWinner(t *testing.T, s store.Store, _ *Clock) {
	const racers = 64
	write(t, s, store.Put(item("code", `{}`), store.IfAbsent()), store.Put(item("consume", `{}`), store.IfAbsent()))
	for name, op := range map[string]func(i int) store.Op{
		"first to make it":     func(i int) store.Op { return store.Put(item("slot", strconv.Itoa(i)), store.IfAbsent()) },
		"first to change it":   func(i int) store.Op { return store.Put(item("code", strconv.Itoa(i)), store.IfVersion(1)) },
		"first to take it out": func(int) store.Op { return store.Delete("test/1", "consume", store.IfPresent()) },
	} {
		var wins atomic.Int32
		race(t, racers, func(i int) error {
			err := insist(func() error {
				// The winner's second operation must land with its first, the losers' never.
				return s.Write(t.Context(), op(i), store.Put(item(name, strconv.Itoa(i)), store.IfAbsent()))
			})
			if err == nil {
				wins.Add(1)
			} else if errors.Is(err, store.ErrConflict) {
				err = nil
			}
			return err
		})
		if wins.Load() != 1 {
			t.Errorf("%s: %d winners", name, wins.Load())
		}
	}
	if won := string(get(t, s, "first to make it").Body); won != string(get(t, s, "slot").Body) {
		t.Errorf("two winners' writes were mixed")
	}
}

// testNoLostUpdate: read, change, write at the version read; every increment counts.
func testNoLostUpdate(t *testing.T, s store.Store, _ *Clock) {
	const racers, each = 8, 25
	write(t, s, store.Put(item("n", `0`), store.IfAbsent()))
	race(t, racers, func(int) error {
		for range each {
			for {
				it, err := s.Get(t.Context(), "test/1", "n")
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(it.Body))
				if err != nil {
					return err
				}
				err = s.Write(t.Context(), store.Put(item("n", strconv.Itoa(n+1)), store.IfVersion(it.Version)))
				if err == nil {
					break
				}
				if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrBusy) {
					return err
				}
			}
		}
		return nil
	})
	if got := get(t, s, "n"); string(got.Body) != strconv.Itoa(racers*each) || got.Version != racers*each+1 {
		t.Errorf("counted to %s at version %d, want %d", got.Body, got.Version, racers*each)
	}
}

// testTransfer moves money between accounts of several partitions; no reader of a failed or half write may exist,
// so the sum stays.
func testTransfer(t *testing.T, s store.Store, _ *Clock) {
	const accounts, racers, each, start = 6, 6, 20, 100
	account := func(i int) string { return fmt.Sprintf("test/account-%d", i) }
	put := func(i, n int, c store.Condition) store.Op {
		return store.Put(store.Item{Partition: account(i), Sort: "balance", Body: []byte(strconv.Itoa(n))}, c)
	}
	for i := range accounts {
		write(t, s, put(i, start, store.IfAbsent()))
	}
	balance := func(i int) (int, int64, error) {
		it, err := s.Get(t.Context(), account(i), "balance")
		if err != nil {
			return 0, 0, err
		}
		n, err := strconv.Atoi(string(it.Body))
		return n, it.Version, err
	}
	race(t, racers, func(r int) error {
		rnd := rand.New(rand.NewPCG(uint64(r), 1))
		for done := 0; done < each; {
			from, to := rnd.IntN(accounts), rnd.IntN(accounts)
			if from == to {
				continue
			}
			a, va, err := balance(from)
			if err != nil {
				return err
			}
			b, vb, err := balance(to)
			if err != nil {
				return err
			}
			err = s.Write(t.Context(), put(from, a-1, store.IfVersion(va)), put(to, b+1, store.IfVersion(vb)))
			switch {
			case err == nil:
				done++
			case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrBusy):
				return err
			}
		}
		return nil
	})
	sum := 0
	for i := range accounts {
		n, _, err := balance(i)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != accounts*start {
		t.Errorf("the accounts hold %d, want %d", sum, accounts*start)
	}
}

// testListWhileWriting: what was there before a listing began and stays there is on exactly one of its pages,
// whatever is written meanwhile.
func testListWhileWriting(t *testing.T, s store.Store, _ *Clock) {
	const n = 40
	for i := range n {
		write(t, s, store.Put(item(fmt.Sprintf("old/%02d", i), `{}`), store.IfAbsent()))
	}
	race(t, 4, func(i int) error {
		if i > 0 {
			for j := range 30 {
				key := fmt.Sprintf("old/%02d-new-%d", j, i)
				if err := insist(func() error { return s.Write(t.Context(), store.Put(item(key, `{}`), store.Always())) }); err != nil {
					return err
				}
			}
			return nil
		}
		seen := map[string]int{}
		q := store.Query{Partition: "test/1", Prefix: "old/", Limit: 3}
		for {
			page, err := s.List(t.Context(), q)
			if err != nil {
				return err
			}
			for _, it := range page.Items {
				seen[it.Sort]++
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		for j := range n {
			if k := fmt.Sprintf("old/%02d", j); seen[k] != 1 {
				return fmt.Errorf("%s was listed %d times", k, seen[k])
			}
		}
		return nil
	})
}
