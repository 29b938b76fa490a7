package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// check looks whether all is as it was promised, after a kill. What was asked and not answered may have been done or not; what is seen now is
// the truth from here on. The books come first: the checks of codes and refresh tokens end grants, and without a token nobody reads them.
func (p *person) check(ctx context.Context) error {
	for _, look := range []func(context.Context) error{p.checkBooks, p.checkLogin, p.checkCode, p.checkChain, p.checkConsent} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	p.asking = nothing
	return nil
}

// want notes a check, and is an error when it does not hold.
func (p *person) want(holds bool, format string, args ...any) error {
	p.checks++
	if holds {
		return nil
	}
	return wrong(format, args...)
}

func (p *person) checkLogin(ctx context.Context) error {
	page, err := p.browser.Open(ctx, p.client.Base+"/oauth/login")
	if err != nil {
		return err
	}
	now := !page.Has("password")
	if p.asking == login {
		p.loggedIn = now // its cookie came with the answer, so it did not
	}
	return p.want(now == p.loggedIn, "logged in: %v, and before the kill: %v", now, p.loggedIn)
}

// checkCode: the code that was being presented at the kill was used or was not; one that nobody has presented is good once, although two come
// with it at the same time; and the one before is good no more.
func (p *person) checkCode(ctx context.Context) error {
	g := p.unspent
	switch {
	case g == nil:
	case time.Since(g.at) > 40*time.Second:
		p.unspent = nil
	case p.asking == redemption:
		first, err := p.present(ctx, g)
		if err != nil {
			return err
		}
		second, err := p.present(ctx, g)
		if err != nil {
			return err
		}
		if err := p.want(first.Status == http.StatusOK || usedBefore(first), "a code that was being redeemed: %d %s", first.Status, first.Description); err != nil {
			return err
		}
		if err := p.want(usedBefore(second), "a code twice: %d %s", second.Status, second.Description); err != nil {
			return err
		}
		p.unspent = nil
		return p.ended(ctx, first.Refresh)
	case p.asking != removing && p.asking != consent && p.random.IntN(3) == 0:
		var got [2]visitor.Tokens
		var errs [2]error
		var both sync.WaitGroup
		for i := range got {
			both.Go(func() { got[i], errs[i] = p.present(ctx, g) })
		}
		both.Wait()
		if errs[0] != nil || errs[1] != nil {
			return fmt.Errorf("%v %v", errs[0], errs[1])
		}
		if got[1].Status == http.StatusOK {
			got[0], got[1] = got[1], got[0]
		}
		p.unspent = nil
		if err := p.want(got[0].Status == http.StatusOK && usedBefore(got[1]), "a code presented by two: %d %s and %d %s", got[0].Status,
			got[0].Description, got[1].Status, got[1].Description); err != nil {
			return err
		}
		return p.ended(ctx, got[0].Refresh)
	}
	if p.spent == nil || p.asking == removing || p.random.IntN(4) > 0 {
		return nil
	}
	again, err := p.present(ctx, p.spent)
	if err != nil {
		return err
	}
	if err := p.want(usedBefore(again), "a code that was redeemed: %d %s", again.Status, again.Description); err != nil {
		return err
	}
	last := p.chain[len(p.chain)-1]
	p.spent, p.chain, p.access = nil, nil, ""
	return p.ended(ctx, last)
}

func usedBefore(t visitor.Tokens) bool {
	return t.Status == http.StatusBadRequest && t.Error == "invalid_grant" && strings.Contains(t.Description, "used before")
}

// ended is of a refresh token whose grant has ended; empty: there is none.
func (p *person) ended(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	got, err := p.use(ctx, token)
	if err != nil {
		return err
	}
	return p.want(got.Status == http.StatusBadRequest && got.Error == "invalid_grant", "a refresh token of a grant that has ended: %d", got.Status)
}

// checkChain: the newest refresh token is good. If it was being used at the kill, all who come with it get the same successor. And one from
// before, whose successor was used, ends the grant.
func (p *person) checkChain(ctx context.Context) error {
	if len(p.chain) == 0 {
		return nil
	}
	newest := p.chain[len(p.chain)-1]
	got, err := p.use(ctx, newest)
	if err != nil {
		return err
	}
	if p.asking == removing {
		if got.Status == http.StatusBadRequest {
			p.spent, p.unspent, p.chain, p.access = nil, nil, nil, ""
			return nil
		}
		p.unspent = nil
	}
	if err := p.want(got.Status == http.StatusOK, "the newest refresh token: %d %s", got.Status, got.Description); err != nil {
		return err
	}
	again, err := p.use(ctx, newest)
	if err != nil {
		return err
	}
	if err := p.want(again.Refresh == got.Refresh, "two successors of one refresh token: the second answer was %d %s", again.Status, again.Description); err != nil {
		return err
	}
	p.chain, p.access = append(p.chain, got.Refresh), again.Access
	if len(p.chain) < 3 || p.random.IntN(4) > 0 {
		return nil
	}
	old, err := p.use(ctx, p.chain[p.random.IntN(len(p.chain)-2)])
	if err != nil {
		return err
	}
	if err := p.want(usedBefore(old), "a refresh token of before: %d %s", old.Status, old.Description); err != nil {
		return err
	}
	p.spent, p.chain, p.access = nil, nil, ""
	return p.ended(ctx, got.Refresh)
}

// checkBooks: what is in the books is what was promised, and at most one thing more, if that was being asked for.
func (p *person) checkBooks(ctx context.Context) error {
	if p.access == "" {
		return nil
	}
	there := map[slot]string{}
	for cursor := ""; ; {
		var list struct {
			Appointments []appointment
			Next         string `json:"next_cursor"`
		}
		args := map[string]any{}
		if cursor != "" {
			args["cursor"] = cursor
		}
		if ok, err := p.tool(ctx, "list_appointments", args, &list); err != nil || !ok {
			return fmt.Errorf("list_appointments: %v %w", ok, err)
		}
		for _, a := range list.Appointments {
			s := slot{a.Date, a.Time}
			if err := p.want(a.Status == "booked" && there[s] == "" && !p.cancelled[a.ID], "in the books, twice or cancelled: %+v", a); err != nil {
				return err
			}
			there[s] = a.ID
			p.vets[a.ID] = a.Vet
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	for s, id := range p.booked {
		if there[s] != id {
			if err := p.want(p.asking == cancelling, "the appointment %s on %v is gone", id, s); err != nil {
				return err
			}
			p.cancelled[id] = true
			p.asking = nothing // at most one, here and below
		}
	}
	for s, id := range there {
		if p.booked[s] == "" {
			if err := p.want(p.asking == booking, "nobody asked for the appointment %s on %v", id, s); err != nil {
				return err
			}
			p.asking = nothing
		}
	}
	p.booked = there
	return nil
}

// checkConsent: who consented is not asked again. What comes of it is one more code.
func (p *person) checkConsent(ctx context.Context) error {
	if !p.loggedIn || p.unspent != nil {
		return nil
	}
	if p.asking == consent || p.asking == removing {
		a := p.client.Request(map[string][]string{"scope": {strings.Join(scopes, " ")}})
		p.browser.StopAt(p.client.Redirect)
		defer p.browser.StopAt("")
		page, err := p.browser.Open(ctx, a.URL)
		if err != nil {
			return err
		}
		p.consented = !page.Has("decision")
		return nil
	}
	if !p.consented {
		return nil
	}
	p.checks++
	return p.authorize(ctx)
}

// nothingTwice: no vet sees two pets at a time, and no pet two vets.
func nothingTwice(people []*person) error {
	taken := map[string]bool{}
	for _, p := range people {
		for s, id := range p.booked {
			for _, who := range []string{"vet " + p.vets[id], "pet " + p.card.Username} {
				if taken[fmt.Sprint(s, who)] {
					return wrong("twice on %v: %s", s, who)
				}
				taken[fmt.Sprint(s, who)] = true
			}
		}
	}
	return nil
}

// add counts what a person got done since the last time.
func (s *seen) add(p *person) {
	s.logins += p.logins
	s.consents += p.consents
	s.codes += p.codes
	s.refreshes += p.refreshes
	s.bookings += p.bookings
	p.logins, p.consents, p.codes, p.refreshes, p.bookings = 0, 0, 0, 0, 0
	switch p.asking {
	case redemption:
		s.unansweredCodes++
	case refreshing:
		s.unansweredRefreshes++
	case booking, cancelling:
		s.unbooked++
	}
}
