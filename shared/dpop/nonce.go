package dpop

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// nonceTurn is how long one nonce is handed out. It is good for as long again, so a client that takes the nonce of each answer for
// its next proof always has one that is good.
const nonceTurn = 2 * time.Minute

// Nonce is what the next proof must hold. It belongs into each answer to a request with a proof (RFC 9449 §8.2). It is the time under
// a key of ours: nobody can foretell it, and nothing has to be remembered.
func (c *Checker) Nonce(ctx context.Context) (string, error) {
	key, err := c.nonces.Bytes(ctx)
	if err != nil {
		return "", err
	}
	return nonceOf(key, c.turn()), nil
}

// knows reports whether a nonce is one of ours: of this turn, of the last one, or of the next, when another process's clock is ahead.
func (c *Checker) knows(ctx context.Context, nonce string) (bool, error) {
	key, err := c.nonces.Bytes(ctx)
	if err != nil {
		return false, err
	}
	good := 0
	for turn := c.turn() - 1; turn <= c.turn()+1; turn++ {
		good |= subtle.ConstantTimeCompare([]byte(nonce), []byte(nonceOf(key, turn)))
	}
	return good == 1, nil
}

func (c *Checker) turn() int64 { return c.now().Unix() / int64(nonceTurn/time.Second) }

func nonceOf(key []byte, turn int64) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(turn)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
