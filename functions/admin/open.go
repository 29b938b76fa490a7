package admin

import (
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// Partitions are all that administration opens.
var Partitions = slices.Concat(directory.Partitions, access.Partitions, token.PrivatePartitions, token.PublicPartitions,
	audit.Partitions, clinic.Partitions)

// Routes are the paths that it answers: the console, the API below it, and the metadata of the API.
var Routes = []string{"/admin", "/admin/", metadataPath}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	own := store.Restrict(h.Store, Partitions...)
	keys := token.RemoteKeys(h.BaseURL+token.JWKSPath, h.HTTP, h.Now)
	return New(Config{
		BaseURL: h.BaseURL, Store: own,
		Directory:    directory.New(own, h.BaseURL, h.Local(), h.Now),
		Keys:         token.NewKeyring(h.BaseURL, own, h.Now, h.Rand),
		Verifier:     token.NewVerifier(h.BaseURL, Audience, keys, h.Now),
		Registration: h.Registration,
		Seed:         h.Files,
		Now:          h.Now, Rand: h.Rand, Log: h.Log,
	})
}
