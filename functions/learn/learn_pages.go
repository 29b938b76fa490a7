package learn

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/functions/learn/course"
	"github.com/vetassist/vetassist/shared/attacks"
	"github.com/vetassist/vetassist/shared/web"
)

// courseView is the data of course.html and lesson.html.
type courseView struct {
	Base     string
	Name     string // of who is logged in; empty: nobody
	Admin    bool
	Recorder bool
	Clock    bool // it can be moved here
	Now      time.Time
	Ahead    string // how far the clock is before the real one; empty: not at all
	Passed   int
	Of       int
	Lessons  []lessonLine
	Path     string

	// of one lesson
	Lesson         lessonLine
	Number         int
	Do, See, Break template.HTML
	Before, After  *lessonLine
}

// Millis is the time as scripts count it.
func (v courseView) Millis() int64 { return v.Now.UnixMilli() }

// NowWords is the time for people.
func (v courseView) NowWords() string { return v.Now.UTC().Format("2 January 2006 15:04:05 UTC") }

func (s *server) viewCourse(r *http.Request, v viewer) (courseView, error) {
	passed, err := s.passed(r.Context(), v.Viewer)
	if err != nil {
		return courseView{}, err
	}
	list := s.checks(v, passed)
	view := courseView{Base: s.BaseURL, Name: v.user.Name, Admin: v.All, Recorder: s.Recorder, Clock: s.Clock != nil, Now: s.Now(), Passed: list.Passed, Of: list.Of, Lessons: list.Lessons, Path: r.URL.Path}
	if s.Clock != nil && s.Clock.Ahead() > 0 {
		view.Ahead = spell(s.Clock.Ahead())
	}
	return view, nil
}

// spell says a span of time in its two largest units.
func spell(d time.Duration) string {
	days := d / (24 * time.Hour)
	if days > 0 {
		return plural(int(days), "day") + rest(int(d%(24*time.Hour)/time.Hour), "hour")
	}
	if h := int(d / time.Hour); h > 0 {
		return plural(h, "hour") + rest(int(d%time.Hour/time.Minute), "minute")
	}
	if m := int(d / time.Minute); m > 0 {
		return plural(m, "minute") + rest(int(d%time.Minute/time.Second), "second")
	}
	return plural(int(d/time.Second), "second")
}

func rest(n int, unit string) string {
	if n > 0 {
		return " and " + plural(n, unit)
	}
	return ""
}

func (s *server) coursePage(w http.ResponseWriter, r *http.Request, v viewer) {
	view, err := s.viewCourse(r, v)
	if err == nil {
		err = s.pages.Render(w, http.StatusOK, "course.html", web.Page{Title: "The course", NoHTML: true, Data: view})
	}
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

func (s *server) lessonPage(w http.ResponseWriter, r *http.Request, v viewer) {
	lesson, at := course.Find(r.PathValue("lesson"))
	if at < 0 {
		e := web.ErrorPage{Title: "There is no such lesson", Message: "The course has no lesson of this name.", Next: "Choose one from the list.", Link: "/learn/", Label: "To the course"}
		if err := s.pages.RenderError(w, http.StatusNotFound, e); err != nil {
			web.Fail(w, r, s.Log, err)
		}
		return
	}
	view, err := s.viewCourse(r, v)
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
		return
	}
	view.Lesson, view.Number = view.Lessons[at], at+1
	if at > 0 {
		view.Before = &view.Lessons[at-1]
	}
	if at+1 < len(view.Lessons) {
		view.After = &view.Lessons[at+1]
	}
	words := course.Words{Base: s.BaseURL, Clock: s.Clock != nil, Demo: s.Demo}
	if lesson.ID == "attacks" {
		words.Extra = attacks.All()
	}
	for part, into := range map[string]*template.HTML{"do": &view.Do, "see": &view.See, "break": &view.Break} {
		if *into, err = lesson.Text(part, words); err != nil {
			s.pages.Fail(w, r, s.Log, err)
			return
		}
	}
	if err := s.pages.Render(w, http.StatusOK, "lesson.html", web.Page{Title: lesson.Title, NoHTML: true, Data: view}); err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

// boardPage is empty for anybody but an administrator: it asks the API for what it shows.
func (s *server) boardPage(w http.ResponseWriter, r *http.Request, v viewer) {
	status := http.StatusOK
	if !v.All {
		status = http.StatusForbidden
	}
	view := struct {
		Admin   bool
		Name    string
		Prefix  string
		Lessons []course.Lesson
	}{v.All, v.user.Name, r.URL.Query().Get("prefix"), course.Lessons}
	if err := s.pages.Render(w, status, "board.html", web.Page{Title: "The board", NoHTML: true, Data: view}); err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
