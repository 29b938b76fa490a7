package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/audit"
)

// EventFilter selects events.
type EventFilter struct {
	UserID   string    `query:"user_id" maxLength:"300"`
	ClientID string    `query:"client_id" maxLength:"300"`
	Event    string    `query:"event" maxLength:"40" doc:"Such as login, token or administration."`
	Outcome  string    `query:"outcome" enum:"ok,refused"`
	Since    time.Time `query:"since" doc:"From this time on."`
	Until    time.Time `query:"until" doc:"Before this time."`
}

func (f EventFilter) query() audit.Query {
	return audit.Query{UserID: f.UserID, ClientID: f.ClientID, Name: audit.Name(f.Event), Outcome: audit.Outcome(f.Outcome), Since: f.Since, Until: f.Until}
}

func (a *api) auditRoutes() {
	register(a, huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: "/audit", Tags: []string{"Audit log"}, Summary: "List events, newest first",
		Description: "To follow the log, ask again with since a few seconds before the newest event seen, and drop the ids that were seen. A page may be short, even empty, and still have a next."}, a.listEvents)
	export := huma.Operation{OperationID: "export-events", Method: http.MethodGet, Path: "/audit/export", Tags: []string{"Audit log"}, Summary: "Export events as JSON lines, newest first"}
	register(a, export, a.exportEvents)
	a.huma.OpenAPI().Paths[export.Path].Get.Responses["200"] = &huma.Response{Description: "One event a line",
		Content: map[string]*huma.MediaType{jsonLines: {}}}
}

const jsonLines = "application/jsonl"

func (a *api) listEvents(ctx context.Context, in *struct {
	ListInput
	EventFilter
}) (*listOutput[audit.Event], error) {
	q := in.query()
	q.Limit, q.Cursor = in.Limit, in.Cursor
	page, err := a.audit.List(ctx, q)
	if err != nil {
		return nil, err
	}
	return listOf(page.Events, page.Next, func(e audit.Event) (audit.Event, error) { return e, nil })
}

// exportEvents writes line after line. An error in the middle cuts the answer short, so that nobody takes a part for the
// whole.
func (a *api) exportEvents(_ context.Context, in *EventFilter) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", jsonLines)
		h.SetHeader("Content-Disposition", `attachment; filename="vetassist-audit.jsonl"`)
		lines := json.NewEncoder(h.BodyWriter())
		for e, err := range a.audit.All(h.Context(), in.query()) {
			if err == nil {
				err = lines.Encode(e)
			}
			if err != nil {
				a.Log.ErrorContext(h.Context(), "the audit log's export was cut short", "err", err)
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}
