package app

import (
	"net/http"

	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
)

// Partitions are all that the chat app opens: its own.
var Partitions = []string{sessionPartition, conversationPartition, authorizationPartition, setupPartition, agentPartition}

// Routes are the paths that it answers: all that nobody else does.
var Routes = []string{"/"}

// Open makes the handler.
func Open(h host.Host) (http.Handler, error) {
	flows := ""
	if h.Records() {
		flows = h.BaseURL + "/flow/"
	}
	return New(Config{
		BaseURL: h.BaseURL, ClientID: h.ChatClientID(), Secret: h.AppClientSecret, Console: h.BaseURL + "/admin/", Flows: flows,
		Store: store.Restrict(h.Store, Partitions...), HTTP: h.HTTP, Outside: h.Outside,
		Now: h.Now, Rand: h.Rand, Log: h.Log,
	})
}
