package learn

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/learn/course"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// coursePartitions are the course's own: how far each person is, and where the clock is.
var coursePartitions = []string{"learn/"}

const (
	progressPartition = "learn/progress/" // + user id
	progressSort      = "course"

	clinicServer = "mcp://vetassist"

	flowsJudged  = 40                     // the latest flows of a person that are looked at
	eventsJudged = 200                    // and events of the audit log,
	pagesJudged  = 12                     // for which so many of its pages are looked through
	judgedFor    = 500 * time.Millisecond // a judgement is good for this long: many windows of one person cost as one
)

// courseRoutes are the pages of the course and its API.
func (s *server) courseRoutes(mux *http.ServeMux) {
	mux.Handle("GET /learn", http.RedirectHandler("/learn/", http.StatusPermanentRedirect))
	mux.HandleFunc("GET /learn/{$}", s.looked(s.coursePage))
	mux.HandleFunc("GET /learn/{lesson}", s.looked(s.lessonPage))
	mux.HandleFunc("GET /learn/board", s.looked(s.boardPage))
	mux.HandleFunc("GET /learn/api/checks", s.looked(s.listChecks))
	mux.HandleFunc("GET /learn/api/board", s.board)
	if s.Clock != nil {
		mux.Handle("POST /learn/clock", s.sameOrigin.Handler(http.MaxBytesHandler(http.HandlerFunc(s.moveClock), maxClockForm)))
	}
}

// progress is the record of how far a person is. What was passed is kept: what proved it lives for a day only.
type progress struct {
	Passed map[string]course.Pass `json:"passed"`
}

// judged remembers judgements for a moment.
type judged struct {
	mu  sync.Mutex
	all map[trace.Viewer]judgement
}

type judgement struct {
	at     time.Time // by the real clock
	passed map[string]course.Pass
}

// maxJudged bounds what is remembered.
const maxJudged = 1000

// passed is what somebody has passed by now. In the course an administrator is a person like others.
func (s *server) passed(ctx context.Context, v trace.Viewer) (map[string]course.Pass, error) {
	v.All = false
	s.judged.mu.Lock()
	if j, ok := s.judged.all[v]; ok && time.Since(j.at) < judgedFor {
		s.judged.mu.Unlock()
		return j.passed, nil
	}
	s.judged.mu.Unlock()
	passed, err := s.judge(ctx, v, nil)
	if err != nil {
		return nil, err
	}
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	if s.judged.all == nil || len(s.judged.all) >= maxJudged {
		s.judged.all = map[trace.Viewer]judgement{}
	}
	s.judged.all[v] = judgement{time.Now(), passed}
	return passed, nil
}

// judge looks at what happened, and keeps what was passed, if it is known who did it. events may be given, else they are read.
func (s *server) judge(ctx context.Context, v trace.Viewer, events *[]audit.Event) (map[string]course.Pass, error) {
	var before store.Record[progress]
	var err error
	if v.User != "" {
		before, err = store.Read[progress](ctx, s.Store, progressPartition+v.User, progressSort)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if len(before.Value.Passed) >= countChecks() {
			return before.Value.Passed, nil
		}
	}
	seen, err := s.gather(ctx, v, events)
	if err != nil {
		return nil, err
	}
	passed := course.Judge(seen, before.Value.Passed)
	if v.User == "" || len(passed) == len(before.Value.Passed) {
		return passed, nil
	}
	condition := store.IfVersion(before.Version)
	if before.Version == 0 {
		condition = store.IfAbsent()
	}
	err = s.Store.Write(ctx, store.Put(store.Encode(progressPartition+v.User, progressSort, progress{passed}, time.Time{}), condition))
	if errors.Is(err, store.ErrConflict) { // another window wrote: the next look will see both
		err = nil
	}
	return passed, err
}

func countChecks() (n int) {
	for _, l := range course.Lessons {
		n += len(l.Checks)
	}
	return n
}

// gather reads all that a check may look at.
func (s *server) gather(ctx context.Context, v trace.Viewer, events *[]audit.Event) (*course.Seen, error) {
	seen := &course.Seen{Base: s.BaseURL, User: v.User, Now: s.Now()}
	flows, _, err := s.Flows.Flows(ctx, v, "", flowsJudged)
	if err != nil {
		return nil, err
	}
	for _, flow := range flows {
		records, err := s.Flows.Flow(ctx, flow, v)
		if errors.Is(err, trace.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen.Records = append(seen.Records, records...)
	}
	slices.SortStableFunc(seen.Records, func(a, b trace.Record) int { return a.Begin.Compare(b.Begin) })
	if events == nil && v.User != "" {
		of, err := s.eventsOf(ctx, audit.Query{UserID: v.User, Since: seen.Now.Add(-trace.Keep), Limit: eventsJudged})
		if err != nil {
			return nil, err
		}
		events = &of
	}
	if events != nil {
		seen.Events = slices.Clone(*events)
	}
	slices.Reverse(seen.Events) // in the order of time
	return seen, s.policy(ctx, seen)
}

// eventsOf are the newest that fit a query, as many as it says: its pages are looked through for them, in a large class not all.
func (s *server) eventsOf(ctx context.Context, q audit.Query) (events []audit.Event, err error) {
	for range pagesJudged {
		page, err := s.Audit.List(ctx, q)
		if err != nil {
			return nil, err
		}
		events = append(events, page.Events...)
		if q.Cursor = page.Next; q.Cursor == "" || len(events) >= eventsJudged {
			break
		}
	}
	return events[:min(len(events), eventsJudged)], nil
}

// policy reads how things are set up now.
func (s *server) policy(ctx context.Context, seen *course.Seen) error {
	server, err := s.Directory.Server(ctx, clinicServer)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return err
	}
	seen.Server = course.Server{Name: server.Name, URL: server.URL}
	document, err := token.Published(ctx, s.Store)
	if err != nil {
		return err
	}
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return err
	}
	for _, k := range set.Keys {
		seen.Keys = append(seen.Keys, k.Kid)
	}
	return nil
}

func (s *server) failJSON(w http.ResponseWriter, r *http.Request, err error) {
	web.LogFailure(r, s.Log, err)
	status := web.FailureStatus(err)
	problem(w, status, web.Sorry(r.Context(), status))
}
