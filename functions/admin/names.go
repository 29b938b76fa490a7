package admin

import (
	"cmp"
	"context"
	"errors"

	"github.com/vetassist/vetassist/shared/directory"
)

// names finds the names that records mention each other by; each is looked up once.
type names struct {
	*directory.Directory
	ctx     context.Context
	servers map[string]serverRef
	users   map[string]string
	clients map[string]string
}

func (a *api) names(ctx context.Context) *names {
	return &names{a.Directory, ctx, map[string]serverRef{}, map[string]string{}, map[string]string{}}
}

// server also names one that is gone: by its identifier.
func (n *names) server(identifier string) (serverRef, error) {
	if ref, ok := n.servers[identifier]; ok {
		return ref, nil
	}
	r, err := n.ServerRecord(n.ctx, identifier)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return serverRef{}, err
	}
	n.servers[identifier] = serverRef{serverID(identifier), identifier, r.Value.Name}
	return n.servers[identifier], nil
}

// parties looks the names up. Those who are gone have none.
func (n *names) parties(p Parties, server string) (Parties, error) {
	var err error
	if p.Server, err = n.server(server); err != nil {
		return p, err
	}
	if p.Username, err = memo(n.users, p.UserID, func() (string, error) {
		u, err := n.User(n.ctx, p.UserID)
		return u.Username, err
	}); err != nil {
		return p, err
	}
	p.ClientName, err = memo(n.clients, p.ClientID, func() (string, error) {
		r, err := n.ClientRecord(n.ctx, p.ClientID)
		return r.Value.Label(), err
	})
	p.Scopes = append([]string{}, p.Scopes...)
	return p, err
}

// actor is the username of a user or the name of an application, by whichever id it is; the id of one who is gone.
func (n *names) actor(id string) (string, error) {
	name, err := memo(n.users, id, func() (string, error) {
		u, err := n.User(n.ctx, id)
		return u.Username, err
	})
	if name == "" && err == nil {
		name, err = memo(n.clients, id, func() (string, error) {
			r, err := n.ClientRecord(n.ctx, id)
			return r.Value.Name, err
		})
	}
	return cmp.Or(name, id), err
}

func memo(known map[string]string, id string, find func() (string, error)) (string, error) {
	if name, ok := known[id]; ok {
		return name, nil
	}
	name, err := find()
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return "", err
	}
	known[id] = name
	return name, nil
}
