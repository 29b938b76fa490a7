package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// meter counts what DynamoDB would be asked for and would charge: a unit of reading is 4 KB of a partition, read
// consistently; a unit of writing is 1 KB, and two in a transaction, condition checks included. Package dynamo tells which
// single operations are none.
type meter struct {
	store.Store
	mu  sync.Mutex
	sum map[string]load
}

type load struct{ items, written, readUnits, writeUnits int }

// count notes what was read of a partition, and what was written there.
func (m *meter) count(partition string, l load) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.sum[partition]
	sum.items += l.items
	sum.written += l.written
	sum.readUnits += l.readUnits
	sum.writeUnits += l.writeUnits
	m.sum[partition] = sum
}

// of is what f costs, by partition.
func (m *meter) of(f func()) map[string]load {
	m.mu.Lock()
	m.sum = map[string]load{}
	m.mu.Unlock()
	f()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

// bytesOf is what DynamoDB counts of an item: the names and values of its attributes.
func bytesOf(it store.Item) int {
	const names = len("pk" + "sk" + "version" + "expires" + "body")
	const numbers = 2 * 8
	return names + numbers + len(it.Partition) + len(it.Sort) + len(it.Body)
}

func units(bytes, unit int) int { return max(1, (bytes+unit-1)/unit) }

func (m *meter) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	it, err := m.Store.Get(ctx, partition, sort)
	m.count(partition, load{items: 1, readUnits: units(bytesOf(it), 4<<10)}) // what is not there costs as much
	return it, err
}

func (m *meter) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := m.Store.List(ctx, q)
	bytes := 0
	for _, it := range page.Items {
		bytes += bytesOf(it)
	}
	m.count(q.Partition, load{items: len(page.Items), readUnits: units(bytes, 4<<10)})
	return page, err
}

func (m *meter) Write(ctx context.Context, ops ...store.Op) error {
	times := 2
	if kind := ops[0].Condition.Kind; len(ops) == 1 && ops[0].Kind == store.OpPut && (kind == store.CondAbsent || kind == store.CondVersion) {
		times = 1
	}
	for _, op := range ops {
		m.count(op.Item.Partition, load{written: 1, writeUnits: times * units(bytesOf(op.Item), 1<<10)})
	}
	return m.Store.Write(ctx, ops...)
}

// TestReadmeScale counts what each step of the story asks of the store, and holds the README's table to it. The server is
// warm: it has its keys, and has seen the tools.
func TestReadmeScale(t *testing.T) {
	m := &meter{Store: storetest.Open(t, newClock().Now), sum: map[string]load{}}
	w := newWorld(t, func(o *Options) { o.Open = always(m) })
	w.person().connect("Which pets do I have?", "alice")
	w.refresh(w.tokensFor("alice", "pet-profile:read").Refresh)

	table := readmeTable(t, "Step", "Requests", "Items read", "Items written", "Read units", "Write units")
	policy := 0
	step := func(f func()) {
		t.Helper()
		before := strings.Count(w.log.String(), "msg=request")
		parts := m.of(f)
		var sum load
		for _, l := range parts {
			sum = load{sum.items + l.items, sum.written + l.written, sum.readUnits + l.readUnits, sum.writeUnits + l.writeUnits}
		}
		policy += parts["policy/all"].readUnits
		requests := strings.Count(w.log.String(), "msg=request") - before
		got := fmt.Sprint([]int{requests, sum.items, sum.written, sum.readUnits, sum.writeUnits})
		if len(table) == 0 {
			t.Fatal("the README's table ends here")
		}
		if want := fmt.Sprint(table[0][1:]); got != want {
			t.Errorf("%s: %s, and the README says %s", table[0][0], got, want)
		}
		table = table[1:]
	}

	var a chatAnswer
	bob := w.person()
	step(func() { bob.open("/"); a = bob.ask("When is Fido's next vaccination?") })
	step(func() { bob.open(a.AuthorizeURL); bob.login("bob") })
	step(func() { bob.submit("decision", url.Values{"decision": {"approve"}}) })
	connected := policy
	step(func() { bob.ask("When is Fido's next vaccination?") })
	step(func() {
		a = bob.ask("Book an appointment for Fido next Tuesday at 10")
		bob.open(a.AuthorizeURL)
		bob.submit("decision", url.Values{"decision": {"approve"}})
	})
	tokens := w.tokensFor("bob", "pet-profile:read")
	step(func() { tokens = w.refresh(tokens.Refresh) })
	step(func() {
		if a := w.callTool(tokens.Access, "get_pet_vaccination_info", `{"pet":"Fido"}`); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	})
	if len(table) > 0 {
		t.Errorf("the README tells of more steps: %v", table)
	}
	// The partition that everybody reads bears 3,000 units a second: that is the limit of the whole.
	readmeSays(t, fmt.Sprintf("reads the policy %d times", connected))
	readmeSays(t, fmt.Sprintf("%d people can connect in a second", 3000/connected))
}
