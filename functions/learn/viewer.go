package learn

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// viewer is who looks: a person who is logged in at the authorization server, or only a browser.
type viewer struct {
	trace.Viewer
	user directory.User // ID is empty when nobody is logged in
}

// who finds out who looks. The login is that of the authorization server, by the same rules as there (functions/oauth/session.go).
func (s *server) who(r *http.Request) (viewer, error) {
	var v viewer
	if secret := s.seen.Read(r); secret != "" {
		v.Browser = web.Hash(secret)
	}
	secret := s.login.Read(r)
	if secret == "" {
		return v, nil
	}
	login, err := s.Access.Login(r.Context(), web.Hash(secret))
	if err == nil {
		v.user, err = s.Directory.ActiveUser(r.Context(), login.UserID)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, directory.ErrNotFound):
		v.user = directory.User{}
		return v, nil
	case err != nil:
		return viewer{}, err
	case v.user.Ended(login.Since, login.Epoch):
		v.user = directory.User{}
		return v, nil
	}
	v.User = v.user.ID
	v.All = slices.Contains(v.user.Roles, directory.AdministratorRole)
	return v, nil
}

// looked gives a handler the viewer.
func (s *server) looked(next func(http.ResponseWriter, *http.Request, viewer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.who(r)
		if err != nil {
			web.Fail(w, r, s.Log, err)
			return
		}
		next(w, r, v)
	}
}
