package oauth

import (
	"io"
	"strings"
)

// userCodeLetters are without vowels, so that no code is a word, and without what looks like something else; there are 20^8 codes of
// eight (RFC 8628 §6.1).
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
	maxTyped        = 64 // bytes of what a person types for one
)

// userCode is what a device shows and a person types: eight letters.
type userCode string

// String is how it is shown.
func (c userCode) String() string { return string(c[:userCodeLength/2] + "-" + c[userCodeLength/2:]) }

// parseUserCode reads what a person typed: in small letters or large, with a dash or without, and with a stray space or point
// (RFC 8628 §6.1: whatever is none of the letters does not count).
func parseUserCode(typed string) (code userCode, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	letters := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		if !strings.ContainsRune(userCodeLetters, r) {
			return -1
		}
		return r
	}, typed)
	return userCode(letters), len(letters) == userCodeLength
}

// newUserCode draws a code, each as likely as any other.
func newUserCode(random io.Reader) (userCode, error) {
	const fair = 256 - 256%len(userCodeLetters) // a byte from here on would make some letters likelier
	code := make([]byte, 0, userCodeLength)
	for one := make([]byte, 1); len(code) < userCodeLength; {
		if _, err := io.ReadFull(random, one); err != nil {
			return "", err
		}
		if int(one[0]) < fair {
			code = append(code, userCodeLetters[int(one[0])%len(userCodeLetters)])
		}
	}
	return userCode(code), nil
}
