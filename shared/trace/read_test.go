package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Who sees what of a flow.
func TestVisible(t *testing.T) {
	// Each record is its ID; of whom it is about and in which browser it happened there is one each, and what it happened in.
	type r struct{ id, subject, browser, parent string }
	alone := []r{{"asks", "", "B", ""}, {"within", "", "", "asks"}}
	bobs := []r{{"asks", "", "B", ""}, {"within", "", "", "asks"}, {"logs in", "bob", "B", ""}, {"calls", "bob", "", "asks"}, {"keys", "", "", "calls"}}
	foreign := []r{{"discovers", "", "", ""}, {"logs in", "bob", "B", ""}, {"calls", "bob", "", ""}}
	lured := []r{{"asks", "attacker", "A", ""}, {"opens", "", "V", ""}, {"guesses", "", "V", ""}, {"logs in", "bob", "V", ""}, {"of asks", "", "", "asks"},
		{"of opens", "", "", "opens"}, {"of of opens", "", "", "of opens"}, {"of logs in", "", "", "logs in"}}
	circle := []r{{"a", "", "", "b"}, {"b", "", "", "a"}, {"mine", "bob", "", ""}}
	for _, c := range []struct {
		name string
		flow []r
		who  Viewer
		want []string
	}{
		{"nobody yet, in this browser", alone, Viewer{Browser: "B"}, []string{"asks", "within"}},
		{"nobody yet, in this browser, by somebody", alone, Viewer{User: "bob", Browser: "B"}, []string{"asks", "within"}},
		{"nobody yet, in another browser", alone, Viewer{User: "bob", Browser: "C"}, nil},
		{"nobody yet, by nobody", alone, Viewer{}, nil},
		{"one's own", bobs, Viewer{User: "bob", Browser: "B"}, []string{"asks", "within", "logs in", "calls", "keys"}},
		{"one's own, on another machine", bobs, Viewer{User: "bob", Browser: "C"}, []string{"asks", "within", "logs in", "calls", "keys"}},
		{"somebody else's", bobs, Viewer{User: "alice", Browser: "C"}, nil},
		{"somebody else's who used this browser before", bobs, Viewer{User: "alice", Browser: "B"}, nil},
		{"after the logout", bobs, Viewer{Browser: "B"}, nil},
		{"an administrator", bobs, everything, []string{"asks", "within", "logs in", "calls", "keys"}},
		{"a client of one's own", foreign, Viewer{User: "bob"}, []string{"discovers", "logs in", "calls"}},
		{"a client of somebody else's", foreign, Viewer{User: "alice"}, nil},
		{"a client, by nobody", foreign, Viewer{}, nil},
		{"who sent a link sees nothing of who followed it", lured, Viewer{User: "attacker", Browser: "A"}, []string{"asks", "of asks"}},
		{"who followed a link sees nothing of who sent it", lured, Viewer{User: "bob", Browser: "V"}, []string{"opens", "guesses", "logs in", "of opens", "of of opens", "of logs in"}},
		{"a circle", circle, Viewer{User: "bob"}, []string{"mine"}},
	} {
		var all []Record
		for _, r := range c.flow {
			all = append(all, Record{ID: r.id, Subject: r.subject, Browser: r.browser, Parent: r.parent})
		}
		var got []string
		for _, rec := range visible(all, c.who) {
			got = append(got, rec.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The lists: one's own flows, those of one's browser, all; the newest first, page by page.
func TestFlows(t *testing.T) {
	w := newWorld(t)
	var flows []string
	for i := range 9 {
		w.clock.Advance(time.Second)
		flow, _ := w.sent(exchange{to: OAuth, request: "GET /oauth/login", subject: []string{"bob", "alice", ""}[i%3]})
		flows = append(flows, flow)
	}
	slices.Reverse(flows)
	reader := NewReader(w.store, w.clock.Now)
	for _, c := range []struct {
		who  Viewer
		want []string
	}{
		{Viewer{User: "bob"}, []string{flows[2], flows[5], flows[8]}},
		{Viewer{User: "carol"}, nil},
		{Viewer{}, nil},
		{everything, flows},
	} {
		var got []string
		for next := ""; ; {
			page, more, err := reader.Flows(context.Background(), c.who, next, 2)
			if err != nil || len(page) > 2 {
				t.Fatal(page, err)
			}
			got = append(got, page...)
			if next = more; next == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.who, got, c.want)
		}
	}
}

// A browser's own, before anybody has logged in: by the cookie that it got.
func TestFlowsOfBrowser(t *testing.T) {
	w := newWorld(t)
	flow, answer := w.sent(exchange{to: App, request: "POST /chat"})
	cookie := answer.Cookies()[0]
	again, second := w.sent(exchange{to: App, request: "POST /chat", header: map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}})
	if len(second.Cookies()) > 0 {
		t.Errorf("it has a cookie, and gets %v", second.Cookies())
	}
	v := Viewer{Browser: w.records(flow, everything)[0].Browser}
	got, _, err := NewReader(w.store, w.clock.Now).Flows(context.Background(), v, "", 10)
	slices.Sort(got)
	want := []string{flow, again}
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if len(w.records(again, v)) != 1 || len(w.records(again, Viewer{Browser: "x"})) > 0 {
		t.Error("it sees not what is its own, or what is not")
	}
}

// What is no id is no flow, and asks nothing of the store.
func TestNoFlow(t *testing.T) {
	w := newWorld(t)
	reader := NewReader(w.store, w.clock.Now)
	for _, id := range []string{"", "x", "../x", fmt.Sprintf("%032d", 0), "A0000000000000000000000000000000", "000000000000000000000000000000000"} {
		if _, err := reader.Flow(context.Background(), id, everything); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// After a day nothing is left for any reader.
func TestExpires(t *testing.T) {
	w := newWorld(t)
	flows := connect(w, "bob")
	for _, silence := range []time.Duration{0, Keep - time.Minute, time.Minute} {
		w.clock.Advance(silence)
		listed, _, err := NewReader(w.store, w.clock.Now).Flows(context.Background(), everything, "", 10)
		there := silence != time.Minute
		if got := w.records(flows[4], everything); err != nil || (len(got) > 0) != there || (len(listed) > 0) != there {
			t.Errorf("after %s more: %d records, %d flows, %v", silence, len(got), len(listed), err)
		}
	}
}

// Nothing that is written stays for longer than what it is about.
func TestAllExpires(t *testing.T) {
	w := newWorld(t)
	kept := &keeper{Store: w.store}
	w.Recorder = w.process(kept, true)
	connect(w, "bob")
	w.sent(exchange{to: App, request: "POST /chat", json: `{"authorize_url":"` + base + `/oauth/authorize?` + authorizing + `"}`})
	kinds := map[string]bool{}
	for _, op := range kept.ops {
		if op.Item.Body == nil { // a deletion
			continue
		}
		kinds[strings.Join(strings.SplitN(op.Item.Partition, "/", 3)[:2], "/")+" "+op.Item.Sort[:1]] = true
		if left := op.Item.Expires.Sub(w.clock.Now()); left <= 0 || left > Keep {
			t.Errorf("%s %s expires in %s", op.Item.Partition, op.Item.Sort, left)
		}
	}
	if len(kinds) < 6 { // records, what else is part of a flow, three lists, links
		t.Errorf("%v is all that was written", kinds)
	}
}

// keeper notes what is written.
type keeper struct {
	store.Store
	ops []store.Op
}

func (k *keeper) Write(ctx context.Context, ops ...store.Op) error {
	k.ops = append(k.ops, ops...)
	return k.Store.Write(ctx, ops...)
}
