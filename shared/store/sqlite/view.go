package sqlite

import (
	"os"
	"sync"
	"sync/atomic"
)

// view is the log's index in memory, which shows what is written to it at once. It must be closed before the connections of its database are: SQLite
// cuts the file when it opens one that nobody has open, and to look at what was cut off would end the process.
type view struct {
	mu    sync.RWMutex
	shown []byte // nil: it is closed
	gone  func([]byte) error
}

func (x *index) view() (*view, error) {
	if info, err := x.file.Stat(); err != nil || info.Size() < int64(os.Getpagesize()) {
		return nil, errNoIndex
	}
	shown, err := look(x.file)
	return &view{shown: shown, gone: unlook}, err
}

// read tells the state, or not ok: it is being written just now, or closed.
func (v *view) read() (s state, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.shown == nil {
		return s, false
	}
	var again state
	copy(s[:], v.shown)
	var barrier atomic.Bool // who writes writes the second first
	barrier.Swap(true)
	copy(again[:], v.shown[len(s):])
	const isInit = 12 // whether all is filled in
	return s, s == again && s[isInit] != 0
}

func (v *view) close() error {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	shown := v.shown
	if v.shown = nil; shown == nil {
		return nil
	}
	return v.gone(shown)
}
