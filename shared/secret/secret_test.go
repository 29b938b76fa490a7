package secret_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), ":memory:", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Processes that make a key at once end up with one.
func TestKeyIsOne(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	keys := make([][]byte, 8)
	for i := range keys {
		all.Go(func() {
			key, err := secret.At(s, rand.Reader, "test/a").Bytes(t.Context())
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	all.Wait()
	for _, key := range keys {
		if len(key) < 32 || !bytes.Equal(key, keys[0]) {
			t.Errorf("%q, %q", key, keys[0])
		}
	}
	other, err := secret.At(s, rand.Reader, "test/b").Bytes(t.Context())
	if err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("another purpose has the same key, %v", err)
	}
}

func TestKeyIsRemembered(t *testing.T) {
	s := open(t)
	key := secret.At(s, rand.Reader, "test/a")
	first, err := key.Bytes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), store.Delete("test/a", "key", store.Always())); err != nil {
		t.Fatal(err)
	}
	if again, err := key.Bytes(t.Context()); err != nil || !bytes.Equal(again, first) {
		t.Errorf("%q, %v", again, err)
	}
}

func TestNoRandomness(t *testing.T) {
	if key, err := secret.At(open(t), bytes.NewReader(nil), "test/a").Bytes(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", key, err)
	}
}
