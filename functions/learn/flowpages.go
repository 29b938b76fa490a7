package learn

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/learn/diagram"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// loginPath is where a person logs in at the authorization server without an application.
const loginPath = "/oauth/login"

// flowRoutes are the pages of the recorder and its API.
func (s *server) flowRoutes(mux *http.ServeMux) {
	mux.Handle("GET /flow", http.RedirectHandler("/flow/", http.StatusSeeOther))
	mux.HandleFunc("GET /flow/{$}", s.looked(s.flowsPage))       // the list
	mux.HandleFunc("GET /flow/{flow}", s.looked(s.flowPage))     // one flow, drawn
	mux.HandleFunc("GET /flow/compare", s.looked(s.comparePage)) // two of them side by side
	mux.HandleFunc("GET /flow/panel.js", s.panelScript)          // for the chat
	mux.HandleFunc("GET /flow/api/flows", s.looked(s.listFlows)) // the list, as JSON
	mux.HandleFunc("GET /flow/api/flows/latest", s.looked(s.latestFlow))
	mux.HandleFunc("GET /flow/api/flows/{flow}", s.ofFlow(s.oneFlow))
	mux.HandleFunc("GET /flow/api/flows/{flow}/export", s.ofFlow(s.exportFlow))
	mux.HandleFunc("GET /flow/api/flows/{flow}/records/{record}", s.ofFlow(s.oneRecord))
}

// viewerView is who looks, for the head of each page.
type viewerView struct {
	Name  string // empty: nobody is logged in
	All   bool
	Login string
}

func viewOf(v viewer) viewerView {
	return viewerView{Name: v.user.Name, All: v.All, Login: loginPath}
}

// flowsView is the data of flows.html.
type flowsView struct {
	Viewer   viewerView
	On       bool // something is recorded
	Setting  string
	Filter   flowFilter
	Filtered bool
	Flows    []flowLine
	Next     string // address of the next page
	Parties  []choice
	Outcomes []choice
}

type choice struct {
	Value, Title string
	Chosen       bool
}

// Asked tells of a decision that somebody has to act first.
func (s stepLine) Asked() bool { return s.Outcome == trace.Asked }

// Time is when a flow began, for those who have no scripts; others see it in their own time zone.
func (l flowLine) Time() string { return l.Begin.UTC().Format("2 Jan 2006, 15:04:05 UTC") }

// ISO is the same for scripts.
func (l flowLine) ISO() string { return l.Begin.UTC().Format(time.RFC3339) }

// Names are all who took part.
func (l flowLine) Names() string { return strings.Join(l.Who, ", ") }

// Parties are the titles of its lanes.
func (l flowLine) Parties() string {
	var titles []string
	for _, lane := range l.Lanes {
		titles = append(titles, lane.Title)
	}
	return strings.Join(titles, ", ")
}

var outcomeWords = map[string]string{outcomeDone: "Done", outcomeWaiting: "Waits for a person", outcomeRefused: "Refused"}

// OutcomeWords is how it stands, for people.
func (l flowLine) OutcomeWords() string { return outcomeWords[l.Outcome] }

func (s *server) flowsPage(w http.ResponseWriter, r *http.Request, v viewer) {
	f := readFilter(r, v)
	list, err := s.flows(r.Context(), v, f)
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
		return
	}
	view := flowsView{Viewer: viewOf(v), On: s.Recorder, Setting: config.EnvRecorder + "=" + config.RecorderOn, Filter: f, Filtered: f.any(), Flows: list.Flows}
	if list.Next != "" {
		q := url.Values{"before": {list.Next}}
		for name, value := range map[string]string{"q": f.Text, "party": f.Party, "outcome": f.Outcome, "person": f.Person} {
			if value != "" {
				q.Set(name, value)
			}
		}
		view.Next = "/flow/?" + q.Encode()
	}
	for _, lane := range diagram.Order() {
		view.Parties = append(view.Parties, choice{string(lane.Party), lane.Title, string(lane.Party) == f.Party})
	}
	for _, o := range []string{outcomeDone, outcomeWaiting, outcomeRefused} {
		view.Outcomes = append(view.Outcomes, choice{o, outcomeWords[o], o == f.Outcome})
	}
	s.render(w, r, "flows.html", "Flight recorder", view)
}

func (s *server) render(w http.ResponseWriter, r *http.Request, name, title string, data any) {
	if err := s.pages.Render(w, http.StatusOK, name, web.Page{Title: title, NoHTML: true, Data: data}); err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

// flowPageView is the data of flow.html. What it shows of the steps is for those who have no scripts.
type flowPageView struct {
	Viewer viewerView
	Flow   flowLine
}

func (s *server) flowPage(w http.ResponseWriter, r *http.Request, v viewer) {
	id := r.PathValue("flow")
	records, err := s.Flows.Flow(r.Context(), id, v.Viewer)
	var line flowLine
	if err == nil {
		line, err = s.line(r.Context(), id, records, map[string]string{})
	}
	switch {
	case errors.Is(err, trace.ErrNotFound):
		s.noFlow(w, r, v)
	case err != nil:
		s.pages.Fail(w, r, s.Log, err)
	default:
		s.render(w, r, "flow.html", line.Title, flowPageView{viewOf(v), line})
	}
}

// noFlow says the same of a flow that is not there and of one that is somebody else's.
func (s *server) noFlow(w http.ResponseWriter, r *http.Request, v viewer) {
	next := "Flows are kept for a day."
	if v.user.ID == "" {
		next += " If it was yours, log in first: it shows then."
	}
	err := s.pages.RenderError(w, http.StatusNotFound, web.ErrorPage{Title: "No such flow", Message: "There is no such flow, or it is not yours.", Next: next, Link: "/flow/", Label: "All flows"})
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

// compareView is the data of compare.html.
type compareView struct {
	Viewer      viewerView
	Left, Right flowLine
	Pairs       []pairView
	Same, Other int // pairs
}

// pairView is a row of it.
type pairView struct {
	Left, Right *stepLine
	Differs     []diagram.Difference
	Kind        string // "same", "differs", "left" or "right"
}

// stepLine is a step in words.
type stepLine struct {
	stepView
	FromTitle, ToTitle, Link string
}

func (s *server) comparePage(w http.ResponseWriter, r *http.Request, v viewer) {
	q := r.URL.Query()
	if two := q["flow"]; len(two) == 2 { // as the list's form sends them, the newest first
		http.Redirect(w, r, "/flow/compare?"+url.Values{"left": {two[1]}, "right": {two[0]}}.Encode(), http.StatusSeeOther)
		return
	}
	if q.Get("left") == "" || q.Get("right") == "" {
		err := s.pages.RenderError(w, http.StatusBadRequest, web.ErrorPage{Title: "Which two?", Message: "Two flows are needed to compare them.", Next: "Tick two flows in the list.", Link: "/flow/", Label: "All flows"})
		if err != nil {
			s.pages.Fail(w, r, s.Log, err)
		}
		return
	}
	left, err := s.Flows.Flow(r.Context(), q.Get("left"), v.Viewer)
	var right []trace.Record
	if err == nil {
		right, err = s.Flows.Flow(r.Context(), q.Get("right"), v.Viewer)
	}
	view := compareView{Viewer: viewOf(v)}
	names := map[string]string{}
	if err == nil {
		view.Left, err = s.line(r.Context(), q.Get("left"), left, names)
	}
	if err == nil {
		view.Right, err = s.line(r.Context(), q.Get("right"), right, names)
	}
	switch {
	case errors.Is(err, trace.ErrNotFound):
		s.noFlow(w, r, v)
		return
	case err != nil:
		s.pages.Fail(w, r, s.Log, err)
		return
	}
	inLeft, inRight := stepLines(view.Left, left), stepLines(view.Right, right)
	for _, p := range diagram.Compare(left, right) {
		row := pairView{Kind: "differs"}
		for _, d := range p.Differs {
			if d.What != "label" { // that stands there anyway
				row.Differs = append(row.Differs, d)
			}
		}
		if p.Left != nil {
			row.Left = inLeft[key(*p.Left)]
		}
		if p.Right != nil {
			row.Right = inRight[key(*p.Right)]
		}
		switch {
		case row.Right == nil:
			row.Kind = "left"
		case row.Left == nil:
			row.Kind = "right"
		case p.Same:
			row.Kind = "same"
		}
		if row.Kind == "same" {
			view.Same++
		} else {
			view.Other++
		}
		view.Pairs = append(view.Pairs, row)
	}
	s.render(w, r, "compare.html", "Compare two flows", view)
}

func key(step diagram.Step) string { return step.Record + " " + step.Part }

// stepLines are the steps of a flow, by record and part.
func stepLines(flow flowLine, records []trace.Record) map[string]*stepLine {
	titles := map[trace.Party]string{}
	for _, lane := range flow.Lanes {
		titles[lane.Party] = lane.Title
	}
	lines := map[string]*stepLine{}
	for _, step := range anchors(diagram.Steps(records)) {
		lines[key(step.Step)] = &stepLine{step, titles[step.From], titles[step.To], "/flow/" + flow.ID + "#step-" + step.Anchor}
	}
	return lines
}

// panelScript leads to the script that draws flows beside the chat. Its own address is known to strangers, so it must not be kept for
// long; all that it loads may be.
func (s *server) panelScript(w http.ResponseWriter, r *http.Request) {
	address, err := s.pages.Module("panel.js")
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	fmt.Fprintf(w, "import %q;\n", address)
}
