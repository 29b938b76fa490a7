package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// person is somebody with a browser and a client, and all that they were promised.
type person struct {
	card    card
	browser *visitor.Browser
	client  *visitor.Client
	random  *rand.Rand

	asking asked // what is not answered yet

	loggedIn  bool
	consented bool
	unspent   *grant            // a code that nobody has presented
	spent     *grant            // the code that gave the chain
	chain     []string          // refresh tokens, each the successor of the one before
	access    string            // the access token that came with the last of them
	booked    map[slot]string   // ids of appointments
	cancelled map[string]bool   // ids of those that were cancelled
	vets      map[string]string // who sees the pet, by the id of the appointment

	checks, logins, consents, codes, refreshes, bookings int
}

// asked is what a person was doing when the server died.
type asked int

const (
	nothing asked = iota
	login
	consent
	redemption // of unspent
	refreshing // the last of chain
	booking    // of wanted
	cancelling // of wanted
	removing   // of the consent, and all that it gave
)

// grant is a code and what it is presented with.
type grant struct {
	code, verifier string
	at             time.Time
}

type slot struct{ Date, Time string }

var scopes = []string{"pet-profile:read", "appointment:read", "appointment:write"}

func newPerson(base string, c card, random *rand.Rand) *person {
	return &person{card: c, browser: visitor.NewBrowser(base, nil), client: visitor.NewClient(base, nil), random: random,
		booked: map[slot]string{}, cancelled: map[string]bool{}, vets: map[string]string{}}
}

// errBusy says that the server asked for patience. What became of the request is not known then, as after a kill.
var errBusy = errors.New("503 or 429")

// wrongError says that an answer is not what it should be.
type wrongError struct{ text string }

func (e *wrongError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &wrongError{fmt.Sprintf(format, args...)} }

// work goes on until the server is gone. An error is an answer that should not have been given.
func (p *person) work(ctx context.Context) error {
	for {
		err := p.step(ctx)
		var bad *wrongError
		if errors.As(err, &bad) {
			return fmt.Errorf("%s, at work: %w", p.card.Username, err)
		}
		if err != nil { // no answer: p.asking says to what
			return nil
		}
	}
}

// step does one thing that is written down.
func (p *person) step(ctx context.Context) error {
	switch n := p.random.IntN(10); {
	case !p.loggedIn || n == 0 && p.random.IntN(3) == 0:
		return p.logIn(ctx)
	case p.unspent != nil && p.random.IntN(4) > 0:
		return p.redeem(ctx)
	case len(p.chain) == 0 || n == 1:
		return p.authorize(ctx)
	case n == 2 && p.random.IntN(3) == 0:
		return p.remove(ctx)
	case n < 6:
		return p.refresh(ctx)
	case len(p.booked) > 5:
		return p.cancel(ctx)
	default:
		return p.book(ctx)
	}
}

// logIn is with a new browser.
func (p *person) logIn(ctx context.Context) error {
	p.browser, p.loggedIn = visitor.NewBrowser(p.client.Base, nil), false
	if _, err := p.browser.Open(ctx, "/oauth/login"); err != nil {
		return err
	}
	p.asking = login
	page, err := p.browser.Login(ctx, p.card.Username, p.card.Password)
	if err = answered(page, err); err != nil {
		return err
	}
	if page.Has("password") {
		return wrong("the password was refused: %.200s", page.Text())
	}
	p.asking, p.loggedIn = nothing, true
	p.logins++
	return nil
}

// authorize gets a code. The consent page comes only if there is no consent yet.
func (p *person) authorize(ctx context.Context) error {
	a := p.client.Request(url.Values{"scope": {scopes[0] + " " + scopes[1] + " " + scopes[2]}})
	p.browser.StopAt(p.client.Redirect)
	defer p.browser.StopAt("")
	page, err := p.browser.Open(ctx, a.URL)
	if err = answered(page, err); err != nil {
		return err
	}
	asks := page.Has("decision")
	if asks == p.consented {
		return wrong("asked to consent: %v, though consented: %v. %.200s", asks, p.consented, page.Text())
	}
	if asks {
		p.asking = consent
		if page, err = p.browser.Allow(ctx); answered(page, err) != nil {
			return answered(page, err)
		}
		p.consents++
	}
	code := page.Redirect().Get("code")
	if code == "" {
		return wrong("no code: %d %v %.200s", page.Status, page.Target(), page.Text())
	}
	p.asking, p.consented, p.unspent = nothing, true, &grant{code, a.Verifier, time.Now()}
	return nil
}

func (p *person) redeem(ctx context.Context) error {
	if time.Since(p.unspent.at) > 40*time.Second { // it lives for a minute
		p.unspent = nil
		return nil
	}
	p.asking = redemption
	got, err := p.present(ctx, p.unspent)
	if err != nil {
		return err
	}
	if got.Status != http.StatusOK {
		return wrong("a new code was refused: %d %s", got.Status, got.Description)
	}
	p.asking, p.spent, p.unspent, p.chain, p.access = nothing, p.unspent, nil, []string{got.Refresh}, got.Access
	p.codes++
	return nil
}

func (p *person) refresh(ctx context.Context) error {
	p.asking = refreshing
	got, err := p.use(ctx, p.chain[len(p.chain)-1])
	if err != nil {
		return err
	}
	if got.Status != http.StatusOK {
		return wrong("the newest refresh token was refused: %d %s", got.Status, got.Description)
	}
	p.asking, p.chain, p.access = nothing, append(p.chain, got.Refresh), got.Access
	p.refreshes++
	return nil
}

func (p *person) present(ctx context.Context, g *grant) (visitor.Tokens, error) {
	got, err := p.client.Redeem(ctx, g.code, g.verifier, nil)
	return got, busy(got.Status, err)
}

func (p *person) use(ctx context.Context, token string) (visitor.Tokens, error) {
	got, err := p.client.Refresh(ctx, token, nil)
	return got, busy(got.Status, err)
}

// book takes one of a few times, so that people come into each other's way.
func (p *person) book(ctx context.Context) error {
	day := time.Now().AddDate(0, 0, 2+p.random.IntN(10))
	want := slot{day.Format(time.DateOnly), fmt.Sprintf("%02d:%02d", 9+p.random.IntN(4), 30*p.random.IntN(2))}
	p.asking = booking
	var got struct{ Appointment appointment }
	ok, err := p.tool(ctx, "book_vet_appointment", map[string]any{"pet": p.card.Pet, "date": want.Date, "time": want.Time}, &got)
	if err != nil {
		return err
	}
	p.asking = nothing
	if !ok { // taken, closed, or too many
		return nil
	}
	if p.booked[want] != "" {
		return wrong("%s has two appointments on %v", p.card.Pet, want)
	}
	p.booked[want] = got.Appointment.ID
	p.vets[got.Appointment.ID] = got.Appointment.Vet
	p.bookings++
	return nil
}

func (p *person) cancel(ctx context.Context) error {
	for s, id := range p.booked {
		p.asking = cancelling
		ok, err := p.tool(ctx, "cancel_vet_appointment", map[string]any{"appointment_id": id}, &struct{}{})
		if err != nil {
			return err
		}
		if !ok {
			return wrong("%s cannot be cancelled", id)
		}
		p.asking, p.cancelled[id] = nothing, true
		delete(p.booked, s)
		p.bookings++
		return nil
	}
	return nil
}

// remove takes the consent back, and with it what it gave.
func (p *person) remove(ctx context.Context) error {
	page, err := p.browser.Apps(ctx)
	if err = answered(page, err); err != nil {
		return err
	}
	all := page.Removable()
	if len(all) != 1 {
		return wrong("the account page offers to remove %d accesses: %.300s", len(all), page.Text())
	}
	p.asking = removing
	if page, err = p.browser.Remove(ctx, all[0]); answered(page, err) != nil {
		return answered(page, err)
	}
	got, err := p.use(ctx, p.chain[len(p.chain)-1])
	if err != nil {
		return err
	}
	if got.Status != http.StatusBadRequest {
		return wrong("a refresh token of a consent that was taken back: %d", got.Status)
	}
	p.asking = nothing
	p.forget()
	return nil
}

// forget is after the grants have ended.
func (p *person) forget() {
	p.consented, p.unspent, p.spent, p.chain, p.access = false, nil, nil, nil, ""
}

type appointment struct {
	ID, Date, Time, Vet, Status string
	Pet                         struct{ ID string }
}

// tool calls a tool; false: it refused.
func (p *person) tool(ctx context.Context, name string, args map[string]any, into any) (bool, error) {
	a, err := p.client.CallTool(ctx, p.access, name, args)
	if err = busy(a.Status, err); err != nil {
		return false, err
	}
	r, err := a.Result()
	if err != nil || r.Error.Message != "" || a.Status != http.StatusOK {
		return false, wrong("%s: %d %v %s", name, a.Status, err, r.Error.Message)
	}
	if r.Result.IsError {
		return false, nil
	}
	return true, json.Unmarshal(r.Result.Structured, into)
}

func answered(page *visitor.Page, err error) error {
	if err != nil {
		return err
	}
	return busy(page.Status, nil)
}

func busy(status int, err error) error {
	switch {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return errBusy
	case status >= http.StatusInternalServerError:
		return wrong("%d", status)
	}
	return nil
}
