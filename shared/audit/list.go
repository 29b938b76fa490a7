package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Bounds on a page, and on what one call reads for it.
const (
	DefaultLimit = 50
	MaxLimit     = 500
	readLimit    = 250  // events that one read asks of a shard, when most of them may not fit the query
	maxReads     = 64   // more than the shards of a day, so that every page gets further
	maxRead      = 1500 // events, beyond a first page of each shard; and so few that a page never takes long
	maxDays      = 200  // more than Retention has
	maxCursor    = 8 << 10
)

// ErrInvalid says that a query is not one: its limit, or a cursor that no page gave.
var ErrInvalid = errors.New("audit: invalid query")

// Query selects events. A field that is empty selects all.
type Query struct {
	UserID   string
	ClientID string
	Name     Name
	Outcome  Outcome
	Since    time.Time // from this time on
	Until    time.Time // before this time
	Limit    int       // of a page, at most MaxLimit; 0: DefaultLimit
	Cursor   string    // Page.Next of the page before, with the same query
}

// Page is an answer to a Query, newest first. What one call reads is bounded: a page may hold fewer events than the limit,
// even none, and still have a Next. Next is empty on the last page.
//
// To follow the log, ask again with Since a few seconds before the newest event seen, and drop ids seen before: an event
// that is written together with a change can come to light a moment after its time.
type Page struct {
	Events []Event
	Next   string
}

func (q Query) fits(e Event) bool {
	return (q.UserID == "" || q.UserID == e.UserID) && (q.ClientID == "" || q.ClientID == e.ClientID) &&
		(q.Name == "" || q.Name == e.Name) && (q.Outcome == "" || q.Outcome == e.Outcome)
}

func (q Query) filtered() bool {
	return q.UserID != "" || q.ClientID != "" || q.Name != "" || q.Outcome != ""
}

// List returns a page. The error may be ErrInvalid.
func (l *Log) List(ctx context.Context, q Query) (Page, error) {
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return Page{}, fmt.Errorf("%w: a page has 1 to %d events", ErrInvalid, MaxLimit)
	}
	w, err := l.walk(ctx, q)
	if err != nil {
		return Page{}, err
	}
	var page Page
	for {
		e, err := w.next(ctx)
		switch {
		case errors.Is(err, errEnd):
			return page, nil
		case errors.Is(err, errEnough):
			page.Next = w.at.encode()
			return page, nil
		case errors.Is(err, store.ErrInvalid): // cursors are all that a caller writes of our reads
			return Page{}, fmt.Errorf("%w: this cursor came from no page", ErrInvalid)
		case err != nil:
			return Page{}, fmt.Errorf("audit: %w", err)
		}
		if !q.fits(e) {
			continue
		}
		if page.Events = append(page.Events, e); len(page.Events) == q.Limit {
			page.Next = w.at.encode()
			return page, nil
		}
	}
}

// All returns every event of a query, newest first, page after page; Limit is how many are read at once. It ends with the
// first error.
func (l *Log) All(ctx context.Context, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if q.Limit == 0 {
			q.Limit = MaxLimit
		}
		for {
			page, err := l.List(ctx, q)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// Export is a part of the events of a query as JSON lines, newest first, from q.Cursor on; q.Limit is how many are read at once. A
// part is finished when it has maxExport bytes or took maxExportPages pages, however little fits the query. next is the cursor of
// the part that follows, empty after the last.
func (l *Log) Export(ctx context.Context, q Query) (part []byte, next string, err error) {
	if q.Limit == 0 {
		q.Limit = MaxLimit
	}
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for range maxExportPages {
		page, err := l.List(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, e := range page.Events {
			if err := lines.Encode(e); err != nil {
				return nil, "", err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" || out.Len() >= maxExport {
			break
		}
	}
	return out.Bytes(), q.Cursor, nil
}

// What Lambda can answer with has 6 MB; a page has some 4 KB an event at most.
const (
	maxExport      = 2 << 20
	maxExportPages = 20
)

var (
	errEnd    = errors.New("no more events")
	errEnough = errors.New("enough was read for one page")
)

// position is how far a walk has come: all events from Before on are behind it. It is the cursor of a page.
type position struct {
	Day    string          `json:"d"`
	Before string          `json:"b"` // an event's id
	Shards [shards]reading `json:"s"`
}

// reading is how far a shard of the day has been read. The page at Cursor may begin with events that are behind already:
// the store's cursors are between pages, and the walk stops anywhere.
type reading struct {
	Cursor string `json:"c,omitempty"`
	Done   bool   `json:"x,omitempty"`
}

func (p position) encode() string {
	b, _ := json.Marshal(p) // of texts
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodePosition(cursor string) (p position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err == nil {
		_, err = time.Parse(dayFormat, p.Day)
	}
	if err != nil || len(cursor) > maxCursor {
		return position{}, fmt.Errorf("%w: this cursor came from no page", ErrInvalid)
	}
	return p, nil
}

// walk merges the shards of a day, then of the day before that has events, down to the oldest.
type walk struct {
	log      *Log
	at       position
	oldest   string   // the id of the oldest event would not be less
	days     []string // that are left, newest first
	pageSize int
	parts    [][]byte // of JSON, that an event must hold to fit the query
	reads    int      // so far,
	read     int      // and events
	shards   [shards]buffer
}

// buffer is what of a shard's page is not behind yet.
type buffer struct {
	items []store.Item
	next  string // the store's cursor after them
	last  bool   // nothing comes after them
}

func (l *Log) walk(ctx context.Context, q Query) (*walk, error) {
	now := l.now().UTC()
	oldest, until := now.Add(-Retention), now
	if q.Since.After(oldest) {
		oldest = q.Since.UTC()
	}
	w := &walk{log: l, oldest: oldest.Format(timeFormat), pageSize: q.Limit}
	if q.filtered() || !q.Until.IsZero() { // much of what is read may be passed over
		w.pageSize = readLimit
	}
	for _, s := range []string{q.UserID, q.ClientID, string(q.Name), string(q.Outcome)} {
		if s != "" {
			part, _ := json.Marshal(s) // as in the event
			w.parts = append(w.parts, part)
		}
	}
	w.at.Before = "~" // after all ids
	if !q.Until.IsZero() && q.Until.Before(now) {
		until = q.Until.UTC()
		w.at.Before = until.Format(timeFormat)
	}
	w.at.Day = until.Format(dayFormat)
	if q.Cursor != "" {
		p, err := decodePosition(q.Cursor)
		if err != nil {
			return nil, err
		}
		if p.Day > w.at.Day {
			return nil, fmt.Errorf("%w: this cursor came from another query", ErrInvalid)
		}
		w.at = p
	}
	page, err := l.store.List(ctx, store.Query{Partition: daysPartition, Descending: true, Limit: maxDays})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	for _, item := range page.Items {
		if item.Sort < w.at.Day && item.Sort >= w.oldest[:len(dayFormat)] {
			w.days = append(w.days, item.Sort)
		}
	}
	return w, nil
}

// next is the next event, or errEnd, or errEnough when the position has to go into a cursor first.
func (w *walk) next(ctx context.Context) (Event, error) {
	for {
		newest := -1
		for i := range w.shards {
			if err := w.fillShard(ctx, i); err != nil {
				return Event{}, err
			}
			if items := w.shards[i].items; len(items) > 0 && (newest < 0 || items[0].Sort > w.shards[newest].items[0].Sort) {
				newest = i
			}
		}
		if newest < 0 {
			if !w.dayBefore() {
				return Event{}, errEnd
			}
			continue
		}
		item := w.shards[newest].items[0]
		if item.Sort < w.oldest {
			return Event{}, errEnd
		}
		w.shards[newest].items = w.shards[newest].items[1:]
		w.at.Before = item.Sort
		if !w.mayFit(item.Body) {
			continue
		}
		var e Event
		if err := json.Unmarshal(item.Body, &e); err != nil {
			return Event{}, fmt.Errorf("event %s: %w", item.Sort, err)
		}
		return e, nil
	}
}

// mayFit is whether the JSON of an event holds all that the query asks for, wherever it does. To decode most of a log only to pass it over would
// take ten times as long.
func (w *walk) mayFit(body []byte) bool {
	for _, part := range w.parts {
		if !bytes.Contains(body, part) {
			return false
		}
	}
	return true
}

// fillShard reads on in a shard until it has an event in hand, or the shard has no more.
func (w *walk) fillShard(ctx context.Context, i int) error {
	b, at := &w.shards[i], &w.at.Shards[i]
	for len(b.items) == 0 && !at.Done {
		if b.last {
			*at = reading{Done: true}
			return nil
		}
		if w.reads == maxReads || w.reads > shards && w.read >= maxRead {
			return errEnough
		}
		w.reads++
		if b.next != "" {
			at.Cursor = b.next
		}
		page, err := w.log.store.List(ctx, store.Query{Partition: partition(w.at.Day, i), Descending: true, Limit: w.pageSize, Cursor: at.Cursor})
		if err != nil {
			return err
		}
		items := page.Items
		w.read += len(items)
		for len(items) > 0 && items[0].Sort >= w.at.Before {
			items = items[1:]
		}
		*b = buffer{items, page.Next, page.Next == ""}
	}
	return nil
}

// dayBefore goes on with the last day before that has events, unless all of that is too old.
func (w *walk) dayBefore() bool {
	if len(w.days) == 0 {
		return false
	}
	w.at.Day, w.days = w.days[0], w.days[1:]
	w.at.Shards, w.shards = [shards]reading{}, [shards]buffer{}
	return true
}
