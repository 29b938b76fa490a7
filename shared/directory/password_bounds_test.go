package directory_test

import (
	"strings"
	"testing"
)

// TestPasswordBounds: length counts, and nothing else does: no rule about which characters there must be (NIST SP 800-63B §5.1.1.2).
func TestPasswordBounds(t *testing.T) {
	w := newWorld(t, false)
	for _, password := range []string{"", "xkqvjzw"} {
		wantField(t, password, w.SetPassword(t.Context(), "user-bob", password), "password")
	}
	for _, password := range []string{"xkqvjzwp", "    xkqv   ", "ждут нас завтра", strings.Repeat("xk", 32)} {
		if err := w.SetPassword(t.Context(), "user-bob", password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}
