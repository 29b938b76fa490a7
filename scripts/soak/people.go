package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2" // nothing secret
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/functions/vetassist/workshop"
)

// scopes are what a host asks for: all that a pet owner may have.
var scopes = []string{"pet-profile:read", "appointment:read", "appointment:write", "reminder:read", "reminder:write"}

// person is a pet owner with a browser, and with an MCP host of the same name.
type person struct {
	workshop.Card
	browser *visitor.Browser
	host    *visitor.Client
	tokens  visitor.Tokens
	since   time.Time // when they were given
	stale   string    // an access token that has expired
	asked   bool      // the chat is connected
}

// from is a transport whose connections come from an address of their own, as those of different people do: limits that count by address count them
// apart. All of 127.0.0.0/8 is this machine (RFC 1122 §3.2.1.3).
func from(n int) *http.Transport {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+n/250), byte(1+n%250))}, Timeout: 10 * time.Second}
	return &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp4", addr) }, MaxIdleConnsPerHost: 4}
}

// gather makes people with a dog each, as the command workshop does, and an administrator.
func gather(ctx context.Context, base string, many int) ([]*person, *administrator, error) {
	transport := from(0)
	login, err := workshop.AsDemoAdministrator(ctx, base, transport, time.Now, "admin:read", "admin:write")
	if err != nil {
		return nil, nil, err
	}
	admin := &administrator{visitor.NewClient(base, transport), login}
	w := workshop.Workshop{Base: base, Prefix: "soak", Login: login, Transport: transport, Progress: io.Discard, Now: time.Now, Rand: rand.Reader}
	made, err := w.Make(ctx, many)
	if err != nil {
		return nil, nil, err
	}
	var people []*person
	for i, m := range made {
		if m.Err != nil {
			return nil, nil, m.Err
		}
		t := from(i + 1)
		p := &person{Card: m.Card, browser: visitor.NewBrowser(base, t), host: visitor.NewClient(base, t)}
		if i%2 == 1 { // half of the hosts speak the newest revision
			p.host.Revision = "2026-07-28"
		}
		if err := errors.Join(p.connect(ctx), p.chat(ctx)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.Username, err)
		}
		people = append(people, p)
	}
	return people, admin, nil
}

// deed is something that people do, and how often: of so many deeds in all.
type deed struct {
	name  string
	often int
	do    func(*person, context.Context) error
}

var deeds = []deed{
	{"tool call", 30, (*person).look},
	{"tool call, another's pet", 4, (*person).lookElsewhere},
	{"booking and cancelling", 6, (*person).book},
	{"reminder, set and cancelled", 4, (*person).remind},
	{"list of tools", 6, (*person).list},
	{"chat", 12, (*person).chat},
	{"connect: code and tokens", 8, (*person).connect},
	{"refresh", 12, (*person).refresh},
	{"log out, log in", 2, (*person).again},
	{"wrong password", 1, (*person).mistype},
	{"keys and metadata", 12, (*person).discover},
	{"expired or broken token", 4, (*person).expired},
	{"bad request", 6, (*person).bad},
	{"flight recorder", 2, (*person).flows},
}

func (p *person) tool(ctx context.Context, name string, args, out any) error {
	a, err := p.host.CallTool(ctx, p.tokens.Access, name, args)
	if err != nil {
		return err
	}
	r, err := a.Result()
	switch {
	case err != nil:
		return err
	case r.Result.IsError:
		var refused toolRefusal
		_ = json.Unmarshal(r.Result.Structured, &refused) // without a code it is any refusal
		refused.Message = r.Text()
		return &refused
	case a.Status != http.StatusOK || len(r.Result.Structured) == 0:
		return fmt.Errorf("%s: %d %.300s", name, a.Status, a.Body)
	case out == nil:
		return nil
	}
	return json.Unmarshal(r.Result.Structured, out)
}

// toolRefusal is a refusal by a tool.
type toolRefusal struct {
	Code    string `json:"error"`
	Message string `json:"message"`
}

func (e *toolRefusal) Error() string { return e.Code + ": " + e.Message }

// refused tells whether a tool refused with one of these codes.
func refused(err error, codes ...string) bool {
	var e *toolRefusal
	if errors.As(err, &e) {
		for _, code := range codes {
			if e.Code == code {
				return true
			}
		}
	}
	return false
}

func (p *person) look(ctx context.Context) error {
	if mrand.N(2) == 0 {
		return p.tool(ctx, "list_pets", map[string]any{}, nil)
	}
	return p.tool(ctx, "get_pet_vaccination_info", map[string]any{"pet": p.Pet}, nil)
}

func (p *person) lookElsewhere(ctx context.Context) error {
	err := p.tool(ctx, "get_pet_vaccination_info", map[string]any{"pet": p.Neighbour}, nil)
	if refused(err, "not_found", "pet_not_found") {
		return nil
	}
	return fmt.Errorf("another's pet: %w", err)
}

func (p *person) book(ctx context.Context) error {
	var free struct {
		Slots []struct{ Date, Time string } `json:"slots"`
	}
	day := time.Now().AddDate(0, 0, 2+mrand.N(40)).Format(time.DateOnly)
	if err := p.tool(ctx, "find_appointment_slots", map[string]any{"date": day, "days": 5}, &free); err != nil {
		return err
	}
	if len(free.Slots) == 0 {
		return nil
	}
	slot := free.Slots[mrand.N(len(free.Slots))]
	var made struct {
		Appointment struct{ ID string } `json:"appointment"`
	}
	err := p.tool(ctx, "book_vet_appointment", map[string]any{"pet": p.Pet, "date": slot.Date, "time": slot.Time, "reason": "a check"}, &made)
	if refused(err, "conflict", "slot_taken", "too_many") { // somebody was faster; or this one cancelled so often that the clinic takes no more from them
		return nil
	}
	if err != nil {
		return err
	}
	return p.tool(ctx, "cancel_vet_appointment", map[string]any{"appointment_id": made.Appointment.ID}, nil)
}

func (p *person) remind(ctx context.Context) error {
	var made struct {
		Reminder struct{ ID string } `json:"reminder"`
	}
	day := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	if err := p.tool(ctx, "set_reminder", map[string]any{"text": "Brush " + p.Pet, "date": day, "time": "09:00", "pet": p.Pet}, &made); err != nil {
		return err
	}
	return p.tool(ctx, "cancel_reminder", map[string]any{"reminder_id": made.Reminder.ID}, nil)
}

func (p *person) list(ctx context.Context) error {
	a, err := p.host.Call(ctx, p.tokens.Access, "tools/list", nil)
	return want(a, err, http.StatusOK, "get_pet_vaccination_info")
}

// chat asks, and connects the chat where it has to be.
func (p *person) chat(ctx context.Context) error {
	if !p.asked {
		if _, err := p.browser.Open(ctx, p.Address); err != nil {
			return err
		}
	}
	a, err := p.browser.Ask(ctx, p.Say[0])
	if err != nil {
		return err
	}
	if a.AuthorizeURL != "" {
		page, err := p.browser.Open(ctx, a.AuthorizeURL)
		if err == nil && page.Has("username") {
			page, err = p.browser.Login(ctx, p.Username, p.Password)
		}
		if err == nil && page.Has("decision") {
			page, err = p.browser.Allow(ctx)
		}
		if err != nil {
			return err
		}
		if page.Status != http.StatusOK || !strings.Contains(page.Text(), "Rabies") {
			return fmt.Errorf("after connecting: %d %.300s", page.Status, page.Text())
		}
	} else if a.Status != http.StatusOK || !strings.Contains(a.Reply, "Rabies") {
		return fmt.Errorf("the chat: %d %.300s %s", a.Status, a.Reply, a.Message)
	}
	p.asked = true
	return nil
}

// connect gives the host new tokens, and gives the old ones back.
func (p *person) connect(ctx context.Context) error {
	t, err := p.host.Connect(ctx, p.browser, p.Username, p.Password, scopes...)
	if err != nil {
		return err
	}
	if t.Access == "" || t.Refresh == "" {
		return fmt.Errorf("no tokens: %s %s", t.Error, t.Description)
	}
	before := p.tokens.Refresh
	p.tokens, p.since = t, time.Now()
	if before == "" {
		return nil
	}
	gone, err := p.host.Revoke(ctx, before, nil)
	return want(gone.Answer, err, http.StatusOK, "")
}

func (p *person) refresh(ctx context.Context) error {
	t, err := p.host.Refresh(ctx, p.tokens.Refresh, nil)
	if err != nil {
		return err
	}
	if t.Access == "" || t.Refresh == "" {
		return fmt.Errorf("no tokens: %s %s", t.Error, t.Description)
	}
	if p.stale == "" {
		p.stale = p.tokens.Access
	}
	p.tokens, p.since = t, time.Now()
	return nil
}

// fresh keeps the host's token from expiring meanwhile, as a host does.
func (p *person) fresh(ctx context.Context) error {
	if time.Since(p.since) < time.Duration(p.tokens.Expires)*time.Second*3/4 {
		return nil
	}
	return p.refresh(ctx)
}

// again logs the person out and in.
func (p *person) again(ctx context.Context) error {
	page, err := p.browser.Open(ctx, "/oauth/logout")
	if err == nil && len(page.Forms) > 0 {
		page, err = p.browser.Submit(ctx, page.Forms[0].Action, nil)
	}
	if err == nil {
		page, err = p.browser.Open(ctx, "/oauth/login")
	}
	if err == nil && !page.Has("username") {
		return fmt.Errorf("logged out, and yet no login page: %d %.200s", page.Status, page.Text())
	}
	if err == nil {
		page, err = p.browser.Login(ctx, p.Username, p.Password)
	}
	if err == nil && !strings.Contains(page.Text(), p.Username) && page.URL.Path != "/oauth/account" {
		return fmt.Errorf("not logged in: %d %.200s", page.Status, page.Text())
	}
	return err
}

// mistype is a wrong password, for a name that nobody has.
func (p *person) mistype(ctx context.Context) error {
	transport := from(1000 + mrand.N(5000))
	defer transport.CloseIdleConnections()
	b := visitor.NewBrowser(p.host.Base, transport)
	page, err := b.Open(ctx, "/oauth/login")
	if err == nil {
		page, err = b.Login(ctx, "nobody-"+rand.Text()[:8], "wrong")
	}
	if err == nil && page.Status != http.StatusUnauthorized {
		return fmt.Errorf("a wrong password: %d %.200s", page.Status, page.Text())
	}
	return err
}

func (p *person) discover(ctx context.Context) error {
	for path, says := range map[string]string{"/.well-known/jwks.json": `"keys"`, "/.well-known/oauth-authorization-server": `"issuer"`, "/.well-known/oauth-protected-resource/mcp": `"resource"`} {
		a, err := p.host.Send(ctx, http.MethodGet, path, "")
		if err := want(a, err, http.StatusOK, says); err != nil {
			return err
		}
	}
	return nil
}

func (p *person) expired(ctx context.Context) error {
	token := p.tokens.Access[:len(p.tokens.Access)-6] + "AAAAAA"
	if p.stale != "" {
		if c, ok := visitor.Claims(p.stale)["exp"].(float64); ok && time.Now().After(time.Unix(int64(c), 0).Add(2*time.Minute)) {
			token, p.stale = p.stale, ""
		}
	}
	a, err := p.host.CallTool(ctx, token, "list_pets", map[string]any{})
	return want(a, err, http.StatusUnauthorized, "invalid_token")
}

func (p *person) bad(ctx context.Context) error {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		path, kind, body string
		status           int
	}{
		{"/oauth/token", form, "grant_type=authorization_code&client_id=vet-assist-ai&code=" + rand.Text(), http.StatusBadRequest},
		{"/oauth/token", form, "grant_type=refresh_token&client_id=vet-assist-ai&refresh_token=" + rand.Text(), http.StatusBadRequest},
		{"/oauth/token", "application/json", "{}", http.StatusBadRequest},
		{"/mcp", "application/json", "{", http.StatusUnauthorized},
		{"/admin/api/v1/users", "application/json", "{}", http.StatusUnauthorized},
		{"/nothing/here", form, "", http.StatusMethodNotAllowed},
	} {
		a, err := p.host.Send(ctx, http.MethodPost, c.path, c.body, "Content-Type", c.kind)
		if err := want(a, err, c.status, ""); err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
	}
	return nil
}

// flows looks at what the recorder has of the person's browser.
func (p *person) flows(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.host.Base+"/flow/api/flows", nil)
	if err != nil {
		return err
	}
	a, err := p.browser.Do(ctx, r)
	if err != nil {
		return err
	}
	return want(*a, nil, http.StatusOK, "")
}

// want is an answer as it should be.
func want(a visitor.Answer, err error, status int, says string) error {
	if err != nil {
		return err
	}
	if a.Status != status || !strings.Contains(string(a.Body), says) {
		return fmt.Errorf("%d, and not %d with %q: %.300s", a.Status, status, says, a.Body)
	}
	return nil
}
