package directory_test

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

func TestHasRedirect(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost:8080/cb?x=1", "http://127.0.0.2/cb", "https://app.example/cb", "com.example.app:/cb"}
	for uri, want := range map[string]struct{ native, web bool }{
		"http://127.0.0.1/cb":              {true, true},
		"http://127.0.0.1:1/cb":            {true, false},
		"http://127.0.0.1:65535/cb":        {true, false},
		"http://[::1]:2/cb":                {true, false},
		"http://[::1]/cb":                  {true, false},
		"http://localhost:8080/cb?x=1":     {true, true},
		"http://localhost/cb?x=1":          {true, false},
		"https://app.example/cb":           {true, true},
		"com.example.app:/cb":              {true, true},
		"http://127.0.0.1:/cb":             {},
		"http://127.0.0.1:0/cb":            {},
		"http://127.0.0.1:65536/cb":        {},
		"http://127.0.0.1:+1/cb":           {},
		"http://127.0.0.1:1":               {},
		"http://127.0.0.1:1/cb/":           {},
		"http://127.0.0.1:1/CB":            {},
		"http://127.0.0.1:1/cb?":           {},
		"http://127.0.0.1:1/cb#":           {},
		"http://127.0.0.1:1/x/../cb":       {},
		"http://127.0.0.1:1@evil.test/cb":  {},
		"http://127.0.0.1.evil.test:1/cb":  {},
		"http://127.0.0.1:1.evil.test/cb":  {},
		"http://evil.test@127.0.0.1:1/cb":  {},
		"http://localhost:1/cb":            {}, // registered with a query
		"http://LOCALHOST/cb?x=1":          {},
		"http://127.0.0.2:1/cb":            {}, // of this machine, but not one of the three that RFC 8252 names
		"http://[0:0:0:0:0:0:0:1]:1/cb":    {},
		"https://127.0.0.1:1/cb":           {},
		"https://app.example:443/cb":       {},
		"https://app.example:1/cb":         {},
		"com.example.app://127.0.0.1:1/cb": {},
		"":                                 {},
	} {
		for kind, ok := range map[string]bool{directory.Native: want.native, directory.Web: want.web, "": want.web} {
			if c := (directory.Client{ApplicationType: kind, RedirectURIs: registered}); c.HasRedirect(uri) != ok {
				t.Errorf("%s client, %q: %v", kind, uri, !ok)
			}
		}
	}
}

// FuzzRedirect: what fits without being equal is the same loopback address, path and query as a registered one.
func FuzzRedirect(f *testing.F) {
	f.Add("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb")
	f.Add("http://[::1]:1/cb?x=%20", "http://[::1]/cb?x=%20")
	f.Add("http://localhost", "http://localhost:1@evil.test")
	f.Add("com.example.app:/cb", "com.example.app:/cb")
	f.Add("https://app.example/", "https://app.example:1/")
	f.Add("javascript://x/%0aalert(1)", "javascript://x/%0aalert(1)")
	f.Fuzz(func(t *testing.T, registered, uri string) {
		if directory.CheckRedirects([]string{registered}) != nil {
			return
		}
		if slices.Contains([]string{"javascript", "data", "file", "blob", "vbscript", "about"}, strings.ToLower(strings.SplitN(registered, ":", 2)[0])) {
			t.Errorf("%q can be registered", registered)
		}
		c := directory.Client{ApplicationType: directory.Native, RedirectURIs: []string{registered}}
		if !c.HasRedirect(registered) {
			t.Errorf("%q does not fit itself", registered)
		}
		if !c.HasRedirect(uri) || uri == registered {
			return
		}
		want, err1 := url.Parse(registered)
		got, err2 := url.Parse(uri)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q fits %q: %v, %v", uri, registered, err1, err2)
		}
		ip, err := netip.ParseAddr(got.Hostname())
		loopback := got.Hostname() == "localhost" || err == nil && ip.IsLoopback()
		if !loopback || got.Scheme != "http" || got.User != nil || got.Hostname() != want.Hostname() || got.RequestURI() != want.RequestURI() || got.Fragment != want.Fragment {
			t.Errorf("%q fits %q", uri, registered)
		}
	})
}
