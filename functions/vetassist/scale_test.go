package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
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
	w := newWorld(t, func(o *Options) { o.Open, o.Recorder = always(m), config.RecorderOff }) // as in the cloud
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
	holder := w.holder()
	bound := holder.redeem(w.person().answerOf(w.request(nil), "bob").Get("code")).Access
	holder.call(bound, "list_pets")
	step(func() {
		if a := holder.call(bound, "get_pet_vaccination_info"); a.status != http.StatusOK {
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

// TestReadmeCosts does the arithmetic of the README again: a chat is the first five steps of the table.
func TestReadmeCosts(t *testing.T) {
	var requests, reads, writes float64
	for _, row := range readmeTable(t, "Step", "Requests", "Items read", "Items written", "Read units", "Write units")[:5] {
		requests, reads, writes = requests+number(t, row[1]), reads+number(t, row[4]), writes+number(t, row[5])
	}
	readmeSays(t, fmt.Sprintf("%.0f read units, %.0f write units", reads, writes))
	const second, memory = 0.1, 0.7
	want := map[string]float64{ // dollars for a thousand chats
		"HTTP API":         requests * 1000 * 1 / 1e6,
		"Lambda, calls":    requests * 1000 * 0.20 / 1e6,
		"Lambda, time":     requests * 1000 * second * memory * 0.0000133334,
		"DynamoDB, writes": writes * 1000 * 0.625 / 1e6,
		"DynamoDB, reads":  reads * 1000 * 0.125 / 1e6,
		"Logs":             requests * 1000 / 1e6 * 0.50, // 1 KB each
		"Traces":           requests * 1000 * 0.05 * 5 / 1e6,
	}
	total := 0.0
	for _, row := range readmeTable(t, "Part", "Arithmetic, for 1,000 chats", "Dollars") {
		got := number(t, row[2])
		if row[0] == "Together" {
			if math.Abs(got-total) > 0.005 {
				t.Errorf("the sum is %.4f, and the README says %s", total, row[2])
			}
			total = got
		} else if total += want[row[0]]; want[row[0]] == 0 || math.Abs(got-want[row[0]]) > 0.003 {
			t.Errorf("%s is %.4f, and the README says %s", row[0], want[row[0]], row[2])
		}
	}

	const workingSeconds = 22 * 8 * 3600
	rows := readmeTable(t, "In a month", "30 people in a workshop", "10,000 customers", "10 million customers")
	for i, atOnce := range []func(chats float64) float64{
		func(chats float64) float64 { return chats / 60 },
		func(chats float64) float64 { return 3 * chats / workingSeconds },
		func(chats float64) float64 { return 3 * chats / workingSeconds },
	} {
		chats := number(t, rows[0][i+1])
		peak := atOnce(chats)
		for n, want := range []float64{chats, chats / 1000 * total, peak, peak * requests, math.Ceil(peak * requests * second)} {
			if got := number(t, rows[n][i+1]); math.Abs(got-want) > 0.06*want+0.06 {
				t.Errorf("%s, column %d: %g, and the README says %s", rows[n][0], i+1, want, rows[n][i+1])
			}
		}
	}
}

// number reads an amount as the README writes it.
func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(strings.Trim(strings.ReplaceAll(s, ",", ""), "$*~ "), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
