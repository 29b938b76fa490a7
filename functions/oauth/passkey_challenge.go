package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// Anybody can begin a login. If each were a record, a stranger could fill the store, or use up what we allow, and keep
// everybody out. So the challenge itself says what a record would, and the browser brings it back in what it signs:
//
//	16 random bytes | until when it can be answered | HMAC-SHA-256 of these and the browser's cookie
//
// The key is ours. With one that the browser knows, such as its cookie, whoever gets at an authenticator for a moment could
// have it sign a challenge of their own making, and log in with that whenever they like (WebAuthn §13.4.3: challenges are
// made where the relying party trusts). That an answer counts once is a record, written with the login that it makes; a
// wrong answer leaves none, and cannot be guessed into a right one.
const challengeRandom = 16 // bytes: §13.4.3 asks for no fewer

// newChallenge writes nothing, but the key once.
func (s *server) newChallenge(ctx context.Context, v visit) ([]byte, error) {
	c := make([]byte, challengeRandom)
	if _, err := io.ReadFull(s.Rand, c); err != nil {
		return nil, err
	}
	c = binary.BigEndian.AppendUint64(c, uint64(s.Now().Add(ceremonyLifetime).Unix()))
	mac, err := s.challengeMAC(ctx, v, c)
	return append(c, mac...), err
}

// checkChallenge is the challenge in its text when it is one of ours, for this browser, and not too old.
func (s *server) checkChallenge(ctx context.Context, v visit, text string) ([]byte, error) {
	c, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(c) != challengeRandom+8+sha256.Size {
		return nil, errPasskeyRefused
	}
	said, mac := c[:challengeRandom+8], c[challengeRandom+8:]
	want, err := s.challengeMAC(ctx, v, said)
	switch {
	case err != nil:
		return nil, err
	case !hmac.Equal(mac, want):
		return nil, errPasskeyRefused
	case !s.Now().Before(time.Unix(int64(binary.BigEndian.Uint64(said[challengeRandom:])), 0)):
		return nil, errPasskeyExpired
	}
	return c, nil
}

func (s *server) challengeMAC(ctx context.Context, v visit, said []byte) ([]byte, error) {
	key, err := s.passkeyKey.Bytes(ctx)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(said)
	mac.Write([]byte(v.secret))
	return mac.Sum(nil), nil
}

const answeredSort = "answered"

func answeredPartition(challenge []byte) string { return "ceremony/" + web.Hash(string(challenge)) }

// answered is the operation that uses a challenge up. From now it lies for a whole lifetime: no shorter than the challenge.
func (s *server) answered(challenge []byte) store.Op {
	return store.Put(store.Encode(answeredPartition(challenge), answeredSort, true, s.Now().Add(ceremonyLifetime)), store.IfAbsent())
}

func (s *server) unanswered(ctx context.Context, challenge []byte) error {
	_, err := s.Store.Get(ctx, answeredPartition(challenge), answeredSort)
	switch {
	case err == nil:
		return errPasskeyExpired
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}
