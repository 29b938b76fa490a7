package learn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/learn/course"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	maxOnBoard   = 50 // people on a page
	judgedAtOnce = 8
	boardEvents  = 2000 // of the audit log, read once for all
	readAdmin    = "admin:read"
)

// boardList is the answer of GET /learn/api/board.
type boardList struct {
	Lessons []boardLesson `json:"lessons"`
	People  []boardPerson `json:"people"`
	Next    string        `json:"next"`
}

type boardLesson struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Checks []string `json:"checks"` // ids
}

// boardPerson is how far somebody is. A lesson is passed when all of its checks are.
type boardPerson struct {
	User     string               `json:"user"`
	Username string               `json:"username"`
	Passed   map[string]time.Time `json:"passed"` // by lesson
	Checks   map[string]time.Time `json:"checks"` // by check
	Last     time.Time            `json:"last,omitzero"`
}

// problem answers as the admin API does (RFC 9457 §3).
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}) // what fails here is the caller's connection
}

// board tells administrators who has passed what: with an access token for the admin API, as that itself takes it, or in the browser in
// which they are logged in.
func (s *server) board(w http.ResponseWriter, r *http.Request) {
	no, err := s.mayLead(r)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	if no != nil {
		if c := no.challenge(s.BaseURL); c != "" {
			w.Header().Set("WWW-Authenticate", c)
		}
		problem(w, no.status, no.detail)
		return
	}
	users, next, err := s.boardPeople(r)
	var wrong *directory.FieldError
	if errors.As(err, &wrong) {
		problem(w, http.StatusBadRequest, "users is up to 50 usernames with commas between them; or prefix is how they begin, and cursor what the page before called next.")
		return
	}
	var list boardList
	if err == nil {
		list, err = s.boardOf(r.Context(), users)
	}
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	list.Next = next
	web.JSON(w, http.StatusOK, list)
}

// refusal is why somebody does not see the board.
type refusal struct {
	status int
	code   string // of RFC 6750 §3.1
	detail string
}

// challenge tells a client what to try next (RFC 6750 §3); empty where no other token would help.
func (no *refusal) challenge(base string) string {
	why := ""
	switch {
	case no.code != "":
		why = fmt.Sprintf("error=%q, error_description=%q, ", no.code, no.detail)
	case no.status != http.StatusUnauthorized:
		return ""
	}
	return fmt.Sprintf("Bearer %sresource_metadata=%q, scope=%q", why, base+"/.well-known/oauth-protected-resource/admin/api", readAdmin)
}

// mayLead finds out whether somebody may see the board; no refusal: yes.
func (s *server) mayLead(r *http.Request) (*refusal, error) {
	if r.Header.Get("Authorization") == "" {
		v, err := s.who(r)
		switch {
		case err != nil:
			return nil, err
		case v.All:
			return nil, nil
		case v.User != "":
			return &refusal{http.StatusForbidden, "", "Only an administrator may see the board."}, nil
		}
		return &refusal{http.StatusUnauthorized, "", "An access token for the admin API is needed, or a login of an administrator."}, nil
	}
	raw, err := web.Bearer(r)
	if err != nil {
		return &refusal{http.StatusUnauthorized, "", "An access token is needed."}, nil
	}
	claims, err := s.Tokens.Verify(r.Context(), raw)
	var invalid *token.InvalidError
	if errors.As(err, &invalid) {
		return &refusal{http.StatusUnauthorized, "invalid_token", "The access token was refused: " + invalid.Reason + "."}, nil
	}
	if err != nil {
		return nil, err
	}
	if claims.Key() != "" { // RFC 9449 §7.2
		return &refusal{http.StatusUnauthorized, "invalid_token", "The access token is bound to a key, and this takes bearer tokens only."}, nil
	}
	return s.stillLeads(r.Context(), claims)
}

// stillLeads asks what the bearer may do now, as the admin API does: a token may be ten minutes old.
func (s *server) stillLeads(ctx context.Context, c token.Claims) (*refusal, error) {
	invalid := func(detail string) (*refusal, error) {
		return &refusal{http.StatusUnauthorized, "invalid_token", detail}, nil
	}
	client, err := s.Directory.Client(ctx, c.ClientID)
	if errors.Is(err, directory.ErrNotFound) {
		return invalid("The application that this token was issued to is disabled or deleted.")
	}
	if err != nil {
		return nil, err
	}
	server, err := s.Directory.Server(ctx, directory.AdminServer)
	if err != nil {
		return nil, err
	}
	roles := client.Roles
	var decision rbac.Decision
	if c.Subject == c.ClientID {
		if c.IssuedAt.Before(client.SecretChanged) {
			return invalid("The application has another secret, or other keys, since this token was issued.")
		}
		decision, err = s.Directory.WhyMachine(ctx, client, server, c.Scopes())
	} else {
		var user directory.User
		user, err = s.Directory.ActiveUser(ctx, c.Subject)
		switch {
		case errors.Is(err, directory.ErrNotFound):
			return invalid("This user can no longer log in.")
		case err != nil:
			return nil, err
		case user.SignedOutSince(c.IssuedAt.Time):
			return invalid("You were signed out everywhere. Please log in again.")
		}
		roles = user.Roles
		decision, err = s.Directory.Why(ctx, user, client, server, c.Scopes())
	}
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(roles, directory.AdministratorRole) || !slices.Contains(c.Roles, directory.AdministratorRole):
		return &refusal{http.StatusForbidden, "", "Only the role " + directory.AdministratorRole + " may do this. Another administrator can give it to you."}, nil
	case !rbac.Satisfies(c.Scopes(), []string{readAdmin}):
		return &refusal{http.StatusForbidden, "insufficient_scope", "This needs the scope " + readAdmin + "."}, nil
	case !rbac.Satisfies(decision.Granted, []string{readAdmin}):
		return invalid("The scope " + readAdmin + " was taken back since this token was issued.")
	}
	return nil, nil
}

// boardPeople are those who were asked for.
func (s *server) boardPeople(r *http.Request) (users []directory.User, next string, err error) {
	q := r.URL.Query()
	if names := q.Get("users"); names != "" {
		list := strings.Split(names, ",")
		if len(list) > maxOnBoard {
			return nil, "", &directory.FieldError{Field: "users", Message: "are too many"}
		}
		for _, name := range list {
			id, err := s.Directory.UserIDByUsername(r.Context(), strings.TrimSpace(name))
			if errors.Is(err, directory.ErrNotFound) {
				continue
			}
			var user directory.User
			if err == nil {
				user, err = s.Directory.User(r.Context(), id)
			}
			if errors.Is(err, directory.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, "", err
			}
			users = append(users, user)
		}
		return users, "", nil
	}
	page, err := s.Directory.UsersByUsername(r.Context(), directory.Query{Prefix: q.Get("prefix"), Cursor: q.Get("cursor"), Limit: maxOnBoard})
	return page.Items, page.Next, err
}

// boardOf judges all of these people, some at once.
func (s *server) boardOf(ctx context.Context, users []directory.User) (boardList, error) {
	list := boardList{Lessons: []boardLesson{}, People: make([]boardPerson, len(users))}
	for _, l := range course.Lessons {
		lesson := boardLesson{ID: l.ID, Title: l.Title}
		for _, c := range l.Checks {
			lesson.Checks = append(lesson.Checks, c.ID)
		}
		list.Lessons = append(list.Lessons, lesson)
	}
	events, err := s.latestEvents(ctx)
	if err != nil {
		return list, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, judgedAtOnce)
	errs := make([]error, len(users))
	for i, u := range users {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			passed, err := s.judge(ctx, trace.Viewer{User: u.ID}, cmp.Or(events[u.ID], &[]audit.Event{}))
			list.People[i], errs[i] = personOn(u, passed), err
		})
	}
	wg.Wait()
	return list, errors.Join(errs...)
}

func personOn(u directory.User, passed map[string]course.Pass) boardPerson {
	p := boardPerson{User: u.ID, Username: u.Username, Passed: map[string]time.Time{}, Checks: map[string]time.Time{}}
	for id, pass := range passed {
		p.Checks[id] = pass.At.UTC()
		if pass.At.After(p.Last) {
			p.Last = pass.At.UTC()
		}
	}
	for _, l := range course.Lessons {
		if at, done := l.Done(passed); done {
			p.Passed[l.ID] = at.UTC()
		}
	}
	return p
}

// latestEvents are the newest events of the audit log by user: one reading for the whole board.
func (s *server) latestEvents(ctx context.Context) (map[string]*[]audit.Event, error) {
	by := map[string]*[]audit.Event{}
	q := audit.Query{Since: s.Now().Add(-trace.Keep), Limit: audit.MaxLimit}
	for read := 0; read < boardEvents; {
		page, err := s.Audit.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			if e.UserID == "" {
				continue
			}
			if by[e.UserID] == nil {
				by[e.UserID] = &[]audit.Event{}
			}
			*by[e.UserID] = append(*by[e.UserID], e)
		}
		read += max(len(page.Events), audit.DefaultLimit)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return by, nil
}
