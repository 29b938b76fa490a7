package admin_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator" // what we say against what we answer

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/secrettest"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// Ids that a server has in addresses.
const (
	vetassist = "bWNwOi8vdmV0YXNzaXN0"    // mcp://vetassist
	adminAPI  = "YWRtaW46Ly92ZXRhc3Npc3Q" // admin://vetassist
)

// world is administration over the demo's people, its clock and its store.
type world struct {
	t         testing.TB
	url       string
	clock     *storetest.Clock
	store     *spy
	directory *directory.Directory
	access    *access.Registry
	keys      *token.Keyring
	log       *record
	admin     string // a token that may do everything
}

// seeding is what brings the demo into a store, by the tests' clock.
var seeding = storetest.Seeding(storetest.NewClock().Now, func(s store.Store) error {
	ctx, now := context.Background(), storetest.NewClock().Now
	return errors.Join(directory.New(s, "http://localhost:8080", true, now).Seed(ctx, seed.Files), clinic.Seed(ctx, s, seed.Files, now()),
		token.NewKeyring("http://localhost:8080", s, now, rand.Reader).Ensure(ctx))
})

func newWorld(t testing.TB, edit ...func(*admin.Config)) *world {
	t.Helper()
	clock := storetest.NewClock()
	return openWorld(t, clock, storetest.OpenSeeded(t, clock.Now, seeding), edit...)
}

// openWorld is a world over a seeded store.
func openWorld(t testing.TB, clock *storetest.Clock, db store.Store, edit ...func(*admin.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clock, log: &record{}}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.store = &spy{Store: store.Restrict(db, admin.Partitions...)}
	w.directory = directory.New(w.store, w.url, true, w.clock.Now)
	w.access = access.New(w.store, w.clock.Now)
	w.keys = token.NewKeyring(w.url, w.store, w.clock.Now, rand.Reader)
	log := slog.New(slog.NewTextHandler(secrettest.Log(w.log), nil))
	config := admin.Config{BaseURL: w.url, Store: w.store, Directory: w.directory, Keys: w.keys, Seed: seed.Files,
		Verifier: token.NewVerifier(w.url, admin.Audience, token.StoredKeys(w.store, w.clock.Now), w.clock.Now),
		Now:      w.clock.Now, Rand: rand.Reader, Log: log}
	for _, e := range edit {
		e(&config)
	}
	inner, err := admin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	handler = secrettest.Watch(web.Observe(log, inner))
	for _, user := range []string{"user-admin", "user-carol"} { // they have allowed the console what it asks for
		_, ops, err := w.directory.Allow(t.Context(), user, "vetassist-console", directory.AdminServer, []string{"admin:read", "admin:write"})
		if err == nil {
			err = w.store.Write(t.Context(), ops...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.admin = w.token("user-admin", "admin:read admin:write")
	w.store.writes() // those do not count
	return w
}

// record keeps what is logged.
type record struct {
	mu  sync.Mutex
	all strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

// spy notes which partitions are written, the audit log's apart.
type spy struct {
	store.Store
	mu      sync.Mutex
	written []string
}

func (s *spy) Write(ctx context.Context, ops ...store.Op) error {
	s.mu.Lock()
	for _, op := range ops {
		if !strings.HasPrefix(op.Item.Partition, audit.Partitions[0]) && op.Kind != store.OpCheck {
			s.written = append(s.written, op.Item.Partition+" "+op.Item.Sort)
		}
	}
	s.mu.Unlock()
	return s.Store.Write(ctx, ops...)
}

// writes are the writes since the last call.
func (s *spy) writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.written
	s.written = nil
	return out
}

// mint makes a token as the authorization server does.
func (w *world) mint(g token.Grant) string {
	w.t.Helper()
	if g.ID == "" {
		g.ID = rand.Text()
	}
	raw, _, err := w.keys.Mint(w.t.Context(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// token is a user's token for the admin API, with the roles that the user has.
func (w *world) token(user, scope string) string {
	w.t.Helper()
	u, err := w.directory.User(w.t.Context(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.mint(token.Grant{Subject: user, ClientID: "vetassist-console", Audience: admin.Audience, Scopes: strings.Fields(scope), Roles: u.Roles})
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem is an error as it went over the wire.
type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Location, Message string }
	Uses                []struct{ Kind, ID, Name string }
	More                bool
}

func (a answer) problem(t testing.TB) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" || p.Status != a.status ||
		p.Title == "" || p.Detail == "" || p.Type == "" {
		t.Errorf("%d is no problem document: %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return p
}

// locations are the fields that a problem blames.
func (p problem) locations() string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Location)
	}
	return strings.Join(all, " ")
}

// call makes a request of the API as the administrator. headers are name and value in turn; an Authorization of "-" is none.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(method, path, body, headers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// try is call for goroutines.
func (w *world) try(method, path, body string, headers ...string) (answer, error) {
	r, a, err := w.send(method, path, body, headers...)
	if err != nil {
		return a, err
	}
	return a, w.promised(r, a)
}

func (w *world) send(method, path, body string, headers ...string) (*http.Request, answer, error) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+"/admin/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return nil, answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+w.admin)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "-" {
			r.Header.Del(headers[i])
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return r, answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return r, answer{resp.StatusCode, resp.Header, b}, err
}

// promised holds an answer to the OpenAPI document: every answer that any test gets goes through it.
func (w *world) promised(r *http.Request, a answer) error {
	v, err := described()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if ok, errs := v.ValidateHttpResponse(r, &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(string(a.body)))}); !ok {
		for _, e := range errs {
			if e.IsPathMissingError() || e.IsOperationMissingError() { // no address of ours
				return nil
			}
			err = errors.Join(err, errors.New(e.Error()))
			for _, s := range e.SchemaValidationErrors {
				err = errors.Join(err, errors.New(s.Reason+" at "+s.FieldPath))
			}
		}
		return errors.Join(errors.New(r.Method+" "+r.URL.Path+" answered against the OpenAPI document: "+string(a.body)), err)
	}
	return nil
}

type locked struct {
	mu sync.Mutex
	validator.Validator
}

// document is openapi.json as a stranger gets it.
var document = sync.OnceValues(func() ([]byte, error) {
	db, err := sqlite.Open(context.Background(), ":memory:", storetest.NewClock().Now)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	const base = "http://localhost:8080"
	now := storetest.NewClock().Now
	handler, err := admin.New(admin.Config{BaseURL: base, Store: db, Directory: directory.New(db, base, true, now), Keys: token.NewKeyring(base, db, now, rand.Reader),
		Verifier: token.NewVerifier(base, admin.Audience, token.StoredKeys(db, now), now), Seed: seed.Files, Now: now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequest("GET", "/admin/api/v1/openapi.json", nil))
	return rec.Body.Bytes(), nil
})

var described = sync.OnceValues(func() (*locked, error) {
	body, err := document()
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(body)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	return &locked{Validator: v}, errors.Join(errs...)
})

// want fails unless the answer has the status.
func (a answer) want(t testing.TB, what string, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: %d, want %d: %s", what, a.status, status, a.body)
	}
	return a
}

// as decodes an answer.
func as[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%d: %v in %s", a.status, err, a.body)
	}
	return v
}

// tag is the ETag of what is at a path.
func (w *world) tag(path string) string {
	w.t.Helper()
	a := w.call("GET", path, "").want(w.t, "reading "+path, http.StatusOK)
	if a.header.Get("ETag") == "" || as[struct{ ETag string }](w.t, a).ETag != a.header.Get("ETag") {
		w.t.Errorf("%s has the ETag %q, and says %s", path, a.header.Get("ETag"), a.body)
	}
	return a.header.Get("ETag")
}

// events are what the audit log says of administration, oldest first.
func (w *world) events() []audit.Event {
	w.t.Helper()
	var all []audit.Event
	for e, err := range audit.New(w.store, w.clock.Now, rand.Reader, slog.New(slog.DiscardHandler)).All(w.t.Context(), audit.Query{Name: audit.Administration}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append([]audit.Event{e}, all...)
	}
	return all
}
