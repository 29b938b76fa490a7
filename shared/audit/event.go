package audit

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Name tells what happened.
type Name string

// What is recorded.
const (
	Login          Name = "login"           // somebody logged in, or tried to
	Logout         Name = "logout"          //
	Registration   Name = "registration"    // a client registered itself, or was refused to
	Consent        Name = "consent"         // a user allowed a client something, or refused to
	Authorization  Name = "authorization"   // an authorization request was answered with a code, or refused
	Push           Name = "push"            // a client was refused to push an authorization request
	Device         Name = "device"          // a device asked for a code to show, or was refused; or somebody typed one that nobody has
	Token          Name = "token"           // a code was exchanged for tokens, or the token endpoint refused
	Refresh        Name = "refresh"         // a refresh token was exchanged for tokens, or refused
	CodeReuse      Name = "code-reuse"      // a code came a second time, so its grant was revoked
	RefreshReuse   Name = "refresh-reuse"   // a refresh token came again, so its grant was revoked
	Revocation     Name = "revocation"      // a grant was revoked on request, or that was refused
	Introspection  Name = "introspection"   // a client was refused to ask what a token is good for
	Withdrawal     Name = "withdrawal"      // a user took back what a client was allowed
	PasswordChange Name = "password-change" // a user changed the password, or could not
	PasskeyChange  Name = "passkey-change"  // a user added or removed a passkey, or could not
	Administration Name = "administration"  // an administrator changed something, or was refused to
)

// Outcome tells how it ended.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Refused Outcome = "refused"
)

// Unchecked is the error of a login whose password was not looked at, since too many wrong ones came from its address.
const Unchecked = "address"

// Event is one entry of the log. ID, Time, From and RequestID are filled in when it is written.
type Event struct {
	ID        string            `json:"id"` // unique; sorts by time
	Time      time.Time         `json:"time"`
	Name      Name              `json:"event"`
	Outcome   Outcome           `json:"outcome"`
	UserID    string            `json:"user_id,omitempty"`   // a user's id, never what somebody typed
	ClientID  string            `json:"client_id,omitempty"` // of a client that is registered, never what somebody sent
	From      string            `json:"from,omitempty"`      // IP address of the peer; behind a proxy that is not trusted, that of the proxy
	RequestID string            `json:"request_id,omitempty"`
	Details   map[string]string `json:"details,omitempty"` // a few; never a secret

	Proven bool `json:"-"` // whose request it was has been proved, by a token or a secret: it is never left out as a stranger's
}

// Bounds on what an event may hold; the rest is cut off.
const (
	maxDetails = 16
	maxText    = 1024 // bytes of one text
)

// bounded returns the event with every text cut to size and as UTF-8.
func (e Event) bounded() Event {
	e.Name, e.Outcome = Name(cut(string(e.Name))), Outcome(cut(string(e.Outcome)))
	e.UserID, e.ClientID, e.From, e.RequestID = cut(e.UserID), cut(e.ClientID), cut(e.From), cut(e.RequestID)
	if len(e.Details) == 0 {
		e.Details = nil
		return e
	}
	details := make(map[string]string, len(e.Details))
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		if len(details) < maxDetails && e.Details[name] != "" {
			details[cut(name)] = cut(e.Details[name])
		}
	}
	e.Details = details
	return e
}

func cut(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}
