package clinic

import (
	"context"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// OpenTicket leaves a message for the clinic's people. Without a subject its first words are the subject.
func (c *Clinic) OpenTicket(ctx context.Context, who Actor, t Ticket) (Ticket, error) {
	var err error
	if t.Message, err = text("message", t.Message, 2000, true, true); err != nil {
		return Ticket{}, err
	}
	if t.Subject, err = text("subject", t.Subject, 120, false, false); err != nil {
		return Ticket{}, err
	}
	if t.Contact, err = text("contact", t.Contact, 200, false, false); err != nil {
		return Ticket{}, err
	}
	if !validID(who.ID) {
		return Ticket{}, refuse(Invalid, "Nobody is logged in whom an answer could go to.")
	}
	if t.Subject == "" {
		t.Subject = firstWords(t.Message, 60)
	}
	t.From, t.Created = who.ID, c.now().In(c.facts.zone).Truncate(time.Second)
	if t.ID, err = c.newID("tkt-" + t.Created.UTC().Format(stamp)); err != nil {
		return Ticket{}, err
	}
	return t, c.change(ctx, who.ID, func() ([]store.Op, error) {
		open, err := listAll[Ticket](ctx, c, person(who.ID), "ticket/", MaxTickets)
		if err != nil {
			return nil, err
		}
		if len(open) >= MaxTickets {
			return nil, refuse(TooMany, "%d messages are waiting already. Please call the clinic.", len(open))
		}
		expires := t.Created.AddDate(0, 0, TicketDays)
		return []store.Op{store.Put(store.Encode(person(who.ID), "ticket/"+t.ID, t, expires), store.IfAbsent())}, nil
	})
}

func firstWords(s string, limit int) string {
	words := strings.Fields(s)
	out := ""
	for _, w := range words {
		if len([]rune(out))+len([]rune(w))+1 > limit {
			return out + "…"
		}
		out = strings.TrimSpace(out + " " + w)
	}
	return out
}
