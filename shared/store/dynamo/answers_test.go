package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
)

// reply is what a DynamoDB that follows a script says to one request, after DynamoDB's own protocol. In a body, {nonce} is
// the nonce that the request wrote.
type reply struct {
	status int
	body   string
	sum    string // X-Amz-Crc32; empty: none is sent
}

var (
	fine      = reply{status: 200, body: `{}`}
	throttled = reply{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput for the table was exceeded."}`}
	limited   = reply{status: 400, body: `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}`}
	ongoing   = reply{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionInProgressException","Message":"The transaction with the given request token is already in progress."}`}
	inTheWay  = reply{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"Transaction is ongoing for the item"}`}
	broken    = reply{status: 500, body: `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}`}
	away      = reply{status: 503, body: `<html>Service Unavailable</html>`}
	garbled   = reply{status: 200, body: `{"Item":`}
	gone      = reply{} // the connection ends instead
	unmet     = reply{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}`}
	ours      = reply{status: 400, body: strings.Replace(unmet.body, `{`, `{"Item":{"pk":{"S":"p"},"nonce":{"S":"{nonce}"}},`, 1)}
	theirs    = reply{status: 400, body: strings.Replace(unmet.body, `{`, `{"Item":{"pk":{"S":"p"},"nonce":{"S":"another"}},`, 1)}
)

// cancelled is a transaction that failed for these reasons.
func cancelled(codes ...string) reply {
	reasons := make([]map[string]string, len(codes))
	for i, c := range codes {
		reasons[i] = map[string]string{"Code": c}
	}
	body, _ := json.Marshal(map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"Message": "Transaction cancelled, please refer cancellation reasons for specific reasons", "CancellationReasons": reasons})
	return reply{status: 400, body: string(body)}
}

func refused(kind string) reply {
	return reply{status: 400, body: `{"__type":"com.amazon.coral.service#` + kind + `","message":"no"}`}
}

// script is a server that says its replies in turn, the last one for ever, and keeps what it was asked.
type script struct {
	*httptest.Server
	mu       sync.Mutex
	replies  []reply
	requests []request
}

type request struct {
	operation, authorization, session string
	body                              struct {
		ClientRequestToken        string
		ConsistentRead            bool
		ExclusiveStartKey         map[string]map[string]string
		ExpressionAttributeValues map[string]map[string]string
	}
}

func newScript(t *testing.T, replies ...reply) *script {
	s := &script{replies: replies}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// seen is what was asked so far. A client that gave up may have been answered after that.
func (s *script) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	q := request{operation: operation, authorization: r.Header.Get("Authorization"), session: r.Header.Get("X-Amz-Security-Token")}
	if err := json.NewDecoder(r.Body).Decode(&q.body); err != nil {
		panic(http.ErrAbortHandler)
	}
	s.requests = append(s.requests, q)
	say := s.replies[min(len(s.requests), len(s.replies))-1]
	if say.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if say.sum != "" {
		w.Header().Set("X-Amz-Crc32", say.sum)
	}
	w.WriteHeader(say.status)
	_, _ = io.WriteString(w, strings.ReplaceAll(say.body, "{nonce}", q.body.ExpressionAttributeValues[":nonce"]["S"]))
}

// impatient opens a table there that waits for an answer for a quarter of a second, and for all of them for one.
func impatient(t *testing.T, endpoint string) *dynamo.DB {
	t.Helper()
	db, err := dynamo.OpenImpatient(dynamo.Options{Table: "vets", Endpoint: endpoint}, time.Now, time.Second/4, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func put(sort string, c store.Condition) store.Op {
	return store.Put(store.Item{Partition: "p", Sort: sort, Body: []byte(`{}`)}, c)
}

// What becomes of a write, by what DynamoDB says to it.
func TestWriteAnswers(t *testing.T) {
	single := []store.Op{put("a", store.IfVersion(3))}
	two := []store.Op{put("a", store.IfAbsent()), store.Check("p", "b", store.IfPresent())}
	for name, c := range map[string]struct {
		ops      []store.Op
		replies  []reply
		want     error // nil, store.ErrBusy, or store.ErrConflict
		index    int   // of the conflict
		attempts int   // 0: as many as there was time for
	}{
		"throttled":                  {single, []reply{throttled, limited, inTheWay, fine}, nil, 0, 4},
		"broken and away":            {single, []reply{broken, away, gone, garbled, fine}, nil, 0, 5},
		"garbled on the way":         {single, []reply{{200, `{}`, "1"}, {200, `{}`, "2745614147"}}, nil, 0, 2},
		"unmet":                      {single, []reply{unmet}, store.ErrConflict, 0, 1},
		"unmet by another's":         {single, []reply{theirs}, store.ErrConflict, 0, 1},
		"unmet after throttling":     {single, []reply{throttled, limited, theirs}, store.ErrConflict, 0, 3},
		"unmet by a lost write":      {single, []reply{gone, ours}, nil, 0, 2},
		"unmet by a broken write":    {single, []reply{broken, throttled, ours}, nil, 0, 3},
		"unmet by whom?":             {single, []reply{gone, theirs}, store.ErrBusy, 0, 2},
		"unmet after a broken write": {single, []reply{broken, theirs}, store.ErrBusy, 0, 2},
		"unmet by nobody any more":   {single, []reply{garbled, unmet}, store.ErrBusy, 0, 2},
		"throttled for ever":         {single, []reply{throttled}, store.ErrBusy, 0, 0},
		"gone for ever":              {single, []reply{gone}, store.ErrBusy, 0, 0},
		"transaction":                {two, []reply{throttled, broken, gone, ongoing, fine}, nil, 0, 5},
		"transaction crossed":        {two, []reply{cancelled("None", "TransactionConflict"), cancelled("ThrottlingError", "None"), fine}, nil, 0, 3},
		"transaction unmet":          {two, []reply{cancelled("None", "ConditionalCheckFailed")}, store.ErrConflict, 1, 1},
		"transaction crossed, unmet": {two, []reply{cancelled("TransactionConflict", "ConditionalCheckFailed")}, store.ErrConflict, 1, 1},
		"transaction always crossed": {two, []reply{cancelled("TransactionConflict", "None")}, store.ErrBusy, 0, 0},
		"delete":                     {[]store.Op{store.Delete("p", "a", store.IfPresent())}, []reply{gone, fine}, nil, 0, 2},
		"unconditional put":          {[]store.Op{put("a", store.Always())}, []reply{gone, fine}, nil, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newScript(t, c.replies...)
			err := impatient(t, server.URL).Write(t.Context(), c.ops...)
			var conflict *store.ConflictError
			if c.want == nil && err != nil || !errors.Is(err, c.want) || errors.As(err, &conflict) && conflict.Index != c.index {
				t.Errorf("got %v, want %v in operation %d", err, c.want, c.index)
			}
			if errors.Is(err, store.ErrBusy) && errors.Is(err, store.ErrConflict) {
				t.Errorf("%v is both", err)
			}
			if n := len(server.seen()); c.attempts > 0 && n != c.attempts || c.attempts == 0 && n < 3 {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			for _, r := range server.seen() {
				first := server.seen()[0]
				if r.body.ClientRequestToken != first.body.ClientRequestToken || (r.body.ClientRequestToken != "") != (r.operation == "TransactWriteItems") ||
					r.body.ExpressionAttributeValues[":nonce"]["S"] != first.body.ExpressionAttributeValues[":nonce"]["S"] {
					t.Errorf("attempts differ: %+v and %+v", first, r)
				}
			}
		})
	}
}

// Every read sees what was written before it. DynamoDB Local cannot tell.
func TestConsistentReads(t *testing.T) {
	server := newScript(t, fine)
	db := impatient(t, server.URL)
	_, got := db.Get(t.Context(), "p", "a")
	_, list := db.List(t.Context(), store.Query{Partition: "p"})
	check := db.Write(t.Context(), store.Check("p", "a", store.IfAbsent()))
	if !errors.Is(got, store.ErrNotFound) || list != nil || check != nil || len(server.seen()) != 3 {
		t.Fatalf("%v, %v, %v after %d requests", got, list, check, len(server.seen()))
	}
	for _, r := range server.seen() {
		if !r.body.ConsistentRead {
			t.Errorf("%s may see what is old", r.operation)
		}
	}
}

// A page behind very many expired items ends short, and the next one goes on where it ended.
func TestShortPage(t *testing.T) {
	server := newScript(t, reply{status: 200, body: `{"Items":[],"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"k/9"}}}`})
	db := impatient(t, server.URL)
	page, err := db.List(t.Context(), store.Query{Partition: "p", Prefix: "k/"})
	if err != nil || len(page.Items) != 0 || page.Next == "" || len(server.seen()) < 2 {
		t.Fatalf("%+v, %v after %d requests", page, err, len(server.seen()))
	}
	first := len(server.seen())
	if _, err := db.List(t.Context(), store.Query{Partition: "p", Prefix: "k/", Cursor: page.Next}); err != nil {
		t.Fatal(err)
	}
	if from := server.seen()[first].body.ExclusiveStartKey; from["pk"]["S"] != "p" || from["sk"]["S"] != "k/9" {
		t.Errorf("it goes on after %v", from)
	}
}

// What no attempt can help is told in words that say what to do, and never as busy.
func TestRefusals(t *testing.T) {
	for kind, want := range map[string]string{
		"ResourceNotFoundException":   `no DynamoDB table "vets" in http`,
		"AccessDeniedException":       `does not let this process do that with the DynamoDB table "vets"`,
		"UnrecognizedClientException": "AWS_ACCESS_KEY_ID",
		"ExpiredTokenException":       "expired",
		"ValidationException":         "ValidationException",
	} {
		server := newScript(t, refused(kind))
		db := impatient(t, server.URL)
		_, got := db.Get(t.Context(), "p", "a")
		_, list := db.List(t.Context(), store.Query{Partition: "p"})
		for verb, err := range map[string]error{"get": got, "list": list, "put": db.Write(t.Context(), put("a", store.IfAbsent())), "transaction": db.Write(t.Context(), put("a", store.Always()))} {
			if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s, %s: %v", kind, verb, err)
			}
		}
		if len(server.seen()) != 4 {
			t.Errorf("%s: %d attempts for four verbs", kind, len(server.seen()))
		}
	}
}

// A server that says nothing, and none at all: busy, within the time there is.
func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, url := range map[string]string{"silent": "http://" + silent.Addr().String(), "closed": closed.URL} {
		db := impatient(t, url)
		began := time.Now()
		_, err := db.Get(t.Context(), "p", "a")
		if took := time.Since(began); !errors.Is(err, store.ErrBusy) || took > 10*time.Second {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := db.Write(ctx, put("a", store.Always())); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrBusy) {
			t.Errorf("%s, and the caller does not wait: %v", name, err)
		}
		cancel()
	}
}

// A table that refuses every other request for a long time is asked again each time: only retries that do not help are counted.
func TestRetriesThatHelp(t *testing.T) {
	var replies []reply
	for range 150 {
		replies = append(replies, throttled, fine)
	}
	db := impatient(t, newScript(t, replies...).URL)
	for n := range 150 {
		if err := db.Write(t.Context(), put("a", store.Always())); err != nil {
			t.Fatalf("write %d: %v", n+1, err)
		}
	}
}

// However long the caller would wait, what is refused every time is asked ten times, and not more.
func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	server := newScript(t, throttled)
	db, err := dynamo.OpenImpatient(dynamo.Options{Table: "vets", Endpoint: server.URL}, time.Now, time.Minute, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(t.Context(), "p", "a"); !errors.Is(err, store.ErrBusy) || len(server.seen()) != 10 {
		t.Errorf("%v after %d attempts", err, len(server.seen()))
	}
}

// A container that was frozen comes back to connections that are dead.
func TestDeadConnections(t *testing.T) {
	server := newScript(t, fine)
	db := impatient(t, server.URL)
	for range 3 {
		if err := db.Write(t.Context(), put("a", store.IfAbsent())); err != nil {
			t.Error(err)
		}
		server.CloseClientConnections()
	}
}

// Lambda's credentials are in the environment, and are read when they are used.
func TestCredentials(t *testing.T) {
	server := newScript(t, fine)
	db := impatient(t, server.URL)
	for _, c := range []struct{ id, secret, session, want string }{
		{"", "", "", "Credential=local/"}, // DynamoDB Local needs none
		{"AKIDONE", "secret", "first", "Credential=AKIDONE/"},
		{"AKIDTWO", "secret", "second", "Credential=AKIDTWO/"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", c.id)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
		t.Setenv("AWS_SESSION_TOKEN", c.session)
		if _, err := db.Get(t.Context(), "p", "a"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if last := server.seen()[len(server.seen())-1]; !strings.Contains(last.authorization, c.want) || last.session != c.session {
			t.Errorf("signed %q, session %q", last.authorization, last.session)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	amazon, err := dynamo.Open(dynamo.Options{Table: "vets", Region: "eu-central-1"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := amazon.Get(t.Context(), "p", "a"); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") || errors.Is(err, store.ErrBusy) {
		t.Errorf("without credentials: %v", err)
	}
}

// The address of each kind of region that has one of its own.
func TestEndpoint(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1":  "https://dynamodb.eu-central-1.amazonaws.com",
		"us-gov-west-1": "https://dynamodb.us-gov-west-1.amazonaws.com",
		"cn-north-1":    "https://dynamodb.cn-north-1.amazonaws.com.cn",
	} {
		if got := dynamo.Endpoint(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

func TestOpenWants(t *testing.T) {
	for want, o := range map[string]dynamo.Options{
		"VETASSIST_TABLE": {Region: "eu-central-1"},
		"AWS_REGION":      {Table: "vets"},
	} {
		if _, err := dynamo.Open(o, time.Now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
