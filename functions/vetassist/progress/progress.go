// Package progress is how far a person is in the course, read from outside: it logs in as that person, as any browser does, and asks the
// course which of its checks are passed.
package progress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// Report is what the course says.
type Report struct {
	User    string   `json:"user"`
	Passed  int      `json:"passed"`
	Of      int      `json:"of"`
	Lessons []Lesson `json:"lessons"`
}

// Lesson is a lesson with its checks.
type Lesson struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	URL    string  `json:"url"`
	Passed bool    `json:"passed"`
	Checks []Check `json:"checks"`
}

// Check is one check.
type Check struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	How    string    `json:"how"`
	Hint   string    `json:"hint"`
	Passed bool      `json:"passed"`
	At     time.Time `json:"at,omitzero"`
	Flow   string    `json:"flow,omitempty"`
}

// Read logs in at base and reads. A transport of nil is the usual one.
func Read(ctx context.Context, base, user, password string, transport http.RoundTripper) (Report, error) {
	b := visitor.NewBrowser(base, transport)
	page, err := b.Open(ctx, b.Base+"/oauth/login")
	if err == nil && page.Status != http.StatusOK {
		err = fmt.Errorf("the login page of %s answered %d", base, page.Status)
	}
	if err == nil {
		page, err = b.Login(ctx, user, password)
	}
	if err != nil {
		return Report{}, err
	}
	if page.Status != http.StatusOK || page.Has("password") && page.Has("username") && !strings.HasPrefix(page.URL.Path, "/oauth/account") {
		return Report{}, fmt.Errorf("the login of %s at %s did not succeed: is the password right?", user, base)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.Base+"/learn/api/checks", nil)
	if err != nil {
		return Report{}, err
	}
	a, err := b.Do(ctx, r)
	if err != nil {
		return Report{}, err
	}
	if a.Status == http.StatusNotFound {
		return Report{}, errors.New("there is no course at " + base + ": is the flight recorder off there?")
	}
	var got Report
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != http.StatusOK {
		return Report{}, fmt.Errorf("the course at %s answered %d, and no checks", base, a.Status)
	}
	if got.User != strings.ToLower(user) {
		return Report{}, fmt.Errorf("the course at %s does not see who is logged in", base)
	}
	return got, nil
}

// Only keeps one lesson; false: there is none with this id.
func (r Report) Only(lesson string) (Report, bool) {
	for _, l := range r.Lessons {
		if l.ID != lesson {
			continue
		}
		r.Lessons, r.Passed, r.Of = []Lesson{l}, 0, len(l.Checks)
		for _, c := range l.Checks {
			if c.Passed {
				r.Passed++
			}
		}
		return r, true
	}
	return r, false
}

// WriteText writes it for people.
func (r Report) WriteText(w io.Writer, base string) error {
	var out strings.Builder
	for _, l := range r.Lessons {
		fmt.Fprintf(&out, "%s  (%s%s)\n", l.Title, base, l.URL)
		for _, c := range l.Checks {
			if c.Passed {
				fmt.Fprintf(&out, "  passed  %s\n", c.Title)
				continue
			}
			fmt.Fprintf(&out, "  open    %s\n          %s\n", c.Title, c.Hint)
		}
	}
	fmt.Fprintf(&out, "%s has passed %d of %d checks.\n", r.User, r.Passed, r.Of)
	_, err := io.WriteString(w, out.String())
	return err
}
