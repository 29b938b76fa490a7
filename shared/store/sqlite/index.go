package sqlite

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// state is the header of the write-ahead log's index: it is another one after each commit, of whichever process
// (https://sqlite.org/walformat.html#the_wal_index_header). It stands in the file twice, so that a half written one is known.
type state [48]byte

// changes counts commits, one by one.
func (s *state) changes() uint32 { return binary.NativeEndian.Uint32(s[8:]) }

// pages is how many there are in the log.
func (s *state) pages() int { return int(binary.NativeEndian.Uint32(s[16:])) }

func (s *state) next() state {
	n := *s
	binary.NativeEndian.PutUint32(n[8:], s.changes()+1)
	return n
}

// index is the log's index as a file, beside SQLite. A database in memory has none, and nobody else who could write to it.
type index struct {
	file  *os.File
	users int
}

// indexes are those that this process has open. Closing one file twice opened would end SQLite's own locks on it (fcntl(2)), so each is opened
// once, and closed after the last connection: while opening is locked, nobody makes a new one.
var indexes struct {
	opening sync.RWMutex // held by who opens connections and their index, and locked by who closes an index
	sync.Mutex
	all []*index
}

var errNoIndex = errors.New("there is no index of a write-ahead log that can be looked at")

// openIndex comes after the connections, which have made the file and keep it.
func openIndex(path string) (*index, error) {
	if !canLook {
		return nil, errNoIndex
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	indexes.Lock()
	defer indexes.Unlock()
	info, err := os.Stat(path + "-shm")
	if err != nil {
		return nil, err
	}
	for _, x := range indexes.all {
		if has, err := x.file.Stat(); err == nil && os.SameFile(info, has) {
			x.users++
			return x, nil
		}
	}
	file, err := os.Open(path + "-shm")
	if err != nil {
		return nil, err
	}
	x := &index{file, 1}
	indexes.all = append(indexes.all, x)
	return x, nil
}

func (x *index) close() error {
	indexes.opening.Lock()
	defer indexes.opening.Unlock()
	indexes.Lock()
	defer indexes.Unlock()
	if x.users--; x.users > 0 {
		return nil
	}
	for i, other := range indexes.all {
		if other == x {
			indexes.all = append(indexes.all[:i], indexes.all[i+1:]...)
			break
		}
	}
	return x.file.Close()
}
