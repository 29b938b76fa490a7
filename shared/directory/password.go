package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2" // the hash that OWASP's Password Storage Cheat Sheet names first

	"github.com/vetassist/vetassist/shared/store"
)

// Argon2id at OWASP's settings: 19 MiB, two passes, one lane. About 20 ms.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// hashing bounds how many hashes run at once, and with that the memory they take; queue bounds how many more may wait: a class of a hundred who
// log in at the same instant, who are all in after a second or two.
var (
	hashing = make(chan struct{}, max(2, runtime.NumCPU()))
	queue   = make(chan struct{}, cap(hashing)+128)
)

// ErrBusy says that too many passwords are being checked already; trying again in a moment helps.
var ErrBusy = fmt.Errorf("directory: too many logins at once: %w", store.ErrBusy)

// decoyHash is verified when there is no such user: the same work, and no password fits it.
var decoyHash = encodePHC(make([]byte, argonSalt), make([]byte, argonKey))

// turn waits until a password may be hashed; done says that it has been. The error is ErrBusy, or the context's.
func turn(ctx context.Context) (done func(), err error) {
	select {
	case queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case hashing <- struct{}{}:
		return func() { <-hashing; <-queue }, nil
	case <-ctx.Done():
		<-queue
		return nil, ctx.Err()
	}
}

// argon2id is argon2.IDKey, but in a test that counts.
var argon2id = argon2.IDKey

func derive(password string, salt []byte) []byte {
	return argon2id([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
}

func hashPassword(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("directory: a password has 1 to %d bytes", maxPassword)
	}
	done, err := turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return newHash(password), nil
}

// newHash is for who has a turn.
func newHash(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails (documentation of crypto/rand)
	return encodePHC(salt, derive(password, salt))
}

// verifyPassword reports whether the password made the hash. It always does the work of one hash, and is for who has a turn.
func verifyPassword(hash, password string) (bool, error) {
	salt, want, err := decodePHC(hash)
	if err != nil {
		return false, err
	}
	long := len(password) > maxPassword
	if long {
		password = ""
	}
	got := derive(password, salt)
	return !long && subtle.ConstantTimeCompare(got, want) == 1, nil
}

var phcPrefix = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonLanes)

func encodePHC(salt, key []byte) string {
	return phcPrefix + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

func decodePHC(hash string) (salt, key []byte, err error) {
	rest, ok := strings.CutPrefix(hash, phcPrefix)
	s, k, ok2 := strings.Cut(rest, "$")
	if !ok || !ok2 {
		return nil, nil, fmt.Errorf("directory: a password hash is not argon2id with today's settings")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(s); err != nil {
		return nil, nil, err
	}
	key, err = base64.RawStdEncoding.DecodeString(k)
	return salt, key, err
}
