package skipping

import "testing"

func TestSkip(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
}
