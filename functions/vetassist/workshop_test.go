package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/functions/vetassist/workshop"
	"github.com/vetassist/vetassist/shared/directory"
)

// workshop is one at this server, with the demo's administrator.
func (w *world) workshop(progress io.Writer) *workshop.Workshop {
	w.t.Helper()
	login, err := workshop.AsDemoAdministrator(w.t.Context(), w.URL, nil, w.clock.Now, "admin:read", "admin:write")
	if err != nil {
		w.t.Fatal(err)
	}
	return &workshop.Workshop{Base: w.URL, Prefix: workshop.DefaultPrefix, Login: login, Progress: progress, Now: w.clock.Now, Rand: rand.Reader}
}

func (w *world) attendees(shop *workshop.Workshop, n int) []workshop.Made {
	w.t.Helper()
	made, err := shop.Make(w.t.Context(), n)
	if err != nil || len(made) != n || workshop.Failed(made) > 0 {
		w.t.Fatalf("%+v, %v", made, err)
	}
	return made
}

// guest is an attendee at a browser.
type guest struct {
	*visitor.Browser
	card workshop.Card
	seen strings.Builder // all that was on the screen
	busy *atomic.Int64   // how often a server asked to wait
}

func (w *world) guest(card workshop.Card, busy *atomic.Int64) *guest {
	patient := workshop.Patience{Pause: func(ctx context.Context, d time.Duration) error {
		busy.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d): // what a person does
			return nil
		}
	}}
	return &guest{Browser: visitor.NewBrowser(w.URL, patient), card: card, busy: busy}
}

// say asks the chat, goes wherever the answer sends one, and returns what is on the screen then.
func (g *guest) say(ctx context.Context, message string) (string, error) {
	a, err := g.Ask(ctx, message)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", message, a.Status, a.Message)
	}
	if err != nil {
		return "", err
	}
	address := g.Base + "/"
	if a.AuthorizeURL != "" {
		address = a.AuthorizeURL
	}
	p, err := g.Open(ctx, address)
	if err == nil && p.Has("username") {
		p, err = g.Login(ctx, g.card.Username, g.card.Password)
	}
	if err == nil && p.Has("decision") {
		p, err = g.Allow(ctx)
	}
	if err == nil && p.Status != http.StatusOK {
		err = fmt.Errorf("%s: %d %.200s", message, p.Status, p.Text())
	}
	if err != nil {
		return "", err
	}
	g.seen.WriteString(p.Text() + "\n")
	after := strings.ReplaceAll(p.Text(), "after you said: "+message, "") // that is the link to its flow, below the answer
	if i := strings.LastIndex(after, message); i >= 0 {
		after = after[i+len(message):]
	}
	return after, nil
}

// booked asks for a time until there is an appointment: of the free ones that are offered instead, the one of this attendee's turn.
func (g *guest) booked(ctx context.Context, turn int, day string) (string, error) {
	at := "10:00"
	for range 20 {
		text, err := g.say(ctx, fmt.Sprintf("Book an appointment for %s on %s at %s", g.card.Pet, day, at))
		for range 5 {
			if err != nil || strings.Contains(text, "Appointment booked") || g.Page == nil || !g.Page.Has("f0") {
				break
			}
			var offered []string
			for _, f := range g.Page.Forms {
				for _, field := range f.Fields {
					if field.Name == "f0" && field.Value != "" {
						offered = append(offered, field.Value)
					}
				}
			}
			var p *visitor.Page
			if p, err = g.Submit(ctx, "f0", url.Values{"f0": {offered[turn%len(offered)]}}); err == nil {
				text = p.Text()
				g.seen.WriteString(text + "\n")
			}
		}
		if err != nil || strings.Contains(text, "Appointment booked") {
			return text, err
		}
		turn += 7
		at = fmt.Sprintf("%02d:%02d", 8+turn%20/2, turn%2*30) // another of the twenty times of the day
	}
	return "", errors.New("no appointment after twenty times")
}

// story is the one of the README, with the attendee's own pet.
func (g *guest) story(ctx context.Context, turn int, day string) (due string, err error) {
	text, err := g.say(ctx, g.card.Say[0])
	if err != nil {
		return "", err
	}
	if !strings.Contains(text, g.card.Pet) || !strings.Contains(text, "Rabies") || strings.Contains(text, "overdue") {
		return "", fmt.Errorf("%s is told of %s: %s", g.card.Username, g.card.Pet, text)
	}
	due = text
	if _, err = g.booked(ctx, turn, day); err != nil {
		return "", err
	}
	if text, err = g.say(ctx, g.card.Say[2]); err == nil && !strings.Contains(text, "Pet Owner") {
		err = fmt.Errorf("the role stops no change: %s", text)
	}
	if err != nil {
		return "", err
	}
	if text, err = g.say(ctx, g.card.Say[3]); err == nil && !strings.Contains(text, "There is no pet called") {
		err = fmt.Errorf("%s, a neighbour's dog: %s", g.card.Neighbour, text)
	}
	return due, err
}

// TestWorkshopOfThirty: thirty people behind one address tell the story at once, each with a dog of their own. All of them get their own answer and
// an appointment, no vet has two at a time, nobody sees anybody else's dog, and no limit that is meant for attackers stops them.
func TestWorkshopOfThirty(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Now = time.Now })
	w.clock.now = time.Now()
	const people = 30
	shop := w.workshop(io.Discard)
	shop.Now = time.Now
	made := w.attendees(shop, people)

	day := openDay()
	var busy atomic.Int64
	guests, dues, errs := make([]*guest, people), make([]string, people), make([]error, people)
	began := time.Now()
	var class sync.WaitGroup
	for i, m := range made {
		guests[i] = w.guest(m.Card, &busy)
		class.Go(func() { dues[i], errs[i] = guests[i].story(t.Context(), i, day) })
	}
	class.Wait()
	t.Logf("%d stories in %v; %d times somebody was asked to wait", people, time.Since(began).Round(time.Millisecond), busy.Load())
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}

	differ := map[string]bool{}
	for i, g := range guests {
		differ[strings.ReplaceAll(dues[i], g.card.Pet, "")] = true
		for j, other := range guests {
			if name := other.card.Pet; i != j && name != g.card.Neighbour && strings.Contains(g.seen.String(), name) {
				t.Errorf("%s saw %s", g.card.Username, name)
			}
			if i != j && strings.Contains(g.seen.String(), other.card.Username) {
				t.Errorf("%s saw %s", g.card.Username, other.card.Username)
			}
		}
	}
	if len(differ) < 20 {
		t.Errorf("only %d dates among %d dogs", len(differ), people)
	}

	type visits struct {
		Appointments []struct {
			Pet        struct{ Name string }
			Owner      struct{ Name string }
			Date, Time string
			Vet        string
		}
		Next string `json:"next_cursor"`
	}
	token := w.tokensFor("carol", "appointment:read").Access
	slots, pets := map[string]string{}, map[string]int{}
	for _, m := range made {
		for _, a := range structured[visits](t, w.callTool(token, "list_appointments", `{"pet": "`+m.Pet+`"}`)).Appointments {
			slot := a.Date + " " + a.Time + " " + a.Vet
			if slots[slot] != "" || a.Vet == "" {
				t.Errorf("%q has %s and %s", slot, slots[slot], a.Pet.Name)
			}
			slots[slot] = a.Pet.Name
			pets[a.Pet.Name]++
		}
	}
	for _, m := range made {
		if pets[m.Pet] != 1 {
			t.Errorf("%s has %d appointments", m.Pet, pets[m.Pet])
		}
	}
}

// TestWorkshopOwnApplication: the client id of a card works for a host, with the attendee's own login.
func TestWorkshopOwnApplication(t *testing.T) {
	w := newWorld(t)
	made := w.attendees(w.workshop(io.Discard), 2)
	card := made[1].Card
	client := visitor.NewClient(w.URL, nil)
	client.ID, client.Redirect = card.ClientID, "http://localhost:6274/oauth/callback" // MCP Inspector
	got, err := client.Connect(t.Context(), visitor.NewBrowser(w.URL, nil), card.Username, card.Password, "pet-profile:read", "pet-profile:write")
	if err != nil || got.Scope != "pet-profile:read" { // the role stops the other
		t.Fatalf("%+v, %v", got, err)
	}
	a, err := client.CallTool(t.Context(), got.Access, "list_pets", map[string]any{})
	if err != nil || !strings.Contains(string(a.Body), card.Pet) || strings.Contains(string(a.Body), made[0].Pet) {
		t.Errorf("%s, %v", a.Body, err)
	}
	for _, redirect := range []string{w.URL + "/callback", "http://127.0.0.1:50123/", "https://vscode.dev/redirect", "http://localhost:3118/callback"} {
		client.Redirect = redirect
		b := visitor.NewBrowser(w.URL, nil)
		if p, err := b.Open(t.Context(), client.Request(nil).URL); err != nil || !p.Has("username") {
			t.Errorf("%s: %v %v", redirect, p.Text(), err)
		}
	}
}

// TestWorkshopAgain: what is there stays as it is, what is missing is made, and who is none of the workshop's is left alone.
func TestWorkshopAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var said bytes.Buffer
	shop := w.workshop(&said)
	first := w.attendees(shop, 3)
	seen := map[string]bool{}
	for _, m := range first {
		if !m.New || len(m.Password) != 14 || seen[m.Password] || seen[m.Pet] || seen[m.ClientID] || m.Neighbour == "" || m.Neighbour == m.Pet {
			t.Errorf("%+v", m)
		}
		seen[m.Password], seen[m.Pet], seen[m.ClientID] = true, true, true
	}
	w.change(func(d *directory.Directory) error { // somebody breaks the second, and has a name of the workshop's
		r, err := d.ClientRecord(t.Context(), first[1].ClientID)
		if err == nil {
			err = d.DeleteClient(t.Context(), first[1].ClientID, r.Version, true)
		}
		if err == nil {
			_, err = d.AddUser(t.Context(), directory.NewUser{ID: "user-elsewhere", Username: "attendee-05", Name: "Eve", Roles: []string{"Pet Owner"}, Password: "correct horse"})
		}
		return err
	})
	w.clock.turn(48 * time.Hour) // and the login of the workshop is refreshed
	second, err := shop.Make(t.Context(), 5)
	if err != nil || workshop.Failed(second) != 1 {
		t.Fatalf("%+v, %v", second, err)
	}
	for i, want := range []struct{ made, password bool }{{false, false}, {true, false}, {false, false}, {true, true}, {false, false}} {
		if m := second[i]; m.New != want.made || (m.Password != "") != want.password || i < 3 && i != 1 && m.ClientID != first[i].ClientID {
			t.Errorf("%d: %+v", i+1, m)
		}
	}
	if second[4].Err == nil || !strings.Contains(said.String(), "attendee-05  failed: somebody else has this username: left alone") {
		t.Errorf("%v\n%s", second[4].Err, &said)
	}
	info := w.callTool(w.tokensFor("carol", "pet-profile:read").Access, "get_pet_vaccination_info", `{"pet":"`+first[0].Pet+`"}`)
	if got := strings.Count(string(info.body), `"last_given"`); got != 2 { // rabies and dhpp, and no dose of the second run's day
		t.Errorf("%d vaccines: %s", got, info.body)
	}

	// Who became more than a pet owner is none of the workshop's business any more.
	w.change(func(d *directory.Directory) error {
		id, err := d.UserIDByUsername(t.Context(), "attendee-04")
		if err != nil {
			return err
		}
		r, err := d.UserRecord(t.Context(), id)
		if err == nil {
			_, err = d.UpdateUser(t.Context(), id, r.Version, directory.UserEdit{Roles: &[]string{"Pet Owner", "Vet Staff"}})
		}
		return err
	})
	for _, what := range []string{"bob", "attendee-5", "attendee-04", "attendee-05", "attendee-99"} {
		if names, err := shop.Find(t.Context(), what); err == nil {
			t.Errorf("%s: %q", what, names)
		}
	}
	names, err := shop.Find(t.Context(), "all")
	if err != nil || !slices.Equal(names, []string{"attendee-01", "attendee-02", "attendee-03"}) {
		t.Errorf("%q, %v", names, err)
	}
}

// TestWorkshopReset: of what an attendee did nothing is left; the password, the application and everybody else's things are.
func TestWorkshopReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.workshop(io.Discard)
	made := w.attendees(shop, 3)
	var busy atomic.Int64
	var guests []*guest
	for i, m := range made {
		g := w.guest(m.Card, &busy)
		if _, err := g.story(t.Context(), i, "1 December 2026"); err != nil {
			t.Fatal(err)
		}
		if text, err := g.say(t.Context(), "Remind me on 2 December 2026 to buy food for "+m.Pet); err != nil || !strings.Contains(text, "eminder") {
			t.Fatalf("%s, %v", text, err)
		}
		guests = append(guests, g)
	}
	again, err := shop.Reset(t.Context(), []string{"attendee-02"}, false)
	if err != nil || len(again) != 1 || again[0].Err != nil || again[0].Password != "" || again[0].ClientID != made[1].ClientID {
		t.Fatalf("%+v, %v", again, err)
	}
	token := w.tokensFor("carol", "appointment:read", "reminder:read", "pet-profile:read").Access
	count := func(tool, pet, more, what string) int {
		a := w.callTool(token, tool, `{"pet":"`+pet+`"`+more+`}`).result(t)
		return strings.Count(string(a.Result.Structured), what)
	}
	for i, want := range []int{1, 0, 1} {
		if got := count("list_appointments", made[i].Pet, "", `"id":"apt-`); got != want {
			t.Errorf("%s has %d appointments, want %d", made[i].Username, got, want)
		}
		if got := count("get_pet_vaccination_info", made[i].Pet, "", `"status":"due soon"`); got != 3 { // the pet, what is next, and rabies in the plan
			t.Errorf("%s: %d are due soon", made[i].Pet, got)
		}
	}
	// It begins anew: the login is gone, the consent is asked for, the reminder is no more.
	second := w.guest(made[1].Card, &busy)
	if a, err := second.Ask(t.Context(), "Which reminders do I have?"); err != nil || a.AuthorizeURL == "" {
		t.Errorf("%+v, %v", a, err)
	}
	if text, err := second.say(t.Context(), "Which reminders do I have?"); err != nil || strings.Contains(text, "buy food") {
		t.Errorf("%s, %v", text, err)
	}
	if p, err := guests[1].Open(t.Context(), w.URL+"/oauth/account"); err != nil || p.URL.Path != "/oauth/login" {
		t.Errorf("the old login is open: %v", err)
	}
	if p, err := guests[0].Open(t.Context(), w.URL+"/oauth/account"); err != nil || p.URL.Path != "/oauth/account" {
		t.Errorf("another's login is not: %v", err)
	}

	fresh, err := shop.Reset(t.Context(), []string{"attendee-01", "attendee-03"}, true)
	if err != nil || workshop.Failed(fresh) > 0 || len(fresh) != 2 || fresh[0].Password == made[0].Password || len(fresh[0].Password) != 14 {
		t.Fatalf("%+v, %v", fresh, err)
	}
	old, renewed := w.guest(made[0].Card, &busy), w.guest(fresh[0].Card, &busy)
	if _, err := old.story(t.Context(), 0, "1 December 2026"); err == nil {
		t.Error("the old password works")
	}
	if _, err := renewed.story(t.Context(), 0, "1 December 2026"); err != nil {
		t.Error(err)
	}
}

// TestWorkshopRemove: the database is as if there had been no workshop, but for its log.
func TestWorkshopRemove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.workshop(io.Discard)
	token := w.tokensFor("carol", "pet-profile:read").Access
	pets := func() int { return strings.Count(string(w.callTool(token, "list_pets", `{}`).body), `"birth_date"`) }
	before := pets()
	made := w.attendees(shop, 3)
	if pets() != before+3 {
		t.Fatalf("%d pets, and %d before", pets(), before)
	}
	other := w.workshop(io.Discard) // a second workshop at the same server
	other.Prefix = "lyon"
	w.attendees(other, 1)
	names, err := shop.Find(t.Context(), "all")
	if err != nil || len(names) != 3 {
		t.Fatalf("%q, %v", names, err)
	}
	gone, err := shop.Remove(t.Context(), names)
	if err != nil || len(gone) != 3 || workshop.Failed(gone) > 0 {
		t.Fatalf("%+v, %v", gone, err)
	}
	if pets() != before+1 {
		t.Errorf("%d pets are left, and %d were there before", pets(), before)
	}
	w.change(func(d *directory.Directory) error {
		users, err := d.UsersByUsername(t.Context(), directory.Query{})
		if err != nil {
			return err
		}
		var left []string
		for _, u := range users.Items {
			left = append(left, u.Username)
		}
		if want := []string{"admin", "alice", "bob", "carol", "lyon-01"}; !slices.Equal(left, want) {
			t.Errorf("users left: %q", left)
		}
		apps, err := d.ClientsByName(t.Context(), directory.Query{})
		for _, c := range apps.Items {
			if strings.Contains(c.Name, "workshop") && c.Name != "lyon-01's app (workshop)" {
				t.Errorf("left: %s", c.Name)
			}
		}
		return err
	})
	var busy atomic.Int64
	if _, err := w.guest(made[0].Card, &busy).story(t.Context(), 0, "1 December 2026"); err == nil {
		t.Error("who was removed can log in")
	}
	w.attendees(shop, 2) // and there can be another one
}

// TestWorkshopTouchesOnlyItsOwn: an application that somebody else made, or that made itself, stays, however it calls itself.
func TestWorkshopTouchesOnlyItsOwn(t *testing.T) {
	w := newWorld(t)
	shop := w.workshop(io.Discard)
	w.attendees(shop, 1)
	others := map[string]bool{}
	for _, name := range []string{"attendee-01's app (workshop)", "attendee-registrar (workshop)"} {
		itself, _ := w.registerHost(name)
		others[itself] = true
	}
	w.change(func(d *directory.Directory) error {
		for name, template := range map[string]string{"attendee-01's app (workshop)": "Machine-to-machine application", "attendee-registrar (workshop) of mine": "Machine-to-machine application",
			"attendee-registrar (workshop)": "MCP client application"} {
			n := directory.NewClient{Name: name, Template: template}
			if template == "MCP client application" {
				n.RedirectURIs = []string{"http://localhost:1/callback"}
			}
			r, _, err := d.AddClient(t.Context(), n)
			if err != nil {
				return err
			}
			others[r.Value.ID] = true
		}
		return nil
	})
	squatter, _ := w.registerHost("attendee-02's app (workshop)") // before there is such an attendee
	others[squatter] = true
	if made := w.attendees(shop, 2); others[made[1].ClientID] {
		t.Errorf("the card of attendee-02 has the client of somebody else: %+v", made[1].Card)
	}
	if _, err := shop.Remove(t.Context(), []string{"attendee-01", "attendee-02"}); err != nil {
		t.Fatal(err)
	}
	w.change(func(d *directory.Directory) error {
		for id := range others {
			if c, err := d.Client(t.Context(), id); err != nil {
				t.Errorf("%s %s: %v", id, c.Name, err)
			}
		}
		return nil
	})
}

// TestWorkshopHostsRegister: thirty people whose hosts register themselves, again and again, behind one address. They say the same of themselves, so they
// are a few clients here, and the limit on new ones (thirty an hour from one address) stops nobody.
func TestWorkshopHostsRegister(t *testing.T) {
	w := newWorld(t)
	client := visitor.NewClient(w.URL, nil)
	ids := map[string]bool{}
	for n := range 30 {
		for _, body := range []string{
			`{"client_name": "MCP Inspector", "redirect_uris": ["http://localhost:6274/oauth/callback"], "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]}`,
			`{"client_name": "Visual Studio Code", "redirect_uris": ["https://vscode.dev/redirect", "http://127.0.0.1:33418/"], "token_endpoint_auth_method": "none"}`,
			fmt.Sprintf(`{"client_name": "Claude Code", "redirect_uris": ["http://localhost:%d/callback"], "token_endpoint_auth_method": "none"}`, 50000+n),
		} {
			a, err := client.Send(t.Context(), http.MethodPost, "/oauth/register", body, "Content-Type", "application/json")
			if err != nil || a.Status != http.StatusCreated {
				t.Fatalf("%d: %d %s, %v", n, a.Status, a.Body, err)
			}
			var made struct {
				ID string `json:"client_id"`
			}
			if err := json.Unmarshal(a.Body, &made); err != nil {
				t.Fatal(err)
			}
			ids[made.ID] = true
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d clients", len(ids))
	}
}

// TestWorkshopLogin: an administrator whose password is not the demo's logs in at the link, once for each run, and agrees each time.
func TestWorkshopLogin(t *testing.T) {
	w := newWorld(t)
	said, says := io.Pipe()
	type result struct {
		login workshop.Login
		err   error
	}
	done := make(chan result, 1)
	go func() {
		login, err := workshop.InBrowser(t.Context(), w.URL, nil, w.clock.Now, says, "admin:read")
		says.Close()
		done <- result{login, err}
	}()
	link := ""
	lines := bufio.NewScanner(said)
	for link == "" && lines.Scan() {
		link = strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(link, "http") {
			link = ""
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	asked, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	back := asked.Query().Get("redirect_uri")
	if !strings.HasPrefix(back, "http://127.0.0.1:") || asked.Query().Get("code_challenge_method") != "S256" || asked.Query().Get("resource") != w.URL+"/admin/api" {
		t.Errorf("%s", link)
	}
	stranger := visitor.NewBrowser(w.URL, nil)
	for what, query := range map[string]url.Values{
		"nothing":                            {},
		"another state":                      {"state": {"x"}, "code": {"stolen"}, "iss": {w.URL}},
		"another server's answer (RFC 9207)": {"state": {asked.Query().Get("state")}, "code": {"stolen"}, "iss": {"https://evil.example"}},
		"one that does not say whose it is":  {"state": {asked.Query().Get("state")}, "code": {"stolen"}},
	} {
		if p, err := stranger.Open(t.Context(), back+"?"+query.Encode()); err != nil || p.Status != http.StatusBadRequest {
			t.Errorf("%s: %v", what, err)
		}
	}
	admin := visitor.NewBrowser(w.URL, nil)
	p, err := admin.Open(t.Context(), link)
	if err == nil {
		p, err = admin.Login(t.Context(), "admin", "admin-demo")
	}
	if err != nil || !p.Has("decision") || !strings.Contains(p.Text(), "VetAssist Command Line") {
		t.Fatalf("%v", err)
	}
	if p, err = admin.Allow(t.Context()); err != nil || !strings.Contains(p.Text(), "Go back to the terminal") {
		t.Fatalf("%v, %v", p, err)
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	token, err := got.login.Token(t.Context(), "")
	me := w.send("GET", "/admin/api/v1/me", "", "Authorization", "Bearer "+token)
	if err != nil || me.status != http.StatusOK || !strings.Contains(string(me.body), `"scopes":["admin:read"]`) {
		t.Errorf("%s, %v", me.body, err)
	}
	// What it holds ends with it.
	grants := func() int {
		all := w.workshop(io.Discard)
		token, err := all.Login.Token(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer all.Login.End(t.Context())
		return strings.Count(string(w.send("GET", "/admin/api/v1/grants?client_id=vetassist-cli", "", "Authorization", "Bearer "+token).body), `"user_id"`)
	}
	before := grants()
	got.login.End(t.Context())
	if after := grants(); before != 2 || after != 1 { // one of them is that of who looks
		t.Errorf("%d grants, and %d after the end", before, after)
	}
	if p, err := admin.Open(t.Context(), link); err != nil || !p.Has("decision") { // RFC 8252 §8.6
		t.Errorf("it is not asked again: %v", err)
	}
}

// lossy loses answers, after the server has done what was asked.
type lossy struct {
	next  http.RoundTripper
	every int64
	n     atomic.Int64
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil && l.n.Add(1)%l.every == 0 {
		resp.Body.Close()
		return nil, errors.New("the answer was lost")
	}
	return resp, err
}

// TestWorkshopOverABadLine: whatever is lost on the way, running it again finishes it, and every password that was shown works.
func TestWorkshopOverABadLine(t *testing.T) {
	t.Parallel()
	for _, every := range []int64{3, 5, 7} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			w := newWorld(t)
			passwords := map[string]string{}
			runs := 0
			for missing := true; missing; runs++ {
				if runs == 100 {
					t.Fatal("it never ends")
				}
				shop := w.workshop(io.Discard)
				shop.Transport = &lossy{next: http.DefaultTransport, every: every}
				made, err := shop.Make(t.Context(), 3)
				for _, m := range made {
					if m.Password != "" && passwords[m.Username] == "" {
						passwords[m.Username] = m.Password
					}
				}
				missing = err != nil || workshop.Failed(made) > 0
			}
			shop := w.workshop(io.Discard)
			last := w.attendees(shop, 3)
			token := w.tokensFor("carol", "pet-profile:read").Access
			for _, m := range last {
				if m.New {
					t.Errorf("%s was not finished", m.Username)
				}
				info := w.callTool(token, "get_pet_vaccination_info", `{"pet":"`+m.Pet+`"}`).result(t)
				if text := string(info.Result.Structured); info.Result.IsError || strings.Contains(text, "overdue") || strings.Contains(text, "null,") {
					t.Errorf("%s: %s", m.Pet, text)
				}
				b := visitor.NewBrowser(w.URL, nil)
				p, err := b.Open(t.Context(), w.URL+"/oauth/login")
				if err == nil {
					p, err = b.Login(t.Context(), m.Username, passwords[m.Username])
				}
				if err != nil || p.URL.Path != "/oauth/account" {
					t.Errorf("%s cannot log in with %q: %v", m.Username, passwords[m.Username], err)
				}
			}
			t.Logf("%d runs", runs)
		})
	}
}

// TestWorkshopCommand is the command as the README has it.
func TestWorkshopCommand(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Now = time.Now })
	file := filepath.Join(t.TempDir(), "cards.html")
	command := func(typed string, args ...string) (code int, out, said string) {
		var stdout, stderr bytes.Buffer
		code = hold(append(args, w.URL), strings.NewReader(typed), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, out, said := command("", "-attendees", "2", "-cards", file)
	if code != exitOK || out != "" || !strings.Contains(said, "attendee-02  ready, with Pepper\n") || !strings.Contains(said, "2 cards are in ") || !strings.Contains(said, w.URL+"/learn/board?prefix=attendee-\n") {
		t.Fatalf("%d %q %q", code, out, said)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code, _, said = command("", "-attendees", "2", "-cards", file); code != exitFailed || !strings.Contains(said, "is there already") {
		t.Errorf("%d %q", code, said)
	}
	code, out, said = command("", "-attendees", "3")
	if code != exitOK || strings.Count(out, "(on the card from before)") != 2 || strings.Count(out, "say first") != 3 || !strings.Contains(said, "attendee-01  there already\n") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("no\n", "-reset", "all"); code != exitFailed || !strings.Contains(said, "3 attendees (attendee-01 to attendee-03)") || !strings.Contains(said, "nothing was changed") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("", "-remove"); code != exitFailed || !strings.Contains(said, "nothing was changed") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("yes\n", "-reset", "attendee-02"); code != exitOK || out != "" || said == "" || !strings.Contains(said, "attendee-02  reset\n") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("", "-reset", "all", "-new-passwords", "-yes"); code != exitOK || strings.Count(out, "password  ") != 3 || strings.Contains(out, "before") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("", "-remove", "-yes"); code != exitOK || out != "" || strings.Count(said, "  removed\n") != 3 {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("", "-remove", "-yes"); code != exitOK || !strings.Contains(said, "Nobody is here whom a workshop made.") {
		t.Errorf("%d %q %q", code, out, said)
	}
	if code, out, said = command("", "-board", "-once"); code != exitFailed || !strings.Contains(said, "there are no attendees yet") {
		t.Errorf("%d %q %q", code, out, said)
	}
	empty := newWorld(t, func(o *Options) { o.Seed = "none"; o.Now = time.Now; o.DB = ":memory:" })
	login, err := workshop.AsDemoAdministrator(t.Context(), empty.URL, nil, time.Now, "admin:read")
	if err == nil {
		t.Errorf("a server without the demo lets the demo's administrator in: %v", login)
	}
}
