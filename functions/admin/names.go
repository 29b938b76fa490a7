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
	clients map[string]directory.Client
}

func (a *api) names(ctx context.Context) *names {
	return &names{a.Directory, ctx, map[string]serverRef{}, map[string]string{}, map[string]directory.Client{}}
}

// server also names one that is gone: by its identifier.
func (n *names) server(identifier string) (serverRef, error) {
	if ref, ok := n.servers[identifier]; ok {
		return ref, nil
	}
	if identifier == directory.LoginServer {
		return serverRef{serverID(identifier), identifier, "Login alone (OpenID Connect)"}, nil
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
	client, err := n.client(p.ApplicationID)
	p.ClientID, p.ClientName = cmp.Or(client.ClientID(), p.ApplicationID), client.Label()
	p.Scopes = append([]string{}, p.Scopes...)
	return p, err
}

// client is empty for one that is gone.
func (n *names) client(id string) (directory.Client, error) {
	return memo(n.clients, id, func() (directory.Client, error) {
		r, err := n.ClientRecord(n.ctx, id)
		return r.Value, err
	})
}

// actor is the username of a user or the name of an application, by whichever id it is; the id of one who is gone.
func (n *names) actor(id string) (string, error) {
	name, err := memo(n.users, id, func() (string, error) {
		u, err := n.User(n.ctx, id)
		return u.Username, err
	})
	if name == "" && err == nil {
		var client directory.Client
		client, err = n.client(id)
		name = client.Name
	}
	return cmp.Or(name, id), err
}

func memo[T any](known map[string]T, id string, find func() (T, error)) (T, error) {
	if thing, ok := known[id]; ok {
		return thing, nil
	}
	thing, err := find()
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return thing, err
	}
	known[id] = thing
	return thing, nil
}
