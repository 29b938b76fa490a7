package host

import (
	"errors"
	"sync/atomic"
	"time"
)

// MaxAhead is how far a VirtualClock goes before the real one.
const MaxAhead = 400 * 24 * time.Hour

// ErrTooFar says that a VirtualClock would go further than MaxAhead, or back.
var ErrTooFar = errors.New("host: the clock goes forward only, and by 400 days at most")

// VirtualClock is a clock that can be moved forward, so that what takes ten minutes or a month can be seen now. It never goes back: what has
// ended must stay so. It is for somebody's own machine; package learn moves it and keeps where it is.
type VirtualClock struct {
	real  func() time.Time
	ahead atomic.Int64
}

// NewVirtualClock goes with a real clock until it is moved.
func NewVirtualClock(real func() time.Time) *VirtualClock { return &VirtualClock{real: real} }

// Now is the time by this clock.
func (c *VirtualClock) Now() time.Time { return c.real().Add(c.Ahead()) }

// Ahead is how far it is before the real one.
func (c *VirtualClock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// MoveTo puts it so far before the real one. Where it is further already, it stays: of two who move it at once both get their time.
func (c *VirtualClock) MoveTo(ahead time.Duration) error {
	if ahead < 0 || ahead > MaxAhead {
		return ErrTooFar
	}
	for {
		was := c.ahead.Load()
		if int64(ahead) <= was || c.ahead.CompareAndSwap(was, int64(ahead)) {
			return nil
		}
	}
}
