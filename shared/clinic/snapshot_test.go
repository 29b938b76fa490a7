package clinic_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
)

// TestRestore: byte for byte what was there, with its expiries, whatever has come since.
func TestRestore(t *testing.T) {
	l := newLab(t, true)
	l.use(t)
	before := l.items(t)
	snap, err := l.Snapshot(t.Context(), " Monday ")
	if err != nil || snap.Name != "Monday" || snap.Records < 60 || !snap.Created.Equal(monday.Truncate(time.Second)) {
		t.Fatalf("%+v, %v", snap, err)
	}
	if list, err := l.Snapshots(t.Context()); err != nil || !slices.Equal(list, []clinic.Snapshot{snap}) {
		t.Errorf("%+v, %v", list, err)
	}
	if l.items(t) != before {
		t.Error("a snapshot changed something")
	}
	l.now = l.now.Add(time.Hour)
	if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.AddOwner(t.Context(), clinic.Owner{ID: "user-later", Name: "Later"}); err != nil {
		t.Fatal(err)
	}
	if l.items(t) == before {
		t.Fatal("nothing has changed")
	}
	for range 2 {
		if err := l.Restore(t.Context(), snap.ID); err != nil {
			t.Fatal(err)
		}
		if got := l.items(t); got != before {
			t.Errorf("got\n%s\nwant\n%s", got, before)
		}
	}
	if err := l.DeleteSnapshot(t.Context(), snap.ID); err != nil {
		t.Error(err)
	}
	if n := l.count(t, "partition GLOB 'clinic/snapshot/*'"); n != 0 {
		t.Errorf("%d items are left of it", n)
	}
	for _, id := range []string{snap.ID, "", "a/b", strings.Repeat("x", 200)} {
		wantCode(t, l.Restore(t.Context(), id), clinic.NotFound)
		wantCode(t, l.DeleteSnapshot(t.Context(), id), clinic.NotFound)
	}
}

// TestInterruptedSnapshot leaves nothing that anybody sees, and the next one removes it.
func TestInterruptedSnapshot(t *testing.T) {
	l := newLab(t, true)
	for writes := 1; writes < 4; writes++ {
		_, err := l.over(t, &failing{l.store, writes}).Snapshot(t.Context(), "half")
		if !errors.Is(err, store.ErrBusy) {
			t.Fatalf("%d: %v", writes, err)
		}
		if list, err := l.Snapshots(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		l.now = l.now.Add(time.Minute)
	}
	snap, err := l.Snapshot(t.Context(), "whole")
	if err != nil {
		t.Fatal(err)
	}
	if n := l.count(t, "partition GLOB 'clinic/snapshot/*' AND sort NOT IN ('"+snap.ID+"') AND partition <> 'clinic/snapshot/data/"+snap.ID+"'"); n != 0 {
		t.Errorf("%d items are left of the others", n)
	}
}

func TestSnapshotBounds(t *testing.T) {
	l := newLab(t, true)
	for _, name := range []string{"", " ", strings.Repeat("x", 61), "a\x00b"} {
		_, err := l.Snapshot(t.Context(), name)
		wantCode(t, err, clinic.Invalid)
	}
	for range clinic.MaxSnapshots {
		if _, err := l.Snapshot(t.Context(), "same"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Snapshot(t.Context(), "one more")
	wantCode(t, err, clinic.TooMany)

	l = newLab(t, true)
	for n := range 24 { // 6 MB
		op := store.Put(store.Encode("clinic/person/user-bob", fmt.Sprint("ticket/", n), strings.Repeat("x", 250<<10), time.Time{}), store.IfAbsent())
		if err := l.store.Write(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	_, err = l.Snapshot(t.Context(), "too big")
	wantCode(t, err, clinic.TooMany)
	if list, err := l.Snapshots(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = l.Snapshot(t.Context(), "still") // the gate is open again
	wantCode(t, err, clinic.TooMany)
}
