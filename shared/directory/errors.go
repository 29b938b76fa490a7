package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
)

var (
	// ErrNotFound says that the directory has no such record.
	ErrNotFound = store.ErrNotFound
	// ErrLogin says that a login failed, and on purpose not why.
	ErrLogin = errors.New("directory: wrong username or password")
	// ErrSignedOut says that a login is over: its user was disabled since, or signed out everywhere.
	ErrSignedOut = errors.New("directory: signed out since")
	// ErrWithdrawn says that what was allowed before, so that nobody was asked about it, was taken back meanwhile.
	ErrWithdrawn = errors.New("directory: withdrawn since")
	// ErrLastAdministrator says that without this user nobody who can log in would have the role Administrator.
	ErrLastAdministrator = errors.New("directory: the last active administrator stays one")
	// ErrGone says that an ID was somebody's or something's who is deleted: it is never given again, since tokens, consents and
	// pets may still say it.
	ErrGone = errors.New("directory: this id was in use before")
	// ErrDeleting says that a record is being deleted: that can be finished, and nothing else be done with it.
	ErrDeleting = errors.New("directory: this is being deleted")
	// ErrSystem says that a record is a part of VetAssist itself: changing it could lock every administrator out.
	ErrSystem = errors.New("directory: this is a part of VetAssist itself and stays as it is")
	// ErrSelfRegistered says that an application says itself what it is: an administrator can disable or delete it, and nothing else.
	ErrSelfRegistered = errors.New("directory: this application registered itself")
	// ErrUnfinished says that a deletion found more to clean up than one call may. Read the record anew and delete it again
	// to go on.
	ErrUnfinished = errors.New("directory: not everything is cleaned up yet, delete again")

	// errStale says that something that was read besides the record itself changed before the write: read again.
	errStale = errors.New("directory: stale")
)

// FieldError says which field of a request is wrong, and how. Both are for people to read.
type FieldError struct {
	Field   string // as in JSON, such as "redirect_uris"
	Message string // goes on from the field's name: "must be …"
}

func (e *FieldError) Error() string { return fmt.Sprintf("directory: %s %s", e.Field, e.Message) }

// Use is one thing that uses another.
type Use struct {
	Kind string // "role", "application" or "user"
	ID   string
	Name string
}

// InUseError says that something is not deleted because it is in use, and by what.
type InUseError struct {
	Uses []Use // some of them
	More bool  // there are others
}

func (e *InUseError) Error() string {
	var names []string
	for _, u := range e.Uses {
		names = append(names, u.Kind+" "+u.Name)
	}
	if e.More {
		names = append(names, "others")
	}
	return "directory: in use by " + strings.Join(names, ", ")
}

// blame says whose fault a failed write is. Its first operation is on the record that the caller names, at the version
// that the caller knows; a username is taken; any other condition is on what we read ourselves.
func blame(err error, ops []store.Op) error {
	var c *store.ConflictError
	if !errors.As(err, &c) || c.Index == 0 {
		return err
	}
	if strings.HasPrefix(ops[c.Index].Item.Partition, "username/") {
		return &FieldError{"username", "is taken"}
	}
	return errStale
}

// stale makes insist try again when somebody else changed the record that a caller named no version of.
func stale[T any](result T, err error) (T, error) {
	if errors.Is(err, store.ErrConflict) {
		err = errStale
	}
	return result, err
}

const maxAttempts = 5

// insist repeats f while what it read is changed before it can write; store.ErrBusy: that went on for too long.
func insist[T any](f func() (T, error)) (result T, err error) {
	for range maxAttempts {
		if result, err = f(); !errors.Is(err, errStale) {
			return result, err
		}
	}
	return result, store.ErrBusy
}
