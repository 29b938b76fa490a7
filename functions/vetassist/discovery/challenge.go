package discovery

import (
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// Challenge is what a 401 or 403 asks for (RFC 6750 §3, RFC 9728 §5.1).
type Challenge struct {
	Metadata string // resource_metadata
	Code     string // error
	Scopes   []string
}

// ReadChallenge finds the challenge for bearer tokens in an answer; it is empty when there is none.
func ReadChallenge(h http.Header) Challenge {
	for _, name := range []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} { // API Gateway renames it
		parsed, err := oauthex.ParseWWWAuthenticate(h.Values(name))
		if err != nil {
			continue
		}
		for _, p := range parsed {
			if p.Scheme == "bearer" {
				return Challenge{p.Params["resource_metadata"], p.Params["error"], strings.Fields(p.Params["scope"])}
			}
		}
	}
	return Challenge{}
}
