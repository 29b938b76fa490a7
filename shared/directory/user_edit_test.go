package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const good = "correct horse battery"

func (w world) addUser(t *testing.T, username string, roles ...string) store.Record[directory.User] {
	t.Helper()
	r, err := w.AddUser(t.Context(), directory.NewUser{Username: username, Name: "Person " + strings.TrimSpace(username), Roles: roles, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w world) user(t *testing.T, id string) store.Record[directory.User] {
	t.Helper()
	r, err := w.UserRecord(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// items are the sort keys of all index items about a user, by partition.
func (w world) indexItems(t *testing.T, id string) (keys []string) {
	t.Helper()
	for _, ix := range []string{"username", "name", "role/Pet Owner", "role/Vet Staff", "role/Administrator"} {
		for _, shard := range []string{"0", "b", "d", "g", "k", "m", "p", "s"} {
			records, err := store.ReadAll[directory.User](t.Context(), w.db, store.Query{Partition: "directory/index/" + ix + "/" + shard}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.Value.ID == id {
					keys = append(keys, ix+"/"+shard)
				}
			}
		}
	}
	return keys
}

func TestAddUser(t *testing.T) {
	w := newWorld(t, false)
	r := w.addUser(t, " Dora.B ", "Pet Owner", "Vet Staff", "Pet Owner")
	stored := w.user(t, r.Value.ID)
	if fmt.Sprint(stored) != fmt.Sprint(r) || r.Version != 1 || r.Value.Username != "dora.b" || !slices.Equal(r.Value.Roles, []string{"Pet Owner", "Vet Staff"}) {
		t.Errorf("%+v, stored %+v", r, stored)
	}
	if got := strings.Join(w.indexItems(t, r.Value.ID), " "); got != "username/d name/p role/Pet Owner/d role/Vet Staff/d" {
		t.Errorf("indexed in %s", got)
	}
	if u, err := w.Authenticate(t.Context(), "dora.b", good, ""); err != nil || u.ID != r.Value.ID { // not a demo's password
		t.Errorf("%+v, %v", u, err)
	}
	fits := directory.NewUser{Username: "erin", Name: "Erin", Password: good}
	for _, c := range []struct {
		field  string
		change func(*directory.NewUser)
	}{
		{"username", func(n *directory.NewUser) { n.Username = "DORA.b" }},
		{"username", func(n *directory.NewUser) { n.Username = " " }},
		{"username", func(n *directory.NewUser) { n.Username = "a b" }},
		{"username", func(n *directory.NewUser) { n.Username = "a/b" }},
		{"username", func(n *directory.NewUser) { n.Username = "\xff" }},
		{"username", func(n *directory.NewUser) { n.Username = strings.Repeat("x", 65) }},
		{"name", func(n *directory.NewUser) { n.Name = "" }},
		{"name", func(n *directory.NewUser) { n.Name = "two\nlines" }},
		{"name", func(n *directory.NewUser) { n.Name = " Erin" }},
		{"name", func(n *directory.NewUser) { n.Name = strings.Repeat("é", 101) }},
		{"roles", func(n *directory.NewUser) { n.Roles = []string{"Pet Owner", "King"} }},
		{"roles", func(n *directory.NewUser) { n.Roles = []string{strings.Repeat("x", 600)} }},
		{"roles", func(n *directory.NewUser) { n.Roles = strings.Split("abcdef", "") }},
		{"password", func(n *directory.NewUser) { n.Password = "short12" }},
		{"password", func(n *directory.NewUser) { n.Password = strings.Repeat("x", 257) }},
		{"password", func(n *directory.NewUser) { n.Password = "PassWord123" }},
	} {
		n := fits
		c.change(&n)
		_, err := w.AddUser(t.Context(), n)
		wantField(t, fmt.Sprintf("%+v", n), err, c.field)
	}
	if got := pages(t, w.UsersByUsername, "e", 10, username); len(got) != 0 {
		t.Errorf("refused, and listed: %q", got)
	}
	fits.Name, fits.Password = strings.Repeat("é", 100), "8 bytes!"
	if _, err := w.AddUser(t.Context(), fits); err != nil {
		t.Error(err)
	}
}

func TestUpdateUser(t *testing.T) {
	w := newWorld(t, true)
	id := w.addUser(t, "dora", "Pet Owner").Value.ID
	name, username, off, on := "Zoe Zimmer", "Zoe", true, false
	roles := []string{"Vet Staff"}
	for i, c := range []struct {
		edit    directory.UserEdit
		indexed string
	}{
		{directory.UserEdit{Name: &name}, "username/d name/s role/Pet Owner/d"},
		{directory.UserEdit{Username: &username}, "username/s name/s role/Pet Owner/s"},
		{directory.UserEdit{Roles: &roles}, "username/s name/s role/Vet Staff/s"},
		{directory.UserEdit{Disabled: &off}, "username/s name/s role/Vet Staff/s"},
		{directory.UserEdit{Disabled: &on, Roles: &[]string{}}, "username/s name/s"},
	} {
		version := int64(i + 1)
		for _, wrong := range []int64{0, version + 1, version - 1} {
			if _, err := w.UpdateUser(t.Context(), id, wrong, c.edit); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%d: version %d: %v", i, wrong, err)
			}
		}
		r, err := w.UpdateUser(t.Context(), id, version, c.edit)
		if err != nil || fmt.Sprint(r) != fmt.Sprint(w.user(t, id)) || r.Version != version+1 {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
		if got := strings.Join(w.indexItems(t, id), " "); got != c.indexed {
			t.Errorf("%d: indexed in %s, want %s", i, got, c.indexed)
		}
		if c.edit.Disabled != nil {
			page, err := w.UsersByUsername(t.Context(), directory.Query{Prefix: "zoe"})
			if err != nil || page.Items[0].Disabled != *c.edit.Disabled {
				t.Errorf("%d: the list says %+v, %v", i, page, err)
			}
		}
	}
	for _, c := range []struct{ username, id string }{{"zoe", id}, {"dora", ""}} {
		if u, err := w.Authenticate(t.Context(), c.username, good, ""); u.ID != c.id {
			t.Errorf("%s: %+v, %v", c.username, u, err)
		}
	}
	bob := "bob"
	taken := second(w.UpdateUser(t.Context(), id, 6, directory.UserEdit{Username: &bob}))
	wantField(t, "a taken username", taken, "username")
	wantField(t, "no such role", second(w.UpdateUser(t.Context(), id, 6, directory.UserEdit{Roles: &[]string{"King"}})), "roles")
	for _, id := range []string{"user-nobody", strings.Repeat("x", 600)} {
		if _, err := w.UpdateUser(t.Context(), id, 1, directory.UserEdit{}); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	}
}

// TestUpdateUserAtItsBounds: the largest change of one user fits one write.
func TestUpdateUserAtItsBounds(t *testing.T) {
	w := newWorld(t, true)
	var roles []string
	for i := range 10 {
		r, err := w.AddRole(t.Context(), directory.Role{Name: fmt.Sprintf("Role %d", i)})
		if err != nil {
			t.Fatal(err)
		}
		roles = append(roles, r.Value.Name)
	}
	w.addUser(t, "second-admin", directory.AdministratorRole)
	from := append([]string{directory.AdministratorRole}, roles[:4]...)
	id := w.addUser(t, "dora", from...).Value.ID
	to, username, name := roles[5:], "zoe", "Zoe"
	if _, err := w.UpdateUser(t.Context(), id, 1, directory.UserEdit{Username: &username, Name: &name, Roles: &to}); err != nil {
		t.Error(err)
	}
	if err := w.DeleteUser(t.Context(), id, 2); err != nil {
		t.Error(err)
	}
}

func TestSetPassword(t *testing.T) {
	w := newWorld(t, false)
	before := w.clock.Now()
	wantField(t, "common", w.SetPassword(t.Context(), "user-bob", "password1"), "password")
	if u := w.user(t, "user-bob").Value; u.SignedOutSince(before) {
		t.Error("a password that was refused signed bob out")
	}
	for range 10 {
		w.Authenticate(t.Context(), "bob", "wrong", "")
	}
	if err := w.SetPassword(t.Context(), "user-bob", good); err != nil {
		t.Fatal(err)
	}
	// The demo's did not work here, and the name was locked.
	if u, err := w.Authenticate(t.Context(), "bob", good, ""); err != nil || u.ID != "user-bob" || !u.SignedOutSince(before) {
		t.Errorf("%+v, %v", u, err)
	}
	if err := w.SetPassword(t.Context(), "user-nobody", good); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// TestGiveAndTakeRole: many change the roles of one user at once, and none of it is lost.
func TestGiveAndTakeRole(t *testing.T) {
	w := newWorld(t, true)
	if err := w.GiveRole(t.Context(), "user-bob", "Vet Staff"); err != nil {
		t.Fatal(err)
	}
	version := w.user(t, "user-bob").Version
	if err := w.GiveRole(t.Context(), "user-bob", "Vet Staff"); err != nil || w.user(t, "user-bob").Version != version {
		t.Errorf("given twice: %v", err)
	}
	wantField(t, "no such role", w.GiveRole(t.Context(), "user-bob", "King"), "roles")
	if err := w.TakeRole(t.Context(), "user-admin", directory.AdministratorRole); !errors.Is(err, directory.ErrLastAdministrator) {
		t.Errorf("the last administrator: %v", err)
	}
	var wait sync.WaitGroup
	for _, change := range []func() error{
		func() error { return w.TakeRole(t.Context(), "user-bob", "Pet Owner") },
		func() error { return w.TakeRole(t.Context(), "user-bob", "Vet Staff") },
		func() error { return w.GiveRole(t.Context(), "user-bob", directory.AdministratorRole) },
	} {
		wait.Go(func() {
			if err := change(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := w.user(t, "user-bob").Value.Roles; !slices.Equal(got, []string{directory.AdministratorRole}) {
		t.Errorf("bob has %q", got)
	}
}

// TestDemoAdministratorIsNoWitness: where the demo's passwords do not work, its administrator is not the one who could undo it.
func TestDemoAdministratorIsNoWitness(t *testing.T) {
	w := newWorld(t, false)
	r, err := w.AddUser(t.Context(), directory.NewUser{Username: "root", Name: "Root", Password: good, Roles: []string{directory.AdministratorRole}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteUser(t.Context(), r.Value.ID, r.Version); !errors.Is(err, directory.ErrLastAdministrator) {
		t.Errorf("the only one who can log in was deleted: %v", err)
	}
}

func TestDeleteUser(t *testing.T) {
	for _, consents := range []int{0, 3, 60} {
		w := newWorld(t, true)
		id := w.addUser(t, "dora", "Pet Owner").Value.ID
		for i := range consents {
			_, ops, err := w.Allow(t.Context(), id, fmt.Sprint("client-", i), "mcp://vetassist", []string{"a"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.db.Write(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.DeleteUser(t.Context(), id, 2); !errors.Is(err, store.ErrConflict) {
			t.Errorf("another version: %v", err)
		}
		if err := w.DeleteUser(t.Context(), id, 1); err != nil {
			t.Fatal(consents, err)
		}
		left, err := w.db.List(t.Context(), store.Query{Partition: "user/" + id})
		if err != nil || len(left.Items) != 1 || left.Items[0].Sort != "gone" || len(w.indexItems(t, id)) > 0 {
			t.Errorf("%d consents: left over: %v %v %v", consents, left, w.indexItems(t, id), err)
		}
		if _, err := w.Authenticate(t.Context(), "dora", good, ""); !errors.Is(err, directory.ErrLogin) {
			t.Errorf("a login: %v", err)
		}
		w.addUser(t, "dora") // the name is free again
	}
}

// failing fails every write after some.
type failing struct {
	store.Store
	writes int
}

var errCrash = errors.New("crash")

func (f *failing) Write(ctx context.Context, ops ...store.Op) error {
	if f.writes--; f.writes < 0 {
		return errCrash
	}
	return f.Store.Write(ctx, ops...)
}

// TestDeleteUserAfterACrash: wherever it stopped, nobody sees half a user, and deleting again finishes it.
func TestDeleteUserAfterACrash(t *testing.T) {
	for writes := range 6 {
		w := newWorld(t, true)
		id := w.addUser(t, "dora", "Pet Owner").Value.ID
		for i := range 60 {
			_, ops, err := w.Allow(t.Context(), id, fmt.Sprint("client-", i), "mcp://vetassist", []string{"a"})
			if err == nil {
				err = w.db.Write(t.Context(), ops...)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		crashing := directory.New(&failing{w.db, writes}, base, true, w.clock.Now)
		err := crashing.DeleteUser(t.Context(), id, 1)
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		_, err = w.ActiveUser(t.Context(), id)
		page, err2 := w.db.List(t.Context(), store.Query{Partition: "user/" + id, Prefix: "consent/"})
		if err2 != nil || err == nil && len(page.Items) != 60 {
			t.Errorf("after %d writes: active %v with %d consents, %v", writes, err == nil, len(page.Items), err2)
		}
		r := w.user(t, id)
		if writes > 0 {
			if _, err := w.UpdateUser(t.Context(), id, r.Version, directory.UserEdit{}); !errors.Is(err, directory.ErrDeleting) {
				t.Errorf("an edit of half a user: %v", err)
			}
			if err := w.SetPassword(t.Context(), id, good); !errors.Is(err, directory.ErrDeleting) {
				t.Errorf("a password for half a user: %v", err)
			}
		}
		if err := w.DeleteUser(t.Context(), id, r.Version); err != nil {
			t.Errorf("after %d writes, again: %v", writes, err)
		}
		if left, err := w.db.List(t.Context(), store.Query{Partition: "user/" + id}); err != nil || len(left.Items) != 1 || left.Items[0].Sort != "gone" || len(w.indexItems(t, id)) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
	}
}

// TestDeleteUserMeanwhile: what is given to a user while they are deleted goes with them, or is not given.
func TestDeleteUserMeanwhile(t *testing.T) {
	for _, consents := range []int{0, 60} {
		for before := range 8 { // so many writes of the deletion
			w := newWorld(t, true)
			id := w.addUser(t, "dora", "Pet Owner").Value.ID
			for i := range consents {
				w.allow(t, id, fmt.Sprint("client-", i))
			}
			_, late, err := w.Allow(t.Context(), id, "late", "mcp://vetassist", []string{"a"}) // by somebody who found the user as they were
			if err != nil {
				t.Fatal(err)
			}
			deleting := &meanwhile{Store: w.db, writes: before, f: func() {
				_ = w.db.Write(t.Context(), late...)
				if _, ops, err := w.Allow(t.Context(), id, "zoo", "mcp://vetassist", []string{"a"}); err == nil {
					_ = w.db.Write(t.Context(), ops...)
				}
				_ = w.AddPasskey(t.Context(), id, w.clock.Now().Add(time.Second), time.Time{}, passkey("a"))
			}}
			if err := directory.New(deleting, base, true, w.clock.Now).DeleteUser(t.Context(), id, 1); err != nil {
				t.Fatal(err)
			}
			if left, err := w.db.List(t.Context(), store.Query{Partition: "user/" + id}); err != nil || len(left.Items) != 1 || left.Items[0].Sort != "gone" || len(w.indexItems(t, id)) > 0 {
				t.Errorf("%d consents, before write %d: left over: %v %q, %v", consents, before, left, w.indexItems(t, id), err)
			}
			if _, err := w.db.Get(t.Context(), "directory/passkey/"+passkey("a").ID, "user"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%d consents, before write %d: the passkey is taken: %v", consents, before, err)
			}
			for _, client := range []string{"late", "zoo"} {
				if page, err := w.ConsentsFor(t.Context(), client, directory.Query{}); err != nil || len(page.Items) > 0 {
					t.Errorf("%d consents, before write %d: a consent of nobody: %v, %v", consents, before, page.Items, err)
				}
			}
			if deleting.f != nil && before > 0 {
				break // there were no more writes
			}
		}
	}
}

// meanwhile lets something happen after some writes and before the next one.
type meanwhile struct {
	store.Store
	writes int
	f      func()
}

func (m *meanwhile) Write(ctx context.Context, ops ...store.Op) error {
	if m.writes--; m.writes < 0 && m.f != nil {
		m.f()
		m.f = nil
	}
	return m.Store.Write(ctx, ops...)
}

func (w world) allow(t *testing.T, user, client string) {
	t.Helper()
	_, ops, err := w.Allow(t.Context(), user, client, "mcp://vetassist", []string{"a"})
	if err == nil {
		err = w.db.Write(t.Context(), ops...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestLastAdministrator(t *testing.T) {
	off, none := true, []string{"Pet Owner"}
	ways := map[string]func(w world, r store.Record[directory.User]) error{
		"disable": func(w world, r store.Record[directory.User]) error {
			return second(w.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Disabled: &off}))
		},
		"take the role": func(w world, r store.Record[directory.User]) error {
			return second(w.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Roles: &none}))
		},
		"delete": func(w world, r store.Record[directory.User]) error {
			return w.DeleteUser(t.Context(), r.Value.ID, r.Version)
		},
	}
	for name, way := range ways {
		w := newWorld(t, true)
		ada := w.user(t, "user-admin")
		if err := way(w, ada); !errors.Is(err, directory.ErrLastAdministrator) {
			t.Errorf("%s the only one: %v", name, err)
		}
		zed := w.addUser(t, "zed", directory.AdministratorRole)
		zed, err := w.UpdateUser(t.Context(), zed.Value.ID, zed.Version, directory.UserEdit{Disabled: &off})
		if err != nil {
			t.Fatal(err)
		}
		if err := way(w, ada); !errors.Is(err, directory.ErrLastAdministrator) {
			t.Errorf("%s, and the other one is disabled: %v", name, err)
		}
		if err := way(w, zed); err != nil {
			t.Errorf("%s the disabled one: %v", name, err)
		}
		w.addUser(t, "yan", directory.AdministratorRole)
		if err := way(w, ada); err != nil {
			t.Errorf("%s one of two: %v", name, err)
		}
	}
	w := newWorld(t, true)
	role, err := w.RoleRecord(t.Context(), directory.AdministratorRole)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteRole(t.Context(), directory.AdministratorRole, role.Version, true); !errors.Is(err, directory.ErrSystem) {
		t.Errorf("the role itself: %v", err)
	}
}

// TestAdministratorsDemoteEachOther: all of them try at the same moment, each another one, and one stays.
func TestAdministratorsDemoteEachOther(t *testing.T) {
	off, none := true, []string{}
	for round := range 3 {
		w := newWorld(t, true)
		all := []store.Record[directory.User]{w.user(t, "user-admin")}
		for i := range 1 + round {
			all = append(all, w.addUser(t, fmt.Sprint("admin", i), directory.AdministratorRole))
		}
		start := make(chan struct{})
		errs := make([]error, len(all))
		var wg sync.WaitGroup
		for i, r := range all {
			wg.Go(func() {
				<-start
				switch i % 3 {
				case 0:
					_, errs[i] = w.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Disabled: &off})
				case 1:
					_, errs[i] = w.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Roles: &none})
				case 2:
					errs[i] = w.DeleteUser(t.Context(), r.Value.ID, r.Version)
				}
			})
		}
		close(start)
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if errors.Is(err, directory.ErrLastAdministrator) || errors.Is(err, store.ErrConflict) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		active := 0
		for _, r := range all {
			if u, err := w.ActiveUser(t.Context(), r.Value.ID); err == nil && slices.Contains(u.Roles, directory.AdministratorRole) {
				active++
			}
		}
		if active == 0 || active != refused {
			t.Errorf("%d administrators are left, %d were refused: %v", active, refused, errs)
		}
	}
}

// TestOneOfTwoEdits: two who read the same version; one is refused.
func TestOneOfTwoEdits(t *testing.T) {
	w := newWorld(t, true)
	id := w.addUser(t, "dora").Value.ID
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			name := fmt.Sprint("Dora ", i)
			_, errs[i] = w.UpdateUser(t.Context(), id, 1, directory.UserEdit{Name: &name})
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			if got := pages(t, w.UsersByName, "dora", 10, userName); !slices.Equal(got, []string{fmt.Sprint("Dora ", i)}) {
				t.Errorf("listed as %q", got)
			}
		} else if !errors.Is(err, store.ErrConflict) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}
