package directory

import (
	"context"
	"slices"
	"time"
)

// policy is what everybody asks the directory for with every request: the MCP servers and what the roles allow. Where the store can tell that
// nothing changed it is read once; it is shared then, so nobody changes anything in it.
type policy struct {
	servers []Server // as fill makes them, by identifier
	roles   map[string]Role
}

// policy is nil where the store cannot tell whether it changed: then each record is read when it is asked for.
func (d *Directory) policy(ctx context.Context) (*policy, error) {
	p, _, err := d.kept.Look(ctx, d.store, PolicyPartition, d.now(), func(ctx context.Context) (*policy, time.Time, error) {
		p := &policy{roles: map[string]Role{}}
		var err error
		if p.servers, err = d.readServers(ctx); err != nil {
			return nil, time.Time{}, err
		}
		roles, err := d.RoleRecords(ctx)
		if err != nil {
			return nil, time.Time{}, err
		}
		if len(p.servers) == maxServers || len(roles) == maxServers { // there may be more
			return nil, time.Time{}, nil
		}
		for _, r := range roles {
			p.roles[r.Value.Name] = r.Value
		}
		return p, time.Time{}, nil
	})
	return p, err
}

func (p *policy) server(identifier string) (Server, error) {
	i := slices.IndexFunc(p.servers, func(s Server) bool { return s.Identifier == identifier })
	if i < 0 {
		return Server{}, ErrNotFound
	}
	return p.servers[i], nil
}
