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
