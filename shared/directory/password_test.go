package directory

import (
	"errors"
	"testing"
)

// TestTooManyLoginsAtOnce fills the queue by hand: the next password is not checked, and the one after the queue
// has room again is.
func TestTooManyLoginsAtOnce(t *testing.T) {
	for range cap(queue) {
		queue <- struct{}{}
	}
	if _, err := turn(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("with a full queue: %v", err)
	}
	for range cap(queue) {
		<-queue
	}
	done, err := turn(t.Context())
	if err != nil {
		t.Fatalf("with room again: %v", err)
	}
	done()
	if len(queue) != 0 || len(hashing) != 0 {
		t.Errorf("%d wait and %d hash, when nobody does", len(queue), len(hashing))
	}
}
