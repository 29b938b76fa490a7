package dpop

import (
	"net/url"
	"strings"
)

// sameURL compares htu with the URL of a request, without query and fragment (RFC 9449 §4.3).
func sameURL(htu, target string) bool {
	a, ok1 := normal(htu)
	b, ok2 := normal(target)
	return ok1 && ok2 && a == b
}

var defaultPorts = map[string]string{"http": ":80", "https": ":443"}

// normal writes a URL in the one way that RFC 3986 §6.2.2 and §6.2.3 call normal.
func normal(raw string) (string, bool) {
	u, err := url.Parse(raw) // the scheme in lower case
	if err != nil || u.Host == "" || u.User != nil || defaultPorts[u.Scheme] == "" {
		return "", false
	}
	u = (&url.URL{}).ResolveReference(u) // without . and .. (§5.2.4)
	host := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(u.Host), defaultPorts[u.Scheme]), ":")
	path := normalPath(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + host + path, true
}

// normalPath decodes what needs no percent sign, and writes the rest in capitals (§6.2.2.1, §6.2.2.2).
func normalPath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		escaped := path[i : i+3]
		i += 2
		if plain, err := url.PathUnescape(escaped); err == nil && unreserved(plain[0]) {
			b.WriteByte(plain[0])
		} else {
			b.WriteString(strings.ToUpper(escaped))
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
