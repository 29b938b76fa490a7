package learn

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/learn/diagram"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	flowsOnPage    = 20
	maxFlowsOnPage = 50
	maxLooked      = 100 // flows that one request reads: with a filter a page may hold less than it could
	maxFilter      = 200 // bytes
)

// flowFilter is what a viewer wants to see of the list.
type flowFilter struct {
	Text, Party, Outcome string
	Person               string // username or name; of an administrator
	Before               string // the flow above which the page begins
	Limit                int
}

// flowLine is a flow in a list.
type flowLine struct {
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Begin     time.Time      `json:"begin"`
	Who       []string       `json:"who"`     // people, and what clients call themselves
	Clients   []string       `json:"clients"` // client_ids
	Lanes     []diagram.Lane `json:"lanes"`
	Exchanges int            `json:"exchanges"`
	Outcome   string         `json:"outcome"` // see outcomeOf
}

// flowList is the answer of GET /flow/api/flows.
type flowList struct {
	Flows []flowLine `json:"flows"`
	Next  string     `json:"next,omitempty"` // for ?before=
}

// readFilter takes what it can read of a query.
func readFilter(r *http.Request, v viewer) flowFilter {
	get := func(name string) string {
		s := strings.TrimSpace(r.URL.Query().Get(name))
		return strings.ToValidUTF8(s[:min(len(s), maxFilter)], "")
	}
	f := flowFilter{Text: get("q"), Party: get("party"), Outcome: get("outcome"), Before: get("before"), Limit: flowsOnPage}
	if v.All {
		f.Person = get("person")
	}
	if n, err := strconv.Atoi(get("limit")); err == nil && 0 < n && n <= maxFlowsOnPage {
		f.Limit = n
	}
	return f
}

// any tells whether the filter leaves something out.
func (f flowFilter) any() bool { return f.Text+f.Party+f.Outcome+f.Person != "" }

func (f flowFilter) fits(l flowLine) bool {
	has := func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	return (f.Text == "" || has(l.Title, f.Text) || has(strings.Join(l.Who, " "), f.Text)) &&
		(f.Party == "" || slices.ContainsFunc(l.Lanes, func(lane diagram.Lane) bool { return string(lane.Party) == f.Party })) &&
		(f.Outcome == "" || l.Outcome == f.Outcome) &&
		(f.Person == "" || slices.ContainsFunc(l.Who, func(who string) bool { return has(who, f.Person) }))
}

func (s *server) listFlows(w http.ResponseWriter, r *http.Request, v viewer) {
	list, err := s.flows(r.Context(), v, readFilter(r, v))
	if err != nil {
		web.Fail(w, r, s.Log, err)
		return
	}
	web.JSON(w, http.StatusOK, list)
}

// flows are a page of those that the viewer may see and the filter leaves, the newest first.
func (s *server) flows(ctx context.Context, v viewer, f flowFilter) (flowList, error) {
	list := flowList{Flows: []flowLine{}}
	names := map[string]string{}
	before := f.Before
	for looked := 0; looked < maxLooked; {
		ids, next, err := s.Flows.Flows(ctx, v.Viewer, before, f.Limit)
		if err != nil {
			return list, err
		}
		for i, id := range ids {
			looked++
			before = id
			records, err := s.Flows.Flow(ctx, id, v.Viewer)
			if errors.Is(err, trace.ErrNotFound) {
				continue
			}
			if err != nil {
				return list, err
			}
			line, err := s.line(ctx, id, records, names)
			if err != nil {
				return list, err
			}
			if f.fits(line) {
				list.Flows = append(list.Flows, line)
			}
			if len(list.Flows) == f.Limit {
				if next != "" || i < len(ids)-1 {
					list.Next = id
				}
				return list, nil
			}
		}
		if next == "" {
			return list, nil
		}
	}
	list.Next = before
	return list, nil
}

// line tells of a flow what a list shows. names remembers who is who.
func (s *server) line(ctx context.Context, id string, records []trace.Record, names map[string]string) (flowLine, error) {
	l := flowLine{ID: id, Title: diagram.Title(records), Begin: records[0].Begin.Time, Who: []string{}, Clients: []string{}, Lanes: diagram.Lanes(records), Exchanges: len(records), Outcome: outcomeOf(records)}
	for _, r := range records {
		name, err := s.nameOf(ctx, r.Subject, names)
		if err != nil {
			return l, err
		}
		if name != "" && !slices.Contains(l.Who, name) {
			l.Who = append(l.Who, name)
		}
	}
	for _, r := range records {
		if r.Client != "" && !slices.Contains(l.Clients, r.Client) && len(l.Clients) < 5 {
			l.Clients = append(l.Clients, r.Client)
		}
		if r.From == trace.Client && r.Name != "" && !slices.Contains(l.Who, r.Name) && len(l.Who) < 5 {
			l.Who = append(l.Who, r.Name)
		}
	}
	return l, nil
}

// nameOf is what people call whom a record is about.
func (s *server) nameOf(ctx context.Context, subject string, names map[string]string) (string, error) {
	if subject == "" {
		return "", nil
	}
	if name, ok := names[subject]; ok {
		return name, nil
	}
	user, err := s.Directory.User(ctx, subject)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		user.Username = subject // deleted, or an application that acts for itself
	case err != nil:
		return "", err
	}
	name := user.Username
	if user.Name != "" && user.Name != user.Username {
		name = user.Name + " (" + user.Username + ")"
	}
	names[subject] = name
	return name, nil
}
