package learn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/learn/diagram"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// flowView is a flow as it is drawn.
type flowView struct {
	flowLine
	Steps []stepView `json:"steps"`
}

// stepView is a step with its name in an address: "7" is the seventh arrow, "7.1" the first note after it.
type stepView struct {
	diagram.Step
	Anchor string `json:"anchor"`
}

// anchors names the steps of a flow.
func anchors(steps []diagram.Step) []stepView {
	views := make([]stepView, 0, len(steps))
	arrow, notes := 0, 0
	for _, step := range steps {
		v := stepView{Step: step}
		if step.Kind == diagram.Arrow {
			arrow, notes = step.N, 0
			v.Anchor = fmt.Sprint(arrow)
		} else {
			notes++
			v.Anchor = fmt.Sprintf("%d.%d", arrow, notes)
		}
		views = append(views, v)
	}
	return views
}

// flowHandler answers with something of a flow that the viewer may see.
type flowHandler func(w http.ResponseWriter, r *http.Request, v viewer, records []trace.Record) error

// ofFlow reads the flow that the path names. One that is not there and one of somebody else are answered alike.
func (s *server) ofFlow(next flowHandler) http.HandlerFunc {
	return s.looked(func(w http.ResponseWriter, r *http.Request, v viewer) {
		records, err := s.Flows.Flow(r.Context(), r.PathValue("flow"), v.Viewer)
		if err == nil {
			err = next(w, r, v, records)
		}
		switch {
		case errors.Is(err, trace.ErrNotFound):
			web.JSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "message": "There is no such flow, or it is not yours."})
		case err != nil:
			web.Fail(w, r, s.Log, err)
		}
	})
}

func (s *server) oneFlow(w http.ResponseWriter, r *http.Request, v viewer, records []trace.Record) error {
	return s.writeFlow(w, r, r.PathValue("flow"), records)
}

const maxTried = 5 // flows that are looked into for the latest of a viewer

// latestFlow is the newest flow of the viewer, of an administrator too only the own: one request tells whether there is a new one and
// what became of it, and a 304 is all that it takes as long as nothing happens.
func (s *server) latestFlow(w http.ResponseWriter, r *http.Request, v viewer) {
	own := v.Viewer
	own.All = false
	id, records, err := s.latest(r.Context(), own)
	switch {
	case err != nil:
	case id == "":
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		err = s.writeFlow(w, r, id, records)
	}
	if err != nil {
		web.Fail(w, r, s.Log, err)
	}
}

// latest is the newest flow of a viewer; its id is empty when there is none. Of those that began in the same second it is the one in
// which something happened last: an id tells no more.
func (s *server) latest(ctx context.Context, v trace.Viewer) (latest string, records []trace.Record, err error) {
	ids, _, err := s.Flows.Flows(ctx, v, "", maxTried)
	if err != nil {
		return "", nil, err
	}
	for _, id := range ids {
		if latest != "" && id[:8] != latest[:8] {
			break
		}
		found, err := s.Flows.Flow(ctx, id, v)
		switch {
		case errors.Is(err, trace.ErrNotFound):
		case err != nil:
			return "", nil, err
		case latest == "" || records[len(records)-1].Begin.Before(found[len(found)-1].Begin):
			latest, records = id, found
		}
	}
	return latest, records, nil
}

// writeFlow writes the drawing of a flow.
func (s *server) writeFlow(w http.ResponseWriter, r *http.Request, id string, records []trace.Record) error {
	line, err := s.line(r.Context(), id, records, map[string]string{})
	if err != nil {
		return err
	}
	body, err := json.Marshal(flowView{line, anchors(diagram.Steps(records))})
	if err != nil {
		return err
	}
	writeNews(w, r, body)
	return nil
}

// writeNews answers with JSON, or with 304 to who has just this already and asks again every few seconds (RFC 9110 §13.1.2).
func writeNews(w http.ResponseWriter, r *http.Request, body []byte) {
	tag := `"` + web.Hash(string(body)) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	web.JSON(w, http.StatusOK, json.RawMessage(body))
}

// recordView is an exchange with all that explains it.
type recordView struct {
	ID        string         `json:"id"`
	From      string         `json:"from"` // titles of lanes
	To        string         `json:"to"`
	Begin     time.Time      `json:"begin"`
	Millis    float64        `json:"ms"`
	Client    string         `json:"client,omitempty"`
	Person    string         `json:"person,omitempty"`
	Request   messageView    `json:"request"`
	Response  messageView    `json:"response"`
	Decisions []decisionView `json:"decisions"`
	Rules     []diagram.Rule `json:"rules"`
	Curl      string         `json:"curl"`
}

type messageView struct {
	trace.Message
	Tokens []tokenView `json:"tokens"`
}

type tokenView struct {
	Where  string          `json:"where"`
	Claims []diagram.Claim `json:"claims"`
}

type decisionView struct {
	trace.Decision
	Label string         `json:"label"`
	Rules []diagram.Rule `json:"rules"`
}

func (s *server) oneRecord(w http.ResponseWriter, r *http.Request, v viewer, records []trace.Record) error {
	i := slices.IndexFunc(records, func(rec trace.Record) bool { return rec.ID == r.PathValue("record") })
	if i < 0 {
		return trace.ErrNotFound
	}
	view, err := s.explain(r.Context(), records, records[i])
	if err == nil {
		web.JSON(w, http.StatusOK, view)
	}
	return err
}

func (s *server) explain(ctx context.Context, records []trace.Record, rec trace.Record) (recordView, error) {
	titles := map[trace.Party]string{}
	for _, lane := range diagram.Lanes(records) {
		titles[lane.Party] = lane.Title
	}
	view := recordView{ID: rec.ID, From: titles[rec.From], To: titles[rec.To], Begin: rec.Begin.Time, Client: rec.Client,
		Millis:  float64(rec.End.Time.Sub(rec.Begin.Time).Microseconds()) / 1000,
		Request: explained(rec.Request), Response: explained(rec.Response), Decisions: []decisionView{}, Rules: diagram.Rules(rec), Curl: diagram.Curl(rec, s.BaseURL)}
	for _, d := range rec.Decisions {
		view.Decisions = append(view.Decisions, decisionView{d, diagram.NoteLabel(d), diagram.RulesOf(rec, d)})
	}
	if view.Rules == nil {
		view.Rules = []diagram.Rule{}
	}
	var err error
	view.Person, err = s.nameOf(ctx, rec.Subject, map[string]string{})
	return view, err
}

func explained(m trace.Message) messageView {
	view := messageView{Message: m, Tokens: []tokenView{}}
	for _, t := range m.Tokens {
		view.Tokens = append(view.Tokens, tokenView{t.Where, diagram.ClaimsOf(t)})
	}
	return view
}

// exports are the forms in which a flow can be taken along.
var exports = map[string]struct {
	Type, Ending string
	write        func(records []trace.Record, base string) ([]byte, error)
}{
	"har":     {"application/json", "har", diagram.HAR},
	"mermaid": {"text/plain; charset=utf-8", "mmd", func(records []trace.Record, _ string) ([]byte, error) { return []byte(diagram.Mermaid(records)), nil }},
	"markdown": {"text/markdown; charset=utf-8", "md", func(records []trace.Record, base string) ([]byte, error) {
		return []byte(diagram.Markdown(records, base)), nil
	}},
}

func (s *server) exportFlow(w http.ResponseWriter, r *http.Request, v viewer, records []trace.Record) error {
	as, ok := exports[r.URL.Query().Get("as")]
	if !ok {
		web.JSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "message": "A flow can be had as=har, as=mermaid or as=markdown."})
		return nil
	}
	body, err := as.write(records, s.BaseURL)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", as.Type)
	h.Set("Content-Disposition", `attachment; filename="vetassist-flow-`+strings.ToLower(r.PathValue("flow")[:8])+"."+as.Ending+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}
