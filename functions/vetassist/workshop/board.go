package workshop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	boardPath   = "/learn/api/board"
	boardPeople = 50 // in one request
)

// BoardAddress is where the same is shown by a browser, for a projector.
func (w *Workshop) BoardAddress() string { return w.Base + "/learn/board?prefix=" + w.Prefix + "-" }

// Lesson is one of the course.
type Lesson struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Person is how far an attendee got.
type Person struct {
	User     string               `json:"user"`
	Username string               `json:"username"`
	Passed   map[string]time.Time `json:"passed"`
	Last     *time.Time           `json:"last,omitempty"`
}

// Board is who passed which check.
type Board struct {
	Lessons []Lesson `json:"lessons"`
	People  []Person `json:"people"`
}

// Board asks who got how far: every attendee of the workshop is on it, those who have not begun too.
func (w *Workshop) Board(ctx context.Context) (Board, error) {
	a := w.admin()
	r, err := w.roster(ctx, a)
	if err != nil {
		return Board{}, err
	}
	there := w.attendees(r)
	b := Board{Lessons: []Lesson{}, People: []Person{}}
	if len(there) == 0 {
		return b, errors.New("there are no attendees yet: make them with -attendees")
	}
	known := map[string]Person{}
	for some := range slices.Chunk(there, boardPeople) {
		names := make([]string, len(some))
		for i, one := range some {
			names[i] = one.username()
		}
		if err := w.page(ctx, a, names, &b, known); err != nil {
			return Board{}, err
		}
	}
	for _, one := range there {
		p, ok := known[one.username()]
		if !ok {
			p = Person{User: r.users[one.username()].ID, Username: one.username()}
		}
		if p.Passed == nil {
			p.Passed = map[string]time.Time{}
		}
		b.People = append(b.People, p)
	}
	return b, nil
}

// page reads what the course knows of some.
func (w *Workshop) page(ctx context.Context, a *admin, names []string, b *Board, known map[string]Person) error {
	query := url.Values{"users": {strings.Join(names, ",")}}
	for range MaxAttendees { // pages
		var page struct {
			Board
			Next string `json:"next"`
		}
		err := a.at(ctx, http.MethodGet, boardPath+"?"+query.Encode(), nil, &page)
		var refused *Problem
		var wrong *json.SyntaxError
		if errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed) || errors.As(err, &wrong) {
			return errors.New("this VetAssist has no course: in the cloud it is there only while the recorder is on")
		}
		if err != nil {
			return err
		}
		b.Lessons = page.Lessons
		for _, p := range page.People {
			known[p.Username] = p
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
	return errors.New("the board has no end")
}

// WriteText writes a board for a terminal: a line for each person, a column for each lesson.
func (b Board) WriteText(w io.Writer, now time.Time) error {
	var out strings.Builder
	width := len("attendee")
	for _, p := range b.People {
		width = max(width, len(p.Username))
	}
	fmt.Fprintf(&out, "%-*s", width, "attendee")
	for i := range b.Lessons {
		fmt.Fprintf(&out, " %2d", i+1)
	}
	out.WriteString("   passed  last\n")
	done := make([]int, len(b.Lessons))
	for _, p := range b.People {
		fmt.Fprintf(&out, "%-*s", width, clean(p.Username))
		passed := 0
		for i, l := range b.Lessons {
			mark := "·"
			if at, ok := p.Passed[l.ID]; ok && !at.IsZero() {
				mark = "✓"
				passed++
				done[i]++
			}
			fmt.Fprintf(&out, "  %s", mark)
		}
		fmt.Fprintf(&out, "   %6s  %s\n", fmt.Sprintf("%d/%d", passed, len(b.Lessons)), since(p.Last, now))
	}
	fmt.Fprintf(&out, "%-*s", width, "all")
	for _, n := range done {
		fmt.Fprintf(&out, " %2d", n)
	}
	out.WriteString("\n\n")
	for i, l := range b.Lessons {
		fmt.Fprintf(&out, "%2d  %s\n", i+1, clean(l.Title))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// since says in a few letters how long ago something was.
func since(at *time.Time, now time.Time) string {
	if at == nil || at.IsZero() {
		return "-"
	}
	switch d := now.Sub(*at); {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return at.Format("2 Jan")
}
