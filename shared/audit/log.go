package audit

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds which events are remembered
	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// Partitions are the partition prefixes of the log.
var Partitions = []string{"audit/"}

// Retention is how long an event is kept.
const Retention = 90 * 24 * time.Hour

const (
	shards       = 4               // of a day
	writeTimeout = 5 * time.Second // of one event that is written beside an answer
	randomBytes  = 9               // at the end of an event's id

	// Refusals that name no user cost a stranger nothing, so a flood of them must not fill the disk: beyond this rate they
	// are counted, and the next one that is written says how many were left out.
	strangersPerSecond = 1
	strangersBurst     = 300

	// Nor may somebody who is known fill it, with the same refusal about the same user again and again, or by fetching the same token,
	// or asking for what it is refused, without end. A program that does that for every call is seen each second.
	sameBurst        = 100
	sameRefusalEvery = time.Minute
	sameTokenEvery   = time.Second
	kinds            = 4096 // of such events that are remembered
)

// timeFormat has a fixed width, so that ids sort by time.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

const dayFormat = time.DateOnly

// daysPartition lists the days that have events, by one item each.
var daysPartition = Partitions[0] + "days"

// Log writes and lists events. It is safe for use by many at once.
type Log struct {
	store store.Store
	now   func() time.Time
	rand  io.Reader
	log   *slog.Logger

	mu        sync.Mutex
	last      time.Time // of the event before
	listed    string    // the day that this process has listed last
	shard     int       // that this process writes to,
	since     int64     // in this second
	strangers *allowance
	alike     *lru.Cache[string, *allowance] // by kind of event
}

// allowance bounds how many events of a kind are written.
type allowance struct {
	*rate.Limiter
	leftOut int // that were not, since the last that was
}

func newAllowance(perSecond rate.Limit, burst int) *allowance {
	return &allowance{Limiter: rate.NewLimiter(perSecond, burst)}
}

// New opens the log in s. random is crypto/rand's Reader, but in tests. What cannot be written goes to log.
func New(s store.Store, now func() time.Time, random io.Reader, log *slog.Logger) *Log {
	alike, err := lru.New[string, *allowance](kinds)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Log{store: s, now: now, rand: random, log: log, strangers: newAllowance(strangersPerSecond, strangersBurst), alike: alike}
}

// Record writes an event. It never fails, and goes on when the request is cut short: what cannot be written is logged
// as an error, event and all.
func (l *Log) Record(ctx context.Context, e Event) {
	e, ok := l.admit(ctx, e)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	op, err := l.Op(ctx, e)
	if err == nil {
		err = l.store.Write(ctx, op)
	}
	if err != nil {
		e = l.fill(ctx, e)
		l.log.ErrorContext(ctx, "audit event not written", "err", err, "event", e.Name, "outcome", e.Outcome, "user", e.UserID,
			"client", e.ClientID, "from", e.From, "id", e.RequestID, "details", e.Details)
	}
}

// Op is the operation that writes an event, for a Write together with the change that it tells of. The first of a day
// writes that the day has events.
func (l *Log) Op(ctx context.Context, e Event) (store.Op, error) {
	random := make([]byte, randomBytes)
	if _, err := io.ReadFull(l.rand, random); err != nil {
		return store.Op{}, fmt.Errorf("audit: %w", err)
	}
	e = l.fill(ctx, e)
	e.Time = l.tick()
	request := e.RequestID
	if request == "" {
		request = "-"
	}
	e.ID = e.Time.Format(timeFormat) + "/" + request[:min(len(request), 32)] + "/" + base64.RawURLEncoding.EncodeToString(random)
	if err := l.listDay(ctx, e.Time); err != nil {
		return store.Op{}, fmt.Errorf("audit: %w", err)
	}
	item := store.Encode(partition(e.Time.Format(dayFormat), l.shardIn(e.Time, random[0])), e.ID, e, e.Time.Add(Retention))
	return store.Put(item, store.IfAbsent()), nil // nobody else has this key; with this condition it is cheaper alone, see package dynamo
}

// shardIn is where this process writes in a second: those of many processes are spread over all, as DynamoDB needs it, and those of one are side by
// side, on one page of a file.
func (l *Log) shardIn(t time.Time, random byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := t.Unix(); l.since != second {
		l.since, l.shard = second, int(random)%shards
	}
	return l.shard
}

// listDay makes sure that the event's day is listed, before the event is there: once a day in each process.
func (l *Log) listDay(ctx context.Context, t time.Time) error {
	day := t.Format(dayFormat)
	l.mu.Lock()
	done := l.listed == day
	l.mu.Unlock()
	if done {
		return nil
	}
	item := store.Encode(daysPartition, day, struct{}{}, t.Add(Retention+24*time.Hour)) // after the last event of the day
	if err := l.store.Write(ctx, store.Put(item, store.Always())); err != nil {
		return err
	}
	l.mu.Lock()
	l.listed = day
	l.mu.Unlock()
	return nil
}

// fill adds what the request's context knows.
func (l *Log) fill(ctx context.Context, e Event) Event {
	e.From, e.RequestID = web.ClientAddress(ctx), web.RequestID(ctx)
	return e.bounded()
}

// tick is the time of the next event. Events of one process are never at the same time, so that they list in the order in
// which they happened; that a clock that stands still or is set back a little is run ahead of for this shows nowhere.
func (l *Log) tick() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now().UTC()
	if ahead := l.last.Sub(now); ahead >= 0 && ahead < time.Millisecond {
		now = l.last.Add(1)
	}
	l.last = now
	return now
}

// admit decides whether an event is written, or counted only, until the next of its kind that is written.
func (l *Log) admit(ctx context.Context, e Event) (Event, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, what := l.allowanceOf(ctx, e)
	if a == nil {
		return e, true
	}
	if !a.AllowN(l.now(), 1) {
		if a.leftOut++; a.leftOut == 1 {
			l.log.Warn("audit: many " + what + "; from here on some are only counted")
		}
		return e, false
	}
	if a.leftOut > 0 {
		details := map[string]string{"left_out_before": strconv.Itoa(a.leftOut)}
		for name, value := range e.Details {
			details[name] = value
		}
		e.Details, a.leftOut = details, 0
	}
	return e, true
}

// allowanceOf is what bounds an event, and what it is about in words; nil: it is always written. The caller holds mu. A login that is refused
// is always written, but for one with a passkey and one that is unchecked: it has cost a password's hash, and whether it is written must not
// tell whether the name exists.
func (l *Log) allowanceOf(ctx context.Context, e Event) (a *allowance, what string) {
	switch {
	case e.Outcome != Refused && e.Name != Token && e.Name != Refresh:
		return nil, ""
	case e.Outcome != Refused: // who has stolen what the client proves itself with, and comes from elsewhere, does not hide behind it
		kind := []string{string(e.Name), e.UserID, e.ClientID, web.ClientNetwork(ctx)}
		for _, name := range slices.Sorted(maps.Keys(e.Details)) {
			kind = append(kind, name, e.Details[name])
		}
		return l.same(sameTokenEvery, kind...), "of the same token for " + e.ClientID
	case e.Proven:
		return l.same(sameTokenEvery, string(e.Name), e.UserID, e.ClientID, web.ClientNetwork(ctx), e.Details["error"], e.Details["action"]),
			"refusals of the same kind, of " + cmp.Or(e.ClientID, e.UserID)
	case e.Name == Login && e.Details["method"] == "" && e.Details["error"] != Unchecked:
		return nil, ""
	case e.UserID != "":
		return l.same(sameRefusalEvery, string(e.Name), e.UserID, e.ClientID, e.Details["error"]), "refusals of the same kind about " + e.UserID
	}
	return l.strangers, "refusals of strangers"
}

// same is the allowance of what is of one kind: nothing that is of another one hides behind it.
func (l *Log) same(every time.Duration, kind ...string) *allowance {
	key := strings.Join(kind, "\t")
	a, found := l.alike.Get(key)
	if !found {
		a = newAllowance(rate.Every(every), sameBurst)
		l.alike.Add(key, a)
	}
	return a
}

func partition(day string, shard int) string {
	return Partitions[0] + day + "/" + strconv.Itoa(shard)
}
