package learn

import (
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

const flowsOnPage = 20

// flowList is the answer of GET /flow/api/flows.
type flowList struct {
	Flows []flowLine `json:"flows"`
	Next  string     `json:"next,omitempty"` // for ?before=
}

type flowLine struct {
	ID string `json:"id"`
}

func (s *server) listFlows(w http.ResponseWriter, r *http.Request, v viewer) {
	ids, next, err := s.Flows.Flows(r.Context(), v.Viewer, r.FormValue("before"), flowsOnPage)
	if err != nil {
		web.Fail(w, r, s.Log, err)
		return
	}
	list := flowList{Flows: []flowLine{}, Next: next}
	for _, id := range ids {
		list.Flows = append(list.Flows, flowLine{id})
	}
	web.JSON(w, http.StatusOK, list)
}

// oneFlow is a flow, as far as the viewer may see it.
func (s *server) oneFlow(w http.ResponseWriter, r *http.Request, v viewer) {
	records, err := s.Flows.Flow(r.Context(), r.PathValue("flow"), v.Viewer)
	switch {
	case errors.Is(err, trace.ErrNotFound):
		web.JSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "message": "There is no such flow, or it is not yours."})
	case err != nil:
		web.Fail(w, r, s.Log, err)
	default:
		web.JSON(w, http.StatusOK, map[string]any{"id": r.PathValue("flow"), "records": records})
	}
}
