// Package faulty is a bad network with an overloaded DynamoDB at its end: an HTTP proxy that tests put in front of a good
// one. What goes wrong is drawn from a seed, or said by the test.
package faulty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what goes wrong with a request.
type Fault int

// The faults.
const (
	None        Fault = iota
	Throttled         // refused: too much at once
	Crossed           // refused: a transaction of somebody else's is in the way
	InProgress        // refused: this very transaction is being carried out
	Broken            // 500, nothing happened
	Lost              // the request never arrives
	BrokenAfter       // carried out, then 500
	AnswerLost        // carried out, then the connection is reset
	AnswerCut         // carried out, the answer breaks off
	Slow              // carried out, a little later
	Late              // carried out a while after its sender has given up; no Seeded plan has it
	faults
)

func (f Fault) String() string {
	return [...]string{"none", "throttled", "crossed", "in progress", "broken", "lost", "broken after", "answer lost", "answer cut", "slow", "late"}[f]
}

// Plan says what goes wrong with a request for an operation, such as "UpdateItem". It is called for one at a time.
type Plan func(operation string) Fault

// Seeded is a plan by which a share of all requests, 0 to 1, meets with a fault; each kind is as likely.
func Seeded(seed uint64, share float64) Plan {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(string) Fault {
		if r.Float64() >= share {
			return None
		}
		return 1 + Fault(r.IntN(int(Late)-1))
	}
}

// Proxy is a running proxy.
type Proxy struct {
	URL   string
	Close func() // waits for what is late; the test's cleanup calls it too

	mu     sync.Mutex
	plan   Plan
	counts [faults]int

	target string
	client http.Client
}

// New starts a proxy in front of a DynamoDB, which ends with the test.
func New(t testing.TB, target string, plan Plan) *Proxy {
	t.Helper()
	p := &Proxy{plan: plan, target: target, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	server := httptest.NewServer(p)
	p.URL, p.Close = server.URL, sync.OnceFunc(func() { server.Close(); p.client.CloseIdleConnections() })
	t.Cleanup(p.Close)
	return p
}

// Follow changes the plan.
func (p *Proxy) Follow(plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = plan
}

// Missing lists the faults of a Seeded plan that have not happened: a test that should survive them all looks whether it did.
func (p *Proxy) Missing() (missing []Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f := None + 1; f < Late; f++ {
		if p.counts[f] == 0 {
			missing = append(missing, f)
		}
	}
	return missing
}

// next draws what happens. Reads and single writes have no transaction to be in progress.
func (p *Proxy) next(operation string) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.plan(operation)
	switch {
	case f == InProgress && operation != "TransactWriteItems", f == Crossed && (operation == "GetItem" || operation == "Query"):
		f = Throttled
	}
	p.counts[f]++
	return f
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		reset(w)
		return
	}
	f := p.next(operation)
	switch f {
	case Throttled:
		refuse(w, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", nil)
		return
	case Crossed:
		crossed(w, operation, body)
		return
	case InProgress:
		refuse(w, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#TransactionInProgressException", nil)
		return
	case Broken:
		refuse(w, http.StatusInternalServerError, "com.amazonaws.dynamodb.v20120810#InternalServerError", nil)
		return
	case Lost:
		reset(w)
		return
	case Slow:
		time.Sleep(50 * time.Millisecond)
	case Late:
		<-r.Context().Done()
		time.Sleep(300 * time.Millisecond)
	}
	answer, err := p.forward(r, body)
	if err != nil {
		reset(w)
		return
	}
	switch f {
	case BrokenAfter:
		refuse(w, http.StatusInternalServerError, "com.amazonaws.dynamodb.v20120810#InternalServerError", nil)
		return
	case AnswerLost:
		reset(w)
		return
	}
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(answer.body)))
	w.WriteHeader(answer.status)
	if f == AnswerCut {
		_, _ = w.Write(answer.body[:len(answer.body)/2])
		reset(w)
		return
	}
	_, _ = w.Write(answer.body)
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward carries a request out, also when its sender has gone meanwhile.
func (p *Proxy) forward(r *http.Request, body []byte) (answer, error) {
	out, err := http.NewRequest(r.Method, p.target+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	out.Header = r.Header.Clone()
	resp, err := p.client.Do(out)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, got}, err
}

// crossed is how DynamoDB says that another transaction is in the way: to a single write, and to a transaction.
func crossed(w http.ResponseWriter, operation string, body []byte) {
	if operation != "TransactWriteItems" {
		refuse(w, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#TransactionConflictException", nil)
		return
	}
	var in struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		reset(w)
		return
	}
	reasons := make([]map[string]string, len(in.TransactItems))
	for i := range reasons {
		reasons[i] = map[string]string{"Code": "None"}
	}
	reasons[len(reasons)-1] = map[string]string{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
	refuse(w, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", reasons)
}

func refuse(w http.ResponseWriter, status int, kind string, reasons []map[string]string) {
	body := map[string]any{"__type": kind, "message": "a fault on purpose"}
	if reasons != nil {
		body["CancellationReasons"] = reasons
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// reset ends the connection as a network does that loses it: at once, without a word.
func reset(w http.ResponseWriter) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_ = buf.Flush() // what was written of the answer arrives
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	conn.Close()
}
