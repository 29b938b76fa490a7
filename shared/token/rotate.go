package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

const (
	// publishedAhead is how long a new key is in the JWKS before it signs: as long as any verifier or cache goes on with
	// the JWKS of before, so none meets a token whose key it has not seen.
	publishedAhead = jwksMaxAge
	// maxKeys bounds how many keys are published at once. A key leaves a quarter of an hour after somebody rotates.
	maxKeys = 20
	// maxRounds bounds how often one call reads anew because others changed the keys in between.
	maxRounds = 5
)

var (
	// ErrNoKey says that no key with this id is published.
	ErrNoKey = errors.New("token: there is no such key")
	// ErrSigns says that a key cannot be retired yet, because it is the one that signs.
	ErrSigns = errors.New("token: this key signs now: rotate, and retire it when the new key signs")
	// ErrTooManyKeys says that too many keys are published already; the oldest leave within a quarter of an hour.
	ErrTooManyKeys = errors.New("token: too many keys are published; wait until the oldest leave")
)

// KeyState is where a key is in its life.
type KeyState string

// The states, in the order in which a key passes through them.
const (
	Next     KeyState = "next"     // published, signs later
	Current  KeyState = "current"  // signs
	Retiring KeyState = "retiring" // signs no more, but tokens that it signed may be about
)

// KeyInfo is what may be told of a signing key.
type KeyInfo struct {
	ID             string // kid
	State          KeyState
	Created        time.Time
	SignsFrom      time.Time
	SignsUntil     time.Time // zero: until somebody rotates
	PublishedUntil time.Time // when it leaves the JWKS; zero: not before somebody rotates
}

// Keys are all published keys, oldest first.
func (k *Keyring) Keys(ctx context.Context) ([]KeyInfo, error) {
	keys, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	now := k.now()
	infos := make([]KeyInfo, len(keys))
	for i, key := range keys {
		infos[i] = key.info(now)
	}
	return infos, nil
}

// Rotate publishes a new key, which signs from five minutes later on; then the one before leaves the JWKS as soon as the
// last token that it signed has expired. When others rotate at the same moment, all get the one new key. The error may
// be ErrTooManyKeys.
func (k *Keyring) Rotate(ctx context.Context) (KeyInfo, error) {
	if err := k.Ensure(ctx); err != nil {
		return KeyInfo{}, err
	}
	var seen string // the newest key when this began
	for range maxRounds {
		keys, err := k.load(ctx)
		if err != nil {
			return KeyInfo{}, err
		}
		if len(keys) == 0 {
			return KeyInfo{}, errors.New("token: the first key vanished")
		}
		last := keys[len(keys)-1]
		switch {
		case seen == "":
			seen = last.public.ID
		case slices.ContainsFunc(keys[:len(keys)-1], func(key storedKey) bool { return key.public.ID == seen }):
			return last.info(k.now()), nil // somebody else has just done what was asked
		}
		if len(keys) >= maxKeys {
			return KeyInfo{}, ErrTooManyKeys
		}
		added, err := k.add(ctx, last)
		if !errors.Is(err, store.ErrConflict) {
			return added, err
		}
	}
	return KeyInfo{}, fmt.Errorf("token: rotating: %w", store.ErrConflict)
}

// add writes a new key and the end of the last one, both or none, and only if that is still the last one.
func (k *Keyring) add(ctx context.Context, last storedKey) (KeyInfo, error) {
	signsFrom := wholeSecond(k.now().Add(publishedAhead))
	if signsFrom.Before(last.public.SignsFrom) { // by another process's clock
		signsFrom = last.public.SignsFrom
	}
	private, public, err := k.generate(signsFrom)
	if err != nil {
		return KeyInfo{}, err
	}
	// The id in the sort key makes sure that no number is ever two keys': a version alone does not tell an item that was
	// deleted and made again.
	sort := fmt.Sprintf("%06d-%s", last.number()+1, public.ID)
	ops := append(last.endingAt(signsFrom),
		store.Put(store.Encode(privatePartition, sort, private, time.Time{}), store.IfAbsent()),
		store.Put(store.Encode(PublicPartition, sort, public, time.Time{}), store.IfAbsent()))
	if err := k.store.Write(ctx, ops...); err != nil {
		return KeyInfo{}, err
	}
	return storedKey{public: public}.info(k.now()), nil
}

// Retire takes a key out of the JWKS at once, for when its private half leaked: within five minutes, when every verifier
// has read the JWKS again, no token that it signed is accepted. The key that signs cannot be retired (ErrSigns): rotate
// first, and wait until the new key signs. A key that does not sign yet may be: the one before goes on. The error may be
// ErrNoKey.
func (k *Keyring) Retire(ctx context.Context, kid string) error {
	for range maxRounds {
		keys, err := k.load(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(key storedKey) bool { return key.public.ID == kid })
		if i < 0 {
			return ErrNoKey
		}
		key := keys[i]
		ops := []store.Op{
			store.Delete(PublicPartition, key.sort, store.IfVersion(key.publicVersion)),
			store.Delete(privatePartition, key.sort, store.Always()),
		}
		switch key.info(k.now()).State {
		case Current:
			return ErrSigns
		case Next:
			if i == 0 {
				return ErrSigns // there is none before it that could go on
			}
			ops = append(ops, keys[i-1].endingAt(key.public.SignsUntil)...)
		}
		if err := k.store.Write(ctx, ops...); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("token: retiring a key: %w", store.ErrConflict)
}

// storedKey is a key as it is in the store. A private half of version 0 is gone: the key signs no more.
type storedKey struct {
	sort           string
	public         publicKey
	publicVersion  int64
	expires        time.Time // of the public half
	private        signingKey
	privateVersion int64
}

// load reads all keys, oldest first. Its two reads are not one: whoever writes after it makes that depend on the
// versions.
func (k *Keyring) load(ctx context.Context) ([]storedKey, error) {
	private, err := k.store.List(ctx, store.Query{Partition: privatePartition, Limit: maxKeys})
	if err != nil {
		return nil, err
	}
	public, err := k.store.List(ctx, store.Query{Partition: PublicPartition, Limit: maxKeys})
	if err != nil {
		return nil, err
	}
	keys := make([]storedKey, len(public.Items))
	for i, item := range public.Items {
		key := storedKey{sort: item.Sort, publicVersion: item.Version, expires: item.Expires}
		if err := json.Unmarshal(item.Body, &key.public); err != nil {
			return nil, fmt.Errorf("token: public key %s: %w", item.Sort, err)
		}
		for _, p := range private.Items {
			if p.Sort != item.Sort {
				continue
			}
			if err := json.Unmarshal(p.Body, &key.private); err != nil {
				return nil, fmt.Errorf("token: signing key %s: %w", item.Sort, err)
			}
			key.privateVersion = p.Version
			// A database of before rotation has the times in the private half only.
			key.public.Created, key.public.SignsFrom = key.private.Created, key.private.SignsFrom
		}
		keys[i] = key
	}
	return keys, nil
}

func (s storedKey) number() int {
	digits, _, _ := strings.Cut(s.sort, "-")
	n, _ := strconv.Atoi(digits) // we wrote it
	return n
}

func (s storedKey) info(now time.Time) KeyInfo {
	i := KeyInfo{ID: s.public.ID, State: Current, Created: s.public.Created, SignsFrom: s.public.SignsFrom, SignsUntil: s.public.SignsUntil,
		PublishedUntil: s.expires}
	switch {
	case !i.SignsUntil.IsZero() && !i.SignsUntil.After(now):
		i.State = Retiring
	case i.SignsFrom.After(now):
		i.State = Next
	}
	return i
}

// endingAt are the operations that let the key sign until then, for ever if that is zero. They conflict when the key has
// changed since it was read, or signs no more.
func (s storedKey) endingAt(until time.Time) []store.Op {
	s.public.SignsUntil = until
	var leaves time.Time
	if !until.IsZero() {
		leaves = until.Add(Lifetime)
	}
	return []store.Op{
		store.Put(store.Encode(privatePartition, s.sort, s.private, until), store.IfVersion(s.privateVersion)),
		store.Put(store.Encode(PublicPartition, s.sort, s.public, leaves), store.IfVersion(s.publicVersion)),
	}
}

// wholeSecond is the next whole second: items expire by whole seconds, and there must be no gap between two keys.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		t = whole.Add(time.Second)
	}
	return t.UTC()
}
