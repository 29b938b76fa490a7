package directory_test

import (
	"context"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// between lets something happen just before the next write.
type between struct {
	store.Store
	happen func()
}

func (b *between) Write(ctx context.Context, ops ...store.Op) error {
	if happen := b.happen; happen != nil {
		b.happen = nil
		happen()
	}
	return b.Store.Write(ctx, ops...)
}

// TestUsedWhileItIsDeleted: what is taken into use after the look at its uses and before the mark is in use, and stays as it was.
func TestUsedWhileItIsDeleted(t *testing.T) {
	w := newWorld(t, true)
	if _, err := w.AddRole(t.Context(), directory.Role{Name: "Keeper"}); err != nil {
		t.Fatal(err)
	}
	r := w.addZoo(t)
	late := func(happen func()) *directory.Directory {
		return directory.New(&between{w.db, happen}, base, true, w.clock.Now)
	}

	wantUses(t, "the role", late(func() { w.addUser(t, "dora", "Keeper") }).DeleteRole(t.Context(), "Keeper", 1, false), "user dora")
	if role := w.role(t, "Keeper"); role.Value.Deleting {
		t.Errorf("%+v", role)
	}

	var app store.Record[directory.Client]
	authorize := func() { app = w.addClient(t, "Zoo App", map[string][]string{zoo.Identifier: {"animal:feed"}}) }
	fewer := zoo
	fewer.Scopes = zoo.Scopes[:1]
	wantUses(t, "the scope", second(late(authorize).UpdateServer(t.Context(), fewer, r.Version, false)), "application Zoo App")
	if s, err := w.Server(t.Context(), zoo.Identifier); err != nil || len(s.Scopes) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := w.DeleteClient(t.Context(), app.Value.ID, app.Version, false); err != nil {
		t.Fatal(err)
	}
	wantUses(t, "the server", late(authorize).DeleteServer(t.Context(), zoo.Identifier, w.server(t, zoo.Identifier).Version, false), "application Zoo App")
	if _, err := w.Server(t.Context(), zoo.Identifier); err != nil {
		t.Error(err)
	}
}
