package app

import (
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/web"
)

// documentPath is where our client ID metadata document is, under the base URL.
const documentPath = "/oauth-client.json"

// clientDocument is the form of draft-ietf-oauth-client-id-metadata-document §4: client metadata with the address that it is at.
type clientDocument struct {
	ClientID string `json:"client_id"`
	oauthex.ClientRegistrationMetadata
}

// describe answers authorization servers that ask who the client is that calls itself by this address. It is there whether we go by it or not,
// so that the ways to be known can be compared (vetassist walkthrough -clients), and tells no secret: whoever uses it gets the answer sent to us.
// On a loopback base URL the address is http, and only our own authorization server reads it: nobody else reaches it.
func (a *app) describe(w http.ResponseWriter, r *http.Request) {
	if a.document != a.base+documentPath {
		a.nothingHere(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	web.JSON(w, http.StatusOK, clientDocument{a.document, a.metadata(methodNone)})
}
