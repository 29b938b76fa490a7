package clinic

import (
	"fmt"
	"strings"
	"unicode"
)

// The codes of Error.
const (
	NotFound      = "not_found"      // no such thing, or not yours: the two are not told apart
	Invalid       = "invalid"        // an argument breaks a rule; the message says which
	SlotTaken     = "slot_taken"     // somebody else has this time
	Closed        = "closed"         // the clinic is closed then
	Past          = "past"           // the moment has gone by
	Conflict      = "conflict"       // it is already so, or another change came first
	TooMany       = "too_many"       // a limit on counts is reached
	RoleForbidden = "role_forbidden" // only staff may do this
)

// Error is a refusal by a rule of the clinic. Message is for a person. Any other error of this package is a
// failure of the store and nobody's fault.
type Error struct {
	Code         string
	Message      string
	Alternatives []Slot // free times instead, when a booking is refused
}

func (e *Error) Error() string { return "clinic: " + e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// noPet is the one answer for a pet that does not exist and for a pet of another owner.
func noPet(ref string) *Error {
	return refuse(NotFound, "There is no pet called %s that you can see.", quote(ref))
}

// quote puts words of the caller into a message: short, on one line, and without quotes of their own.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case unicode.IsPrint(r):
			return r
		}
		return ' '
	}, strings.ToValidUTF8(strings.TrimSpace(s), "?"))
	if r := []rune(s); len(r) > 64 {
		s = string(r[:64]) + "…"
	}
	return `"` + s + `"`
}
