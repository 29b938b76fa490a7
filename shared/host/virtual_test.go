package host_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/host"
)

func TestVirtualClock(t *testing.T) {
	real := time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)
	c := host.NewVirtualClock(func() time.Time { return real })
	for _, step := range []struct {
		to, want time.Duration
		err      error
	}{
		{0, 0, nil},
		{10 * time.Minute, 10 * time.Minute, nil},
		{time.Minute, 10 * time.Minute, nil}, // never back
		{-time.Second, 10 * time.Minute, host.ErrTooFar},
		{host.MaxAhead, host.MaxAhead, nil},
		{host.MaxAhead + 1, host.MaxAhead, host.ErrTooFar},
	} {
		if err := c.MoveTo(step.to); !errors.Is(err, step.err) {
			t.Errorf("to %s: %v", step.to, err)
		}
		if got := c.Now().Sub(real); got != step.want || c.Ahead() != step.want {
			t.Errorf("to %s: it is %s ahead, want %s", step.to, got, step.want)
		}
	}
}
