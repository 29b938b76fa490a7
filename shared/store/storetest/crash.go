package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Opener opens the store at a location, which is empty at first, and gives back what closes it. The location is the
// path of a file that may be made, in a folder of the test; an engine that lives elsewhere may take it for a name.
type Opener func(ctx context.Context, location string, now func() time.Time) (s store.Store, closeStore func() error, err error)

// crashLocation is the environment variable that makes the test binary the process to be killed.
const crashLocation = "VETASSIST_TEST_CRASH_LOCATION"

// RunCrash kills a process in the middle of its writes, three times over: what it had answered is there, and no write
// is half there. The process is this test binary, in which only the calling test runs, so that test should do
// nothing else.
func RunCrash(t *testing.T, open Opener) {
	if location := os.Getenv(crashLocation); location != "" {
		fmt.Println(writeForEver(open, location))
		os.Exit(1)
	}
	location := filepath.Join(t.TempDir(), "store")
	for range 3 {
		answered := killWriter(t, location)
		s, closeStore, err := open(t.Context(), location, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		checkAfterCrash(t, s, answered)
		if err := closeStore(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeForEver goes on where the last process was killed. Each write is two items, of two partitions; when it is
// answered, its number is printed.
func writeForEver(open Opener, location string) error {
	ctx := context.Background()
	s, _, err := open(ctx, location, time.Now)
	if err != nil {
		return err
	}
	n := 0
	for isThere(ctx, s, "test/a", n) == nil {
		n++
	}
	for ; ; n++ {
		it := store.Item{Sort: fmt.Sprint(n), Body: []byte(`{}`)}
		a, b := it, it
		a.Partition, b.Partition = "test/a", "test/b"
		if err := s.Write(ctx, store.Put(a, store.IfAbsent()), store.Put(b, store.IfAbsent())); err != nil {
			return err
		}
		fmt.Println("answered", n)
	}
}

func isThere(ctx context.Context, s store.Store, partition string, n int) error {
	_, err := s.Get(ctx, partition, fmt.Sprint(n))
	return err
}

// killWriter starts the writing process, kills it after some answers, and tells the last write that it answered.
func killWriter(t *testing.T, location string) (answered int) {
	t.Helper()
	onlyThisTest := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+onlyThisTest)
	cmd.Env = append(os.Environ(), crashLocation+"="+location)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := range 200 {
		if !lines.Scan() {
			t.Fatalf("the writer ended by itself after %d answers", n)
		}
		if _, err := fmt.Sscanf(lines.Text(), "answered %d", &answered); err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // answers that were on their way count too
		if _, err := fmt.Sscanf(lines.Text(), "answered %d", &answered); err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
	}
	_ = cmd.Wait() // its error is the kill
	return answered
}

func checkAfterCrash(t *testing.T, s store.Store, answered int) {
	t.Helper()
	for n := 0; ; n++ {
		a, b := isThere(t.Context(), s, "test/a", n), isThere(t.Context(), s, "test/b", n)
		if (a == nil) != (b == nil) {
			t.Fatalf("write %d is half there: %v, %v", n, a, b)
		}
		if a == nil {
			continue
		}
		wantErr(t, "after the last write", a, store.ErrNotFound)
		if n <= answered {
			t.Fatalf("write %d was answered, but the last one there is %d", answered, n-1)
		}
		return
	}
}
