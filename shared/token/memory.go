package token

import (
	"crypto/sha256"
	"sync"
)

// memorySize bounds each half of a memory; a remembered token takes about a kilobyte.
const memorySize = 4096

type remembered struct {
	claims Claims
	kid    string
}

// memory remembers verified tokens by their hash. It has a young and an old half: when the young one is full it
// becomes the old one, and what was old and unused is forgotten. So it is bounded and needs no clock.
type memory struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]remembered
}

func newMemory() *memory { return &memory{young: map[[sha256.Size]byte]remembered{}} }

func (m *memory) get(hash [sha256.Size]byte) (remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.young[hash]; ok {
		return r, true
	}
	r, ok := m.old[hash]
	if ok {
		m.keep(hash, r)
	}
	return r, ok
}

func (m *memory) put(hash [sha256.Size]byte, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(hash, r)
}

func (m *memory) keep(hash [sha256.Size]byte, r remembered) {
	if len(m.young) >= memorySize {
		m.young, m.old = map[[sha256.Size]byte]remembered{}, m.young
	}
	m.young[hash] = r
}
