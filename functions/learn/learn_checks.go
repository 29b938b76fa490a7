package learn

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/functions/learn/course"
)

// checkList is the answer of GET /learn/api/checks.
type checkList struct {
	User    string       `json:"user,omitempty"` // username
	Passed  int          `json:"passed"`
	Of      int          `json:"of"`
	Ahead   int64        `json:"clock_ahead,omitempty"` // seconds
	Lessons []lessonLine `json:"lessons"`
}

type lessonLine struct {
	ID     string      `json:"id"`
	Title  string      `json:"title"`
	Short  string      `json:"-"`
	URL    string      `json:"url"`
	Passed bool        `json:"passed"`
	Done   int         `json:"done"`
	Checks []checkLine `json:"checks"`
}

type checkLine struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	How    string    `json:"how"`
	Hint   string    `json:"hint"`
	After  string    `json:"after,omitempty"`
	Passed bool      `json:"passed"`
	At     time.Time `json:"at,omitzero"`
	Flow   string    `json:"flow,omitempty"` // address of where it can be seen
}

// listChecks tells what is passed.
func (s *server) listChecks(w http.ResponseWriter, r *http.Request, v viewer) {
	passed, err := s.passed(r.Context(), v.Viewer)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	body, err := json.Marshal(s.checks(v, passed))
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	writeNews(w, r, body)
}

func (s *server) checks(v viewer, passed map[string]course.Pass) checkList {
	list := checkList{User: v.user.Username}
	if s.Clock != nil {
		list.Ahead = int64(s.Clock.Ahead() / time.Second)
	}
	for _, l := range course.Lessons {
		line := lessonLine{ID: l.ID, Title: l.Title, Short: l.Short, URL: "/learn/" + l.ID, Checks: []checkLine{}}
		for _, c := range l.Checks {
			check := checkLine{ID: c.ID, Title: c.Title, How: c.How, Hint: c.Hint, After: c.After}
			if p, ok := passed[c.ID]; ok {
				check.Passed, check.At = true, p.At.UTC()
				line.Done++
				if p.Flow != "" {
					check.Flow = "/flow/" + p.Flow
				}
			}
			line.Checks = append(line.Checks, check)
		}
		line.Passed = line.Done == len(line.Checks)
		list.Passed, list.Of = list.Passed+line.Done, list.Of+len(line.Checks)
		list.Lessons = append(list.Lessons, line)
	}
	return list
}
