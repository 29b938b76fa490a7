package workshop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// Workshop is one at a VetAssist.
type Workshop struct {
	Base      string // "https://vetassist.example.com"
	Prefix    string // of its attendees' usernames
	Login     Login
	Transport http.RoundTripper // nil: the usual one
	Progress  io.Writer         // a line for each thing that is done
	Now       func() time.Time
	Rand      io.Reader // for passwords

	say sync.Mutex
}

func (w *Workshop) admin() *admin {
	client := visitor.NewClient(w.Base, Patience{Next: w.Transport})
	client.Agent = "vetassist-workshop/1.0"
	return &admin{client, w.Login}
}

func (w *Workshop) progress(format string, args ...any) {
	w.say.Lock()
	defer w.say.Unlock()
	fmt.Fprintf(w.Progress, format+"\n", args...)
}

// Made is what became of one attendee.
type Made struct {
	Card
	New bool // something was made
	Err error
}

// scopes are all six: what an attendee may do of them, the role says.
var scopes = []string{"pet-profile:read", "pet-profile:write", "appointment:read", "appointment:write", "reminder:read", "reminder:write"}

// redirects are those of the chat, and of the hosts that the README names (Connect your host).
func (w *Workshop) redirects() []string {
	return []string{w.Base + "/callback", "http://localhost:6274/oauth/callback", "http://127.0.0.1:33418/", "https://vscode.dev/redirect",
		"http://localhost:3118/callback", "http://localhost:8787/callback"}
}

// roster is who and what is there under the workshop's names.
type roster struct {
	users map[string]user          // by username
	apps  map[string][]application // by name
}

func (w *Workshop) roster(ctx context.Context, a *admin) (roster, error) {
	r := roster{map[string]user{}, map[string][]application{}}
	users, err := all[user](ctx, a, "/users", url.Values{"prefix": {w.Prefix + "-"}})
	if err != nil {
		return r, err
	}
	for _, u := range users {
		r.users[u.Username] = u
	}
	apps, err := all[application](ctx, a, "/applications", url.Values{"prefix": {w.Prefix + "-"}})
	for _, app := range apps {
		if app.Source == "admin" { // whoever registered itself may call itself anything
			r.apps[app.Name] = append(r.apps[app.Name], app)
		}
	}
	return r, err
}

// ours reports whether a workshop made the user, and nobody made more of them since; else why is what to say.
func (a attendee) ours(u user) (ok bool, why string) {
	switch {
	case u.Name != a.mark():
		return false, "somebody else has this username: left alone"
	case slices.ContainsFunc(u.Roles, func(role string) bool { return role != ownerRole }):
		return false, "has other roles by now (" + clean(strings.Join(u.Roles, ", ")) + "): left alone"
	}
	return true, ""
}

// attendees are those whom a workshop made, in order.
func (w *Workshop) attendees(r roster) []attendee {
	var there []attendee
	for name, u := range r.users {
		if a, ok := numbered(w.Prefix, name); ok {
			if ours, why := a.ours(u); ours {
				there = append(there, a)
			} else {
				w.progress("%s  %s", name, why)
			}
		}
	}
	slices.SortFunc(there, func(a, b attendee) int { return a.n - b.n })
	return there
}

// ready says what is missing at the server before a workshop can begin.
func (w *Workshop) ready(ctx context.Context, a *admin) error {
	for what, path := range map[string]string{"the " + petServer + " server": "/servers/" + serverID, "the role " + ownerRole: "/roles/" + url.PathEscape(ownerRole),
		"the role " + staffRole: "/roles/" + url.PathEscape(staffRole)} {
		err := a.call(ctx, http.MethodGet, path, nil, nil)
		if p := (*Problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotFound {
			return fmt.Errorf("%s is missing here: a workshop needs the demo, which a server has that was not begun with -seed none", what)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Make makes what is missing of so many attendees. The error is for what stopped all; what failed for one is in the list, which is of all whom it
// came to, in order: they may have a password that nobody is told again.
func (w *Workshop) Make(ctx context.Context, count int) ([]Made, error) {
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
	var list []attendee
	for n := range count {
		list = append(list, attendee{w.Prefix, n + 1})
	}
	made := make([]Made, count)
	crew(ctx, list, func(ctx context.Context, one attendee) {
		m := &made[one.n-1]
		*m = w.make(ctx, a, staff, r, one, count)
		switch {
		case m.Err != nil:
			w.progress("%s  failed: %v", one.username(), m.Err)
		case m.New:
			w.progress("%s  ready, with %s", one.username(), m.Pet)
		default:
			w.progress("%s  there already", one.username())
		}
	})
	return slices.DeleteFunc(made, func(m Made) bool { return m.Username == "" }), ctx.Err()
}

func (w *Workshop) make(ctx context.Context, a *admin, staff *registrar, r roster, one attendee, count int) Made {
	m := Made{Card: w.card(one, count)}
	u, there := r.users[one.username()]
	if there {
		if ours, why := one.ours(u); !ours {
			m.Err = errors.New(why)
			return m
		}
	}
	m.New, m.Err = w.makeUser(ctx, a, one, &u, there, &m.Card)
	steps := []func() (bool, error){
		func() (bool, error) {
			return false, a.call(ctx, http.MethodPut, "/clinic/owners/"+u.ID, nil, nil)
		},
		func() (bool, error) { return w.makeApp(ctx, a, r.apps[one.appName()], one, &m.Card) },
		func() (bool, error) { return staff.enter(ctx, u.ID, one) },
	}
	for _, step := range steps {
		if m.Err != nil {
			break
		}
		var did bool
		did, m.Err = step()
		m.New = m.New || did
	}
	return m
}

// makeUser makes the password too, and not the server, so that a request whose answer was lost can be sent again.
func (w *Workshop) makeUser(ctx context.Context, a *admin, one attendee, u *user, there bool, card *Card) (bool, error) {
	if there {
		if slices.Contains(u.Roles, ownerRole) {
			return false, nil
		}
		return true, a.call(ctx, http.MethodPatch, "/users/"+u.ID, map[string][]string{"roles": {ownerRole}}, nil, "If-Match", u.ETag)
	}
	password, err := newPassword(w.Rand)
	if err != nil {
		return false, err
	}
	body := map[string]any{"username": one.username(), "name": one.mark(), "roles": []string{ownerRole}, "password": password}
	card.Password = password
	err = a.call(ctx, http.MethodPost, "/users", body, u, "Idempotency-Key", rand.Text())
	if p := (*Problem)(nil); errors.As(err, &p) { // else it may be made, and this is its password
		card.Password = ""
	}
	return err == nil, err
}

func (w *Workshop) makeApp(ctx context.Context, a *admin, there []application, one attendee, card *Card) (did bool, err error) {
	var app application
	if len(there) > 0 {
		err = a.call(ctx, http.MethodGet, "/applications/"+there[0].ID, nil, &app)
	} else {
		did = true
		err = a.call(ctx, http.MethodPost, "/applications", map[string]any{"name": one.appName(), "template": browserTemplate, "redirect_uris": w.redirects()}, &app,
			"Idempotency-Key", rand.Text())
	}
	if err != nil {
		return did, err
	}
	card.ClientID = app.ClientID
	if len(app.Authorizations) > 0 {
		return did, nil
	}
	return true, a.authorize(ctx, app.ID, scopes...)
}

func (a *admin) authorize(ctx context.Context, app string, scopes ...string) error {
	return a.call(ctx, http.MethodPut, "/applications/"+app+"/authorizations/"+serverID, map[string][]string{"scopes": scopes}, nil, whatever...)
}

// letters can be read from a printed card: none looks like another.
const letters = "abcdefghjkmnpqrstuvwxyz23456789"

// newPassword has 59 random bits, in three groups that can be typed.
func newPassword(random io.Reader) (string, error) {
	var out strings.Builder
	b := make([]byte, 1)
	for out.Len() < 14 {
		if out.Len() == 4 || out.Len() == 9 {
			out.WriteByte('-')
		}
		if _, err := io.ReadFull(random, b); err != nil {
			return "", err
		}
		if int(b[0]) < 256/len(letters)*len(letters) { // each letter as likely as the next
			out.WriteByte(letters[int(b[0])%len(letters)])
		}
	}
	return out.String(), nil
}
