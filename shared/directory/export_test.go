package directory

import (
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

var hashes atomic.Int64

func init() {
	argon2id = func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		hashes.Add(1)
		return argon2.IDKey(password, salt, time, memory, threads, keyLen)
	}
}

// Hashes is how many hashes of passwords were made.
func Hashes() int64 { return hashes.Load() }
