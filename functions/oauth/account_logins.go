package oauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
)

// loginRow is one browser in which a person is logged in.
type loginRow struct {
	ID      string
	This    bool // it is the browser that asks
	Browser string
	Method  string
	From    string
	Since   moment
}

// logins are where a person is logged in, the newest first; of very many, some.
func (s *server) logins(ctx context.Context, v visit) ([]loginRow, error) {
	page, err := s.access.LoginsOf(ctx, v.user.ID, access.Query{})
	var rows []loginRow
	for _, l := range page.Items {
		if v.user.Ended(l.Since, l.Epoch) {
			continue // it is over, and only not cleaned up
		}
		rows = append(rows, loginRow{ID: l.ID, This: l.ID == v.login.ID, Browser: browserName(l.Agent), Method: l.Method, From: l.From, Since: moment{l.Since}})
	}
	return rows, err
}

// endLogin ends one of a person's logins. In the browser that asks that is a logout.
func (s *server) endLogin(w http.ResponseWriter, r *http.Request, v visit) {
	id := r.PostForm.Get("login")
	if id == v.login.ID {
		if err := s.endSession(r.Context(), w, v); err != nil {
			s.fail(w, r, err)
			return
		}
		redirectTo(w, "/oauth/logout")
		return
	}
	login, err := s.access.Login(r.Context(), id)
	if err == nil && login.UserID == v.user.ID {
		var op store.Op
		op, err = s.audit.Op(r.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: v.user.ID, Details: map[string]string{"of": "another browser"}})
		if err == nil {
			err = s.access.EndLogin(r.Context(), id, op)
		}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) { // one that is over already is no error
		s.fail(w, r, err)
		return
	}
	accountDone(w, "login")
}

func (s *server) endOtherLogins(w http.ResponseWriter, r *http.Request, v visit) {
	ended := 0
	err := finish(func() error {
		n, err := s.access.EndLoginsOf(r.Context(), v.user.ID, v.login.ID)
		ended += n
		return err
	})
	if ended > 0 {
		s.audit.Record(r.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: v.user.ID,
			Details: map[string]string{"of": "all other browsers", "logins": strconv.Itoa(ended)}})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	accountDone(w, "logins")
}

// browserName is a guess at what people call the browser behind a User-Agent header. They all claim to be others; the
// first that is found here is the one that it is.
func browserName(agent string) string {
	name := func(marks ...string) string {
		for i := 0; i < len(marks); i += 2 {
			if strings.Contains(agent, marks[i]) {
				return marks[i+1]
			}
		}
		return ""
	}
	browser := name("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := name("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS X", "macOS", "Linux", "Linux")
	switch {
	case browser == "":
		return "Unknown browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}
