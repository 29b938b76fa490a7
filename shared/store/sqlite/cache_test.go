package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

const writerPath = "VETASSIST_TEST_WRITER_PATH"

// otherProcess is this test binary, which opens the file and does what it is told.
type otherProcess struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// beOther does it, in the other process.
func beOther(t *testing.T, path string) {
	db, err := sqlite.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		verb, body, _ := strings.Cut(lines.Text(), " ")
		op := store.Put(store.Item{Partition: "test/1", Sort: "a", Body: []byte(body)}, store.Always())
		if verb == "delete" {
			op = store.Delete("test/1", "a", store.Always())
		}
		fmt.Println("done", db.Write(context.Background(), op))
	}
	os.Exit(0)
}

func newOther(t *testing.T, path string) *otherProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), writerPath+"="+path)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &otherProcess{t, in, bufio.NewScanner(out)}
}

func (o *otherProcess) do(what string) {
	o.t.Helper()
	if _, err := fmt.Fprintln(o.in, what); err != nil || !o.out.Scan() || o.out.Text() != "done <nil>" {
		o.t.Fatalf("%s: %v %q", what, err, o.out.Text())
	}
}

// What another process was answered is there for the next read, whatever was remembered: items, lists and marks.
func TestSeesAtOnceWhatAnotherProcessWrote(t *testing.T) {
	if path := os.Getenv(writerPath); path != "" {
		beOther(t, path)
	}
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, path, time.Now)
	other := newOther(t, path)
	check := func(n int, want string) {
		t.Helper()
		for range 2 { // read, and remembered
			item, err := db.Get(t.Context(), "test/1", "a")
			page, err2 := db.List(t.Context(), store.Query{Partition: "test/1"})
			if want == "" {
				if !errors.Is(err, store.ErrNotFound) || err2 != nil || len(page.Items) != 0 {
					t.Fatalf("%d: a deleted item is there: %s %v %v", n, item.Body, err, page)
				}
				continue
			}
			if err != nil || err2 != nil || string(item.Body) != want || len(page.Items) != 1 || string(page.Items[0].Body) != want {
				t.Fatalf("%d: %q %v, listed %v %v, want %q", n, item.Body, err, page.Items, err2, want)
			}
		}
	}
	for n := range 100 {
		mark, ok := db.Changes("test/1")
		if again, _ := db.Changes("test/1"); !ok || again != mark {
			t.Fatalf("%d: the mark changes by itself: %d %d %t", n, mark, again, ok)
		}
		theirs, ours := strconv.Itoa(n), strconv.Itoa(-n)
		other.do("put " + theirs)
		if now, _ := db.Changes("test/1"); now == mark {
			t.Fatalf("%d: nothing tells that another process wrote", n)
		}
		check(n, theirs)
		if n%2 == 0 {
			if err := db.Write(t.Context(), store.Put(store.Item{Partition: "test/1", Sort: "a", Body: []byte(ours)}, store.IfPresent())); err != nil {
				t.Fatal(err)
			}
			check(n, ours)
		}
		if n%3 == 0 {
			other.do("delete")
			check(n, "")
		}
	}
}

// Whoever reads after a write was answered sees it, or a later one, in any handle on the file, while all write as fast as they can.
func TestReadsNeverGoBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	handles := []*sqlite.DB{open(t, path, time.Now), open(t, path, time.Now)}
	var answered [4]atomic.Int64 // of each item, the number that was last written
	key := func(i int) string { return fmt.Sprint("n", i) }
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range answered {
		all.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				item := store.Item{Partition: "test/1", Sort: key(i), Body: []byte(strconv.FormatInt(n, 10))}
				condition := store.IfVersion(n - 1)
				if n == 1 {
					condition = store.IfAbsent()
				}
				if err := handles[i%2].Write(t.Context(), store.Put(item, condition)); err != nil {
					t.Error(err)
					return
				}
				answered[i].Store(n)
			}
		})
		all.Go(func() {
			for ctx.Err() == nil {
				for _, db := range handles {
					atLeast := answered[i].Load()
					if atLeast == 0 {
						continue
					}
					item, err := db.Get(t.Context(), "test/1", key(i))
					n, _ := strconv.ParseInt(string(item.Body), 10, 64)
					if err != nil || n < atLeast || item.Version != n {
						t.Errorf("read %d at version %d after %d was answered, %v", n, item.Version, atLeast, err)
						return
					}
					page, err := db.List(t.Context(), store.Query{Partition: "test/1", Prefix: key(i)})
					if err != nil || len(page.Items) != 1 || page.Items[0].Version < n {
						t.Errorf("listed %v after version %d was read, %v", page.Items, n, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

// An item that was remembered expires like any other, and a version counts on over an item that expired.
func TestRemembersNoLongerThanItLives(t *testing.T) {
	clock := storetest.NewClock()
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "v.db"), "memory": ":memory:"} {
		db := open(t, path, clock.Now)
		for round := range 3 {
			it := store.Item{Partition: "test/1", Sort: "a", Body: []byte(`{}`), Expires: clock.Now().Add(time.Minute)}
			if err := db.Write(t.Context(), store.Put(it, store.IfAbsent())); err != nil {
				t.Fatal(name, err)
			}
			got, err := db.Get(t.Context(), "test/1", "a")
			if err != nil || got.Version != int64(round+1) {
				t.Errorf("%s, round %d: version %d, %v", name, round, got.Version, err)
			}
			got.Body[0] = 'x' // a reader's copy is its own
			if again, err := db.Get(t.Context(), "test/1", "a"); err != nil || string(again.Body) != `{}` {
				t.Errorf("%s: %q, %v", name, again.Body, err)
			}
			if page, err := db.List(t.Context(), store.Query{Partition: "test/1"}); err != nil || len(page.Items) != 1 {
				t.Errorf("%s: %v, %v", name, page, err)
			}
			clock.Advance(time.Minute)
			if _, err := db.Get(t.Context(), "test/1", "a"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: an expired item was read: %v", name, err)
			}
			if page, err := db.List(t.Context(), store.Query{Partition: "test/1"}); err != nil || len(page.Items) != 0 {
				t.Errorf("%s: an expired item was listed: %v, %v", name, page, err)
			}
		}
	}
}

// What was swept out of the file comes back for nobody when the clock is set back, though nobody has read meanwhile.
func TestRemembersNothingThatWasSwept(t *testing.T) {
	clock := storetest.NewClock()
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "v.db"), "memory": ":memory:"} {
		db := open(t, path, clock.Now)
		brief := store.Item{Partition: "test/1", Sort: "brief", Body: []byte(`{}`), Expires: clock.Now().Add(time.Minute)}
		if err := db.Write(t.Context(), store.Put(brief, store.IfAbsent())); err != nil {
			t.Fatal(name, err)
		}
		if _, err := db.Get(t.Context(), "test/1", "brief"); err != nil {
			t.Fatal(name, err)
		}
		clock.Advance(time.Hour)
		for range 600 { // twice round the file
			put(t, db, "a")
		}
		clock.Advance(-time.Hour)
		_, err := db.Get(t.Context(), "test/1", "brief")
		there := db.Write(t.Context(), store.Check("test/1", "brief", store.IfPresent()))
		if !errors.Is(err, store.ErrNotFound) || !errors.Is(there, store.ErrConflict) {
			t.Errorf("%s: read %v, and a condition says %v", name, err, there)
		}
	}
}

// Two handles on one file are closed one after the other: the first takes nothing from the second, least of all its locks.
func TestClosedBesideAnother(t *testing.T) {
	if path := os.Getenv(writerPath); path != "" {
		beOther(t, path)
	}
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, path, time.Now)
	second, err := sqlite.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	put(t, second, "a")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	other := newOther(t, path) // it would begin the log's index afresh if it thought that nobody has it
	other.do("put 1")
	put(t, db, "b")
	other.do("put 2")
	if item, err := db.Get(t.Context(), "test/1", "a"); err != nil || string(item.Body) != "2" {
		t.Errorf("%q, %v", item.Body, err)
	}
	if page, err := db.List(t.Context(), store.Query{Partition: "test/1"}); err != nil || len(page.Items) != 2 {
		t.Errorf("%v, %v", page.Items, err)
	}
}

// A closed store knows nothing.
func TestClosedKnowsNothing(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "v.db"), ":memory:"} {
		db := open(t, path, time.Now)
		put(t, db, "a")
		if _, err := db.Get(t.Context(), "test/1", "a"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if item, err := db.Get(t.Context(), "test/1", "a"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, %v", path, item, err)
		}
		if _, ok := db.Changes("test/1"); ok {
			t.Errorf("%s: it tells of changes", path)
		}
		if err := db.Write(t.Context(), store.Put(store.Item{Partition: "test/1", Sort: "a", Body: []byte(`{}`)}, store.Always())); err == nil {
			t.Errorf("%s: it writes", path)
		}
	}
}

// Who asks while it is being closed is told nothing, or what was so until then: what is looked at may be gone by the next moment.
func TestAskedWhileItCloses(t *testing.T) {
	for range 20 {
		db := open(t, filepath.Join(t.TempDir(), "v.db"), time.Now)
		put(t, db, "a")
		var askers sync.WaitGroup
		started := make(chan struct{}, 4)
		for range cap(started) {
			askers.Go(func() {
				started <- struct{}{}
				for ok := true; ok; {
					_, ok = db.Changes("test/1")
				}
			})
			<-started
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		askers.Wait()
	}
}

// Where nothing can be remembered, all is as it would be with it, but for the time that it takes.
func TestContractWithoutCache(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		return open(t, filepath.Join(t.TempDir(), "v.db"), now).WithoutCache()
	})
}

// An index that does not show what this process wrote would not show what others write: nothing is remembered by it.
func TestIndexThatStandsStill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	db, other := open(t, path, time.Now), open(t, path, time.Now)
	put(t, db, "a")
	db.FreezeIndex()
	if _, ok := db.Changes("test/1"); !ok {
		t.Fatal("it tells of no changes while there is nothing wrong yet")
	}
	put(t, db, "a")
	if _, ok := db.Changes("test/1"); ok {
		t.Error("it tells of changes")
	}
	for version := int64(3); version < 6; version++ {
		put(t, other, "a")
		if item, err := db.Get(t.Context(), "test/1", "a"); err != nil || item.Version != version {
			t.Errorf("read version %d, want %d, %v", item.Version, version, err)
		}
	}
}

// A Write that changes nothing makes nobody read anything again, and the index is believed after it.
func TestNothingChanged(t *testing.T) {
	for name, path := range map[string]string{"file": filepath.Join(t.TempDir(), "v.db"), "memory": ":memory:"} {
		db := open(t, path, time.Now)
		put(t, db, "a")
		before, _ := db.Changes("test/1")
		if err := db.Write(t.Context(), store.Delete("test/1", "none", store.Always())); err != nil {
			t.Fatal(err)
		}
		if after, ok := db.Changes("test/1"); !ok || after != before {
			t.Errorf("%s: %d after %d, %t", name, after, before, ok)
		}
	}
}
