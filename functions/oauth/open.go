package oauth

import (
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// Partitions are all that the authorization server opens: its own, the directory's, both halves of the keys, and the audit
// log.
var Partitions = slices.Concat([]string{"code/", "ceremony/", "oauth-secret/", "assertion/", "revoked/", "pushed/", "device/", "dpop/", "limit/"},
	access.Partitions, directory.Partitions, token.PrivatePartitions, token.PublicPartitions, audit.Partitions)

// First is what the first authorization request reads, beside the client: a Lambda function begins with it while it starts.
var First = directory.ServersQuery

// Routes are the paths that the authorization server answers.
var Routes = []string{"/oauth/", "/.well-known/oauth-authorization-server", openIDPath}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	// One handle for all: a consent is written together with the code that it permits.
	own := store.Restrict(h.Store, Partitions...)
	c := Config{
		BaseURL:   h.BaseURL,
		Store:     own,
		Directory: directory.New(own, h.BaseURL, h.Local(), h.Now),
		Keys:      token.NewKeyring(h.BaseURL, own, h.Now, h.Rand).Shorten(h.TokenLifetime()),
		HTTP:      h.HTTP, Outside: h.Outside, ClientDomains: h.ClientDomains, Registration: h.Registration,
		Now: h.Now, Rand: h.Rand, Log: h.Log,
	}
	if h.Local() && h.Seed != config.SeedNone {
		people, err := directory.DemoPeople(h.Files)
		if err != nil {
			return nil, err
		}
		c.Demo = people
	}
	return New(c)
}
