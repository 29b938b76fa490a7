package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/vetassist/vetassist/shared/store"
)

// naming lists the applications that name an agent (Client.MayAct).
func naming(agent string) index { return index("directory/index/agent/" + agent + "/") }

// ClientsNaming are the applications for whose users an agent may act.
func (d *Directory) ClientsNaming(ctx context.Context, agent string, q Query) (Page[ClientSummary], error) {
	if store.ValidKey("client/"+agent, clientSort) != nil {
		return Page[ClientSummary]{}, nil
	}
	return list[ClientSummary](ctx, d.store, naming(agent), q.Prefix, q)
}

// agentCheck makes a write depend on an agent being there still, and enabled; one that is not is a *FieldError.
func (d *Directory) agentCheck(ctx context.Context, id string) (store.Op, error) {
	r, err := d.ClientRecord(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && r.Value.Template != AgentTemplate:
		err = &FieldError{"may_act", fmt.Sprintf("must be the id of an application from the template %s; %.100q is none", AgentTemplate, id)}
	case err == nil && r.Value.Disabled:
		err = &FieldError{"may_act", "must be an agent that is enabled; " + r.Value.Name + " is not"}
	}
	return store.Check("client/"+id, clientSort, store.IfVersion(r.Version)), err
}

// forgetAgent takes an agent out of every application that names it. What it did already it finds done.
func (d *Directory) forgetAgent(ctx context.Context, agent string) error {
	for done := 0; ; {
		page, err := d.ClientsNaming(ctx, agent, Query{Limit: maxPageSize})
		if err != nil {
			return err
		}
		for _, c := range page.Items {
			if done++; done > maxCascade {
				return ErrUnfinished
			}
			if err := d.takeAgentFromClient(ctx, c.ID, agent); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
	}
}

func (d *Directory) takeAgentFromClient(ctx context.Context, id, agent string) error {
	_, err := insist(func() (store.Record[Client], error) {
		r, err := d.readClient(ctx, id)
		if err != nil || r.Value.MayAct != agent { // it names another since
			return r, err
		}
		c := r.Value
		c.MayAct = ""
		return stale(d.replaceClient(ctx, r, c))
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
