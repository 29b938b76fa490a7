package jwks

import (
	"net/http"

	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// Partitions are all that this function opens: no private half of a key.
var Partitions = token.PublicPartitions

// First is what the first request reads: a Lambda function begins with it while it starts.
var First = token.PublishedQuery

// Routes are the paths that it answers.
var Routes = []string{token.JWKSPath}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	return New(store.Restrict(h.Store, Partitions...), h.Now, h.Log), nil
}
