package host_test

import (
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/host"
)

// Equal compares the moments, == the monotonic readings too: a Clock has none, so two hours apart are two hours however long the
// process stood still in between.
func TestClock(t *testing.T) {
	before := time.Now()
	now := host.Clock()
	if now != now.Round(0) {
		t.Errorf("%s has a monotonic reading", now)
	}
	if now.Before(before.Round(0)) || now.After(time.Now().Round(0)) {
		t.Errorf("%s is not now", now)
	}
}
