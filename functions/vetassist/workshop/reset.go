package workshop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Find are those whom -reset or -remove is about: an attendee's username, or all.
func (w *Workshop) Find(ctx context.Context, what string) ([]string, error) {
	r, err := w.roster(ctx, w.admin())
	if err != nil {
		return nil, err
	}
	list, err := named(w.Prefix, what, w.attendees(r))
	var names []string
	for _, a := range list {
		names = append(names, a.username())
	}
	return names, err
}

// Reset takes attendees back to where they began: consents, grants, logins, and all that the clinic has of them, go; a pet as in the beginning comes.
// Users, applications and passwords stay, unless there are to be new ones: then their passkeys go as well.
func (w *Workshop) Reset(ctx context.Context, names []string, newPasswords bool) ([]Made, error) {
	a := w.admin()
	if err := w.ready(ctx, a); err != nil {
		return nil, err
	}
	r, err := w.roster(ctx, a)
	if err != nil {
		return nil, err
	}
	staff := w.registrar(a)
	defer staff.close(ctx)
	there := w.attendees(r)
	count := 0
	for _, one := range there {
		count = max(count, one.n)
	}
	there = slices.DeleteFunc(there, func(one attendee) bool { return !slices.Contains(names, one.username()) })
	return w.each(ctx, there, "reset", func(ctx context.Context, one attendee, m *Made) error {
		u := r.users[one.username()]
		m.Card = w.card(one, count)
		if err := w.takeBack(ctx, a, u, newPasswords, &m.Card); err != nil {
			return err
		}
		again := w.make(ctx, a, staff, r, one, count)
		m.ClientID = again.ClientID
		return again.Err
	})
}

func (w *Workshop) takeBack(ctx context.Context, a *admin, u user, newPasswords bool, card *Card) error {
	consents, err := all[struct {
		ID string `json:"id"`
	}](ctx, a, "/consents", url.Values{"user_id": {u.ID}})
	if err != nil {
		return err
	}
	for _, c := range consents {
		if err := missing(a.call(ctx, http.MethodDelete, "/consents/"+url.PathEscape(c.ID), nil, nil)); err != nil {
			return err
		}
	}
	if err := a.call(ctx, http.MethodPost, "/users/"+u.ID+"/sign-out", nil, nil); err != nil {
		return err
	}
	if newPasswords {
		if err := w.changePassword(ctx, a, u, card); err != nil {
			return err
		}
	}
	return missing(a.call(ctx, http.MethodDelete, "/clinic/owners/"+u.ID, nil, nil))
}

// changePassword removes passkeys too: whoever knew the old password may have added one.
func (w *Workshop) changePassword(ctx context.Context, a *admin, u user, card *Card) error {
	keys, err := all[struct {
		ID string `json:"id"`
	}](ctx, a, "/users/"+u.ID+"/passkeys", url.Values{})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := missing(a.call(ctx, http.MethodDelete, "/users/"+u.ID+"/passkeys/"+url.PathEscape(k.ID), nil, nil)); err != nil {
			return err
		}
	}
	password, err := newPassword(w.Rand)
	if err == nil {
		err = a.call(ctx, http.MethodPut, "/users/"+u.ID+"/password", map[string]string{"password": password}, nil)
	}
	if err == nil {
		card.Password = password
	}
	return err
}

// Remove deletes all that the workshop made of these attendees: records of the clinic, applications, users.
func (w *Workshop) Remove(ctx context.Context, names []string) ([]Made, error) {
	a := w.admin()
	r, err := w.roster(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := w.registrar(a).clear(ctx); err != nil {
		return nil, err
	}
	there := slices.DeleteFunc(w.attendees(r), func(one attendee) bool { return !slices.Contains(names, one.username()) })
	return w.each(ctx, there, "removed", func(ctx context.Context, one attendee, m *Made) error {
		u := r.users[one.username()]
		m.Username = one.username()
		for _, app := range r.apps[one.appName()] {
			if app.Template != browserTemplate {
				continue
			}
			if err := missing(a.remove(ctx, app.ID)); err != nil {
				return err
			}
		}
		// The user goes last, so that a run that was interrupted finds the rest by it, and is disabled first: nothing is refreshed meanwhile.
		var off user
		if err := a.call(ctx, http.MethodPatch, "/users/"+u.ID, map[string]bool{"disabled": true}, &off, "If-Match", u.ETag); err != nil {
			return err
		}
		if err := missing(a.call(ctx, http.MethodDelete, "/clinic/owners/"+u.ID, nil, nil)); err != nil {
			return err
		}
		return missing(a.call(ctx, http.MethodDelete, "/users/"+u.ID, nil, nil, "If-Match", off.ETag))
	})
}

// each does something for attendees, and says so.
func (w *Workshop) each(ctx context.Context, list []attendee, done string, do func(context.Context, attendee, *Made) error) ([]Made, error) {
	results := make([]Made, len(list))
	index := map[attendee]int{}
	for i, one := range list {
		index[one] = i
	}
	crew(ctx, list, func(ctx context.Context, one attendee) {
		m := &results[index[one]]
		if m.Err = do(ctx, one, m); m.Err != nil {
			m.Username = one.username()
			w.progress("%s  failed: %v", one.username(), m.Err)
			return
		}
		m.New = true
		w.progress("%s  %s", one.username(), done)
	})
	return slices.DeleteFunc(results, func(m Made) bool { return m.Username == "" }), ctx.Err()
}

// missing is no error where a thing was to be deleted.
func missing(err error) error {
	if p := (*Problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// Failed counts what failed.
func Failed(list []Made) (n int) {
	for _, m := range list {
		if m.Err != nil {
			n++
		}
	}
	return n
}

// Names says who they are, in a few words.
func Names(names []string) string {
	switch len(names) {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	}
	return fmt.Sprintf("%d attendees (%s to %s)", len(names), names[0], names[len(names)-1])
}
