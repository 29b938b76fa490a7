package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"code.dny.dev/ssrf"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/egress"
)

// Whatever a stranger names, we dial no address that is not out on the Internet.
func TestPrivateAddresses(t *testing.T) {
	client := egress.Client(config.AnyHost, nil)
	for _, host := range []string{
		"127.0.0.1", "127.1", "localhost", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]",
		"224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:db8::1]", "2130706433", "0x7f.1",
	} {
		_, _, err := egress.Get(t.Context(), client, "https://"+host+"/client.json", "application/json", 100)
		refused := errors.Is(err, ssrf.ErrProhibitedIP) && errors.Is(err, egress.ErrAddress)
		_, isName := netip.ParseAddr(strings.Trim(host, "[]"))
		var lookup net.Error // what is no address is looked up, where there is somebody to ask; whatever it leads to on this machine answers sooner
		unknown := isName != nil && (errors.As(err, &lookup) && lookup.Timeout() || err != nil && strings.Contains(err.Error(), "lookup"))
		if err == nil || !refused && !unknown {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, address := range []string{"https://93.184.215.14:22/", "https://93.184.215.14:8443/"} {
		if _, _, err := egress.Get(t.Context(), client, address, "*/*", 100); !errors.Is(err, ssrf.ErrProhibitedPort) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://app.example/client.json", "file:///etc/passwd", "gopher://x/", "ftp://app.example/"} {
		if _, _, err := egress.Get(t.Context(), client, address, "*/*", 100); !errors.Is(err, egress.ErrNotHTTPS) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A host that is named outright may be anywhere, and is bounded and followed nowhere like all others.
func TestNamedHost(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		case "/large":
			_, _ = w.Write(make([]byte, 101))
		default:
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = w.Write([]byte("{}"))
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	get := func(named config.Hosts, path string) (string, error) {
		client := egress.Client(named, server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
		body, header, err := egress.Get(t.Context(), client, server.URL+path, "application/json", 100)
		if err == nil && header.Get("Cache-Control") == "" {
			t.Errorf("%s: no header", path)
		}
		return string(body), err
	}
	if body, err := get(config.Hosts{u.Host}, "/good"); err != nil || body != "{}" {
		t.Errorf("%q, %v", body, err)
	}
	if body, err := get(config.Hosts{u.Hostname()}, "/good"); err != nil || body != "{}" {
		t.Errorf("without the port: %q, %v", body, err)
	}
	for path, want := range map[string]error{"/elsewhere": egress.ErrRedirect, "/missing": egress.StatusError(404), "/large": egress.ErrTooLarge} {
		if _, err := get(config.Hosts{u.Host}, path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := get(config.Hosts{"*", u.Hostname() + ":1"}, "/good"); err == nil {
		t.Error("a host that is not named was asked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := egress.Client(config.Hosts{u.Host}, nil)
	if _, _, err := egress.Get(ctx, client, server.URL, "*/*", 100); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
