package learn

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
	"github.com/vetassist/vetassist/shared/trace"
)

// Partitions are all that this function opens: what was recorded, who is logged in, what the course
// judges by, and its own: how far each person is.
var Partitions = slices.Concat(trace.Partitions, []string{access.LoginPartition}, directory.Partitions, audit.Partitions, token.PublicPartitions, coursePartitions)

// Routes are the paths that it answers.
var Routes = []string{"/flow", "/flow/", "/learn", "/learn/"}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	own := store.Restrict(h.Store, Partitions...)
	return New(Config{
		BaseURL: h.BaseURL, Recorder: h.Records(),
		Directory: directory.New(own, h.BaseURL, h.Local(), h.Now), Access: access.New(own, h.Now), Flows: trace.NewReader(own, h.Now),
		Store: own, Audit: audit.New(own, h.Now, h.Rand, h.Log), Clock: h.Clock, Demo: h.Local() && h.Seed != config.SeedNone,
		Tokens: token.NewVerifier(h.BaseURL, []string{directory.AdminServer}, token.StoredKeys(own, h.Now), h.Now),
		Now:    h.Now, Log: h.Log,
	})
}
