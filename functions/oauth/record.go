package oauth

import (
	"context"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
)

// What happens here is recorded in the audit log: what changes a login, a consent or a grant in the same write as the
// change, so neither is there without the other; all else, refusals above all, beside the answer. The program's own log
// (Config.Log) is for failures that are ours.

// writeWith carries out the operations, and records what they are.
func (s *server) writeWith(ctx context.Context, e audit.Event, ops ...store.Op) error {
	return s.writeWithAll(ctx, []audit.Event{e}, ops...)
}

func (s *server) writeWithAll(ctx context.Context, events []audit.Event, ops ...store.Op) error {
	for _, e := range events {
		op, err := s.audit.Op(ctx, e)
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	return s.Store.Write(ctx, ops...)
}

// issued is the event of tokens that were issued for a grant.
func issued(name audit.Name, g access.Grant, r tokenResponse) audit.Event {
	return audit.Event{Name: name, Outcome: audit.OK, UserID: g.UserID, ClientID: g.ClientID,
		Details: map[string]string{"grant": g.ID, "server": g.Server, "scope": r.Scope}}
}
