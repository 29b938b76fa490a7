package learn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	clockPartition = "learn/clock"
	clockSort      = "ahead"
	maxClockForm   = 4 << 10
)

// ahead is the record of how far the clock is before the real one, so that a restart does not turn it back.
type ahead struct {
	Ahead time.Duration `json:"ahead"`
}

// RestoreClock moves a clock to where it was before a restart.
func RestoreClock(ctx context.Context, s store.Store, c *host.VirtualClock) error {
	r, err := store.Read[ahead](ctx, s, clockPartition, clockSort)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = c.MoveTo(r.Value.Ahead)
	}
	if err != nil {
		return fmt.Errorf("the clock of the course: %w", err)
	}
	return nil
}

// moveClock moves the clock forward, for everybody here.
func (s *server) moveClock(w http.ResponseWriter, r *http.Request) {
	by, err := forward(r.FormValue("forward"))
	if err == nil {
		err = s.forward(r.Context(), by)
	}
	switch {
	case errors.Is(err, host.ErrTooFar), errors.Is(err, errNoTime):
		e := web.ErrorPage{Title: "The clock stays where it is", Message: "It can be moved forward, by a second to a year: 10m, 1h or 1d. It never goes more than 400 days ahead of the real time, and never back.",
			Next: "To have the real time again, start with another database.", Link: "/learn/", Label: "Back to the course"}
		if err := s.pages.RenderError(w, http.StatusBadRequest, e); err != nil {
			web.Fail(w, r, s.Log, err)
		}
	case err != nil:
		web.Fail(w, r, s.Log, err)
	default:
		http.Redirect(w, r, back(r.FormValue("back")), http.StatusSeeOther)
	}
}

// back is a page of the course. Only the path of an address is followed, so it leads to nobody else.
func back(to string) string {
	if u, err := url.Parse(to); err == nil && strings.HasPrefix(u.Path, "/learn/") {
		return u.EscapedPath()
	}
	return "/learn/"
}

var errNoTime = errors.New("learn: no span of time")

// forward reads a span of time: 10m, 1h, 601s, or days as 1d.
func forward(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		if err != nil || d <= 0 || d > host.MaxAhead/24 {
			return 0, errNoTime
		}
		return 24 * d, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > host.MaxAhead {
		return 0, errNoTime
	}
	return d, nil
}

// forward writes where the clock will be before it moves it: after a crash in between it is late to be there, never back.
func (s *server) forward(ctx context.Context, by time.Duration) error {
	for range 5 {
		before, err := store.Read[ahead](ctx, s.Store, clockPartition, clockSort)
		condition := store.IfVersion(before.Version)
		if errors.Is(err, store.ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return err
		}
		to := before.Value.Ahead + by
		if to > host.MaxAhead {
			return host.ErrTooFar
		}
		err = s.Store.Write(ctx, store.Put(store.Encode(clockPartition, clockSort, ahead{to}, time.Time{}), condition))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		return s.Clock.MoveTo(to)
	}
	return store.ErrBusy
}
