package doctor

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/shared/config"
)

// address is what somebody typed, read kindly.
type address struct {
	base   string // scheme and host: the issuer as it should be. With a stage's name when that is the only way in
	host   string // without port
	local  bool   // on this very machine
	prefix string // path before our own ones, which may be a stage's name
}

// own are the first parts of the paths that VetAssist has: somebody copied the address of a page.
var own = map[string]bool{"mcp": true, "oauth": true, "admin": true, ".well-known": true, "callback": true, "connect": true, "chat": true, "setup": true}

// readAddress adds what people leave out, and takes away what they copy along.
func readAddress(typed string) (address, error) {
	s := strings.TrimSpace(typed)
	if !strings.Contains(s, "://") {
		host, _, _ := strings.Cut(s, "/")
		if config.IsLoopbackHost(host) {
			s = "http://" + s
		} else {
			s = "https://" + s
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return address{}, fmt.Errorf("%.200q is not an address such as https://vetassist.example.com", typed)
	}
	if u.User != nil {
		return address{}, fmt.Errorf("the address holds a user name: leave out what stands before the @")
	}
	host := strings.ToLower(u.Host)
	if p := u.Port(); p == "" || u.Scheme == "http" && p == "80" || u.Scheme == "https" && p == "443" {
		host = strings.TrimSuffix(host, ":"+p) // the issuer has no default port (RFC 3986 §6.2.3)
	}
	a := address{base: u.Scheme + "://" + host, host: u.Hostname(), local: config.IsLoopback(u.Hostname())}
	for part := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		if part == "" || own[part] {
			break
		}
		a.prefix += "/" + part
	}
	return a, nil
}
