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
	if _, err := verifyPassword(t.Context(), decoyHash, "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("with a full queue: %v", err)
	}
	for range cap(queue) {
		<-queue
	}
	if ok, err := verifyPassword(t.Context(), decoyHash, "x"); ok || err != nil {
		t.Errorf("with room again: %v, %v", ok, err)
	}
}
