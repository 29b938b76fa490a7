package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
)

// EventFilter selects events.
type EventFilter struct {
	UserID   string    `query:"user_id" maxLength:"300"`
	ClientID string    `query:"client_id" maxLength:"600" doc:"The id of an application, or its client_id."`
	Event    string    `query:"event" maxLength:"40" doc:"Such as login, token or administration."`
	Outcome  string    `query:"outcome" enum:"ok,refused"`
	Since    time.Time `query:"since" doc:"From this time on."`
	Until    time.Time `query:"until" doc:"Before this time."`
}

func (f EventFilter) query() audit.Query {
	return audit.Query{UserID: f.UserID, ClientID: directory.ClientKey(f.ClientID), Name: audit.Name(f.Event), Outcome: audit.Outcome(f.Outcome), Since: f.Since, Until: f.Until}
}

func (a *api) auditRoutes() {
	register(a, huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: "/audit", Tags: []string{"Audit log"}, Summary: "List events, newest first",
		Description: "To follow the log, ask again with since a few seconds before the newest event seen, and drop the ids that were seen. A page may be short, even empty, and still have a next."}, a.listEvents)
	export := huma.Operation{OperationID: "export-events", Method: http.MethodGet, Path: "/audit/export", Tags: []string{"Audit log"}, Summary: "Export events as JSON lines, newest first",
		Description: "The log comes in parts of about 2 MB. While there is another, the answer has a Link header with rel=next (RFC 8288 §3)."}
	register(a, export, a.exportEvents)
	answer := a.huma.OpenAPI().Paths[export.Path].Get.Responses["200"]
	answer.Description, answer.Content = "One event a line", map[string]*huma.MediaType{jsonLines: {}}
}

const jsonLines = "application/jsonl"

// Event is one with the application's name, by which people know it. The log itself says its id.
type Event struct {
	audit.Event
	ClientName string `json:"client_name,omitempty" doc:"Left out when the application is gone."`
	ClientURL  string `json:"client_url,omitempty" doc:"Where the application describes itself: what it sends as its client_id."`
}

func (a *api) listEvents(ctx context.Context, in *struct {
	ListInput
	EventFilter
}) (*listOutput[Event], error) {
	q := in.query()
	q.Limit, q.Cursor = in.Limit, in.Cursor
	page, err := a.audit.List(ctx, q)
	if err != nil {
		return nil, err
	}
	n := a.names(ctx)
	return listOf(page.Events, page.Next, func(e audit.Event) (Event, error) {
		if e.ClientID == "" {
			return Event{Event: e}, nil
		}
		client, err := n.client(e.ClientID)
		return Event{e, client.Name, client.URL}, err
	})
}

type exportOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Link        string `header:"Link" doc:"Where the next part is; not there with the last."`
	Body        []byte
}

// exportEvents answers with a part that is complete, or with an error: nobody takes half of it for the whole.
func (a *api) exportEvents(ctx context.Context, in *struct {
	EventFilter
	Cursor string `query:"cursor" maxLength:"1000" doc:"Of the next part, as the Link header of the one before says."`
}) (*exportOutput, error) {
	q := in.query()
	q.Cursor = in.Cursor
	part, next, err := a.audit.Export(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &exportOutput{ContentType: jsonLines, Disposition: `attachment; filename="vetassist-audit.jsonl"`, Body: part}
	if next != "" {
		out.Link = fmt.Sprintf(`<%s%s/audit/export?%s>; rel="next"`, a.BaseURL, versionPath, in.asQuery(next).Encode())
	}
	return out, nil
}

// asQuery is the filter as parameters of a URL, with a cursor.
func (f EventFilter) asQuery(cursor string) url.Values {
	q := url.Values{"cursor": {cursor}}
	for name, value := range map[string]string{"user_id": f.UserID, "client_id": f.ClientID, "event": f.Event, "outcome": f.Outcome} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return q
}
