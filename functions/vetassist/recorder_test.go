//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/trace"
)

// The flight recorder around the whole: what it costs each request of the story, and that a person's flow is one across all parties.

// counter counts for each request, by the id of its record, what it asks of the store: the recorder, and all else.
type counter struct {
	store.Store
	mu   sync.Mutex
	sum  map[string]*asked
	fail func(context.Context) error // of the recorder's writes; nil: they succeed
	key  asked                       // for the recorder's key, which a process reads once, and the first of all makes
}

const recorderKey = "trace/key"

type asked struct{ reads, writes, recorderReads, recorderWrites int }

func (c *counter) of(ctx context.Context) *asked {
	if c.sum == nil { // it is being filled
		return &asked{}
	}
	_, id, _ := strings.Cut(strings.TrimPrefix(trace.Parent(ctx), "00-"), "-")
	if c.sum[id] == nil {
		c.sum[id] = &asked{}
	}
	return c.sum[id]
}

func (c *counter) read(ctx context.Context, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch a := c.of(ctx); {
	case partition == recorderKey:
		c.key.recorderReads++
	case strings.HasPrefix(partition, trace.Partitions[0]):
		a.recorderReads++
	default:
		a.reads++
	}
}

func (c *counter) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	c.read(ctx, partition)
	return c.Store.Get(ctx, partition, sort)
}

func (c *counter) List(ctx context.Context, q store.Query) (store.Page, error) {
	c.read(ctx, q.Partition)
	return c.Store.List(ctx, q)
}

func (c *counter) Write(ctx context.Context, ops ...store.Op) error {
	c.mu.Lock()
	a, recorders := c.of(ctx), strings.HasPrefix(ops[0].Item.Partition, trace.Partitions[0])
	switch {
	case ops[0].Item.Partition == recorderKey:
		c.key.recorderWrites++
	case recorders:
		a.recorderWrites++
	default:
		a.writes++
	}
	c.mu.Unlock()
	if recorders && c.fail != nil {
		if err := c.fail(ctx); err != nil {
			return err
		}
	}
	return c.Store.Write(ctx, ops...)
}

// inLambda is a world whose recorder writes before the answer, as in AWS Lambda.
func inLambda(t *testing.T, recorder string) (*world, *counter) {
	t.Helper()
	c := &counter{Store: storetest.Open(t, newClock().Now)}
	w := lambdaOver(t, recorder, c)
	c.sum = map[string]*asked{}
	return w, c
}

func lambdaOver(t *testing.T, recorder string, db store.Store) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), log: &record{}, Server: &Server{}}
	front := httptest.NewUnstartedServer(nil)
	base := "http://" + strings.Replace(front.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	o := Options{Config: config.Config{BaseURL: base, Lambda: true, SAMLocal: true, Recorder: recorder}, Now: w.clock.Now, Open: always(db),
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	o.setDefaults()
	if err := errors.Join(storetest.Replay(t.Context(), db, seeding), o.Check(), w.Server.open(t.Context(), &o)); err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = w.inside.handler
	front.Start()
	t.Cleanup(front.Close)
	return w
}

// lambdaStory is what is counted.
func lambdaStory(w *world) {
	w.t.Helper()
	bob := w.person()
	bob.open("/")
	bob.connect("When is Fido's next vaccination?", "bob")
	bob.ask("Which pets do I have?")
	a := bob.ask("Book an appointment for Fido next Tuesday at 10")
	bob.open(a.AuthorizeURL)
	bob.submit("decision", url.Values{"decision": {"approve"}})
	tokens := w.tokensFor("bob", "pet-profile:read")
	w.callTool(tokens.Access, "list_pets", "{}")
	w.callTool(tokens.Access, "list_pets", "{}")
	tokens = w.refresh(tokens.Refresh)
	w.post("/oauth/revoke", url.Values{"client_id": {"vet-assist-ai"}, "token": {tokens.Refresh}})
}

// Off, a request costs nothing more. On, it costs one write, before its answer; a request of ours that carries its flow reads nothing, a
// stranger's what there is to find its flow by.
func TestRecorderWrites(t *testing.T) {
	off, without := inLambda(t, config.RecorderOff)
	lambdaStory(off)
	for id, a := range without.sum {
		if a.recorderReads+a.recorderWrites > 0 {
			t.Errorf("request %s, without the recorder: %+v", id, *a)
		}
	}
	on, with := inLambda(t, config.RecorderOn)
	lambdaStory(on)
	parties := func(c *counter) (sum asked) {
		for _, a := range c.sum {
			sum.reads, sum.writes = sum.reads+a.reads, sum.writes+a.writes
		}
		return sum
	}
	if a, b := parties(without), parties(with); a != b {
		t.Errorf("the parties themselves ask the store for %+v without the recorder, and for %+v with it", a, b)
	}

	recorded := map[string]trace.Record{}
	for _, flow := range allFlows(t, with.Store, on.clock.Now) {
		for _, rec := range flow {
			recorded[rec.ID+"-01"] = rec
		}
	}
	var carried, others int
	for id, a := range with.sum {
		rec, ok := recorded[id]
		what := fmt.Sprintf("%s %s of %s", rec.Request.Method, rec.Request.URL, rec.From)
		switch {
		case !ok && a.recorderWrites > 0:
			t.Errorf("request %s was recorded, and is in no flow", id)
		case !ok:
		case a.recorderWrites != 1:
			t.Errorf("%s: %d writes of the recorder", what, a.recorderWrites)
		case rec.Parent != "":
			if carried++; a.recorderReads > 0 {
				t.Errorf("%s: %d reads of the recorder", what, a.recorderReads)
			}
		default:
			if others++; a.recorderReads > 4 {
				t.Errorf("%s: %d reads of the recorder", what, a.recorderReads)
			}
		}
	}
	if want := (asked{recorderReads: 2, recorderWrites: 1}); with.key != want {
		t.Errorf("the recorder's key was asked for %+v, want %+v", with.key, want)
	}
	if carried < 15 || others < 10 || carried+others != len(recorded) {
		t.Errorf("%d requests carried their flow, %d did not, %d were recorded", carried, others, len(recorded))
	}
}

// TestReadmeRecorderCosts: a chat is the first five steps of the README's table, and with the recorder it costs so much more.
func TestReadmeRecorderCosts(t *testing.T) {
	m := &meter{Store: storetest.Open(t, newClock().Now), sum: map[string]load{}}
	w := lambdaOver(t, config.RecorderOn, m)
	w.person().connect("Which pets do I have?", "alice") // so that it has its keys, and has seen the tools
	units := 0
	for partition, l := range m.of(func() {
		bob := w.person()
		bob.open("/")
		bob.connect("When is Fido's next vaccination?", "bob")
		bob.ask("When is Fido's next vaccination?")
		a := bob.ask("Book an appointment for Fido next Tuesday at 10")
		bob.open(a.AuthorizeURL)
		bob.submit("decision", url.Values{"decision": {"approve"}})
	}) {
		if strings.HasPrefix(partition, trace.Partitions[0]) {
			units += l.writeUnits
		}
	}
	says := regexp.MustCompile(`about (\d+)\s+write\s+units\s+more\s+a\s+chat,\s+which\s+is\s+(\d+)\s+cents\s+for\s+a\s+thousand`).FindStringSubmatch(readmeText(t))
	if says == nil {
		t.Fatalf("the README does not say what the recorder costs; it is %d write units a chat", units)
	}
	if got := number(t, says[1]); math.Abs(got-float64(units)) > 0.25*float64(units) { // it depends on how long the answers are
		t.Errorf("a chat costs %d write units more, and the README says about %s", units, says[1])
	}
	if cents := math.Round(number(t, says[1]) * 1000 * 0.625 / 1e6 * 100); number(t, says[2]) != cents {
		t.Errorf("that is %.0f cents, and the README says %s", cents, says[2])
	}
}

// allFlows is everything that was recorded.
func allFlows(t *testing.T, db store.Store, now func() time.Time) map[string][]trace.Record {
	t.Helper()
	reader, everything, all := trace.NewReader(db, now), trace.Viewer{All: true}, map[string][]trace.Record{}
	ids, _, err := reader.Flows(t.Context(), everything, "", 500)
	for _, id := range ids {
		flow, err2 := reader.Flow(t.Context(), id, everything)
		err = errors.Join(err, err2)
		all[id] = flow
	}
	if err != nil || len(all) == 0 {
		t.Fatalf("%d flows, %v", len(all), err)
	}
	return all
}

// A recorder that cannot write is told in the log, and in no answer: the story goes on as if it were off.
func TestRecorderFails(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"it fails": func(context.Context) error { return store.ErrBusy },
		"it hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			w, c := inLambda(t, config.RecorderOn)
			c.fail = fail
			bob := w.person()
			if p := bob.connect("When is Fido's next vaccination?", "bob"); !strings.Contains(p.text, "Rabies") {
				t.Errorf("no answer: %s", p.text)
			}
			if !strings.Contains(w.log.String(), "flight recorder: not written") {
				t.Error("the log does not say it")
			}
		})
	}
}

// oneFlow: Bob asks, connects and gets his answer, and all of it, at every party, is one flow. He sees it, a stranger does not.
func oneFlow(w *world, db store.Store, now func() time.Time) {
	t := w.t
	t.Helper()
	before := slices.Collect(maps.Keys(allFlows(t, db, now)))
	bob := w.person()
	if p := bob.connect("When is Fido's next vaccination?", "bob"); !strings.Contains(p.text, "Rabies") {
		t.Fatalf("no answer: %s", p.text)
	}
	var connect []trace.Record
	var id string
	for flow, records := range allFlows(t, db, now) {
		if !slices.Contains(before, flow) {
			if id != "" {
				t.Errorf("it is more than one flow: %s and %s", id, flow)
			}
			id, connect = flow, records
		}
	}
	met := map[string]bool{}
	var seen []string
	for _, rec := range connect {
		path, _, _ := strings.Cut(rec.Request.URL, "?")
		step := fmt.Sprintf("%s to %s: %s %s", rec.From, rec.To, rec.Request.Method, path)
		seen = append(seen, step)
		met[step] = true
	}
	for _, step := range []string{"browser to app: POST /chat", "app to mcp: POST /mcp", "browser to oauth: GET /oauth/authorize", "browser to oauth: POST /oauth/login",
		"browser to oauth: POST /oauth/consent", "browser to app: GET /callback", "app to oauth: POST /oauth/token"} {
		if !met[step] {
			t.Errorf("%s is missing:\n%s", step, strings.Join(seen, "\n"))
		}
	}
	if i, j := slices.Index(seen, "browser to app: POST /chat"), slices.Index(seen, "browser to app: GET /callback"); i != 0 || j < i {
		t.Errorf("the order is\n%s", strings.Join(seen, "\n"))
	}
	carol := w.person()
	carol.open("/oauth/login")
	carol.login("carol")
	for who, c := range map[string]struct {
		p    *person
		sees bool
	}{"Bob": {bob, true}, "Carol": {carol, false}, "a stranger": {w.person(), false}} {
		if got := c.p.open("/flow/api/flows/" + id).status; got != map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[c.sees] {
			t.Errorf("%s asks for Bob's flow, and is answered with %d", who, got)
		}
		var list struct{ Flows []struct{ ID string } }
		if err := json.Unmarshal([]byte(c.p.open("/flow/api/flows").raw), &list); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if got := slices.ContainsFunc(list.Flows, func(f struct{ ID string }) bool { return f.ID == id }); got != c.sees {
			t.Errorf("%s finds it in the list: %v", who, got)
		}
	}
}

func TestRecorderOneFlow(t *testing.T) {
	w, c := inLambda(t, config.RecorderOn)
	w.person().connect("Which pets do I have?", "alice")
	oneFlow(w, c.Store, w.clock.Now)
}

// TestDynamoDBRecorder: the functions as deployed, with the recorder. They share no memory, so each finds out from the table to which
// flow a request belongs.
func TestDynamoDBRecorder(t *testing.T) {
	c := newCloud(t, storetest.Endpoint(t), config.RecorderOn)
	if len(c.functions) != len(lambdas) {
		t.Errorf("%d functions", len(c.functions))
	}
	db, _, err := onTable(c.table)(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("one flow", func(t *testing.T) {
		w := c.in(t)
		w.person().connect("Which pets do I have?", "carol")
		oneFlow(w, db, time.Now)
	})
	t.Run("story", func(t *testing.T) { tellAt(c.in(t)) })
}
