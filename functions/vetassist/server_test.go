package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// What a person reads at the start. testdata/banner.golden is the text; the port is any.
func TestBanner(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Stdout, o.DB = &out, ":memory:" })
	want, err := os.ReadFile("testdata/banner.golden")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), w.URL, "http://localhost:8080")
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Behind a proxy the demo's passwords do not work, and the start says so.
func TestDeployed(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Stdout, o.BaseURL = &out, "https://demo.example.com" })
	if strings.Contains(out.String(), "bob-demo") || !strings.Contains(out.String(), "cannot log in here") || !strings.Contains(out.String(), "-trusted-proxies") {
		t.Errorf("it says\n%s", &out)
	}
	proxy := behind(t, w)
	bob := proxy.person()
	bob.open("/oauth/login")
	p := bob.login("bob")
	if p.status != http.StatusUnauthorized || strings.Contains(p.text, "bob-demo") {
		t.Errorf("%d: %s", p.status, p.text)
	}
}

// behind is the same world through a proxy that ends TLS and is called demo.example.com.
func behind(t *testing.T, w *world) *world {
	t.Helper()
	to := w.listeners[0].Addr().String()
	front := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", to
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(rw, resp.Body)
	}))
	t.Cleanup(front.Close)
	sub := *w
	sub.t, sub.network = t, front.Client().Transport.(*http.Transport).Clone()
	sub.network.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, front.Listener.Addr().String())
	}
	sub.network.TLSClientConfig.ServerName = "example.com" // what the test's certificate says
	return &sub
}

// The whole story behind a proxy: our own parts reach each other without it, which this name in the clouds proves.
func TestBehindProxy(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.BaseURL = "https://demo.example.com" })
	w.givePassword("user-bob", "a-real-password")
	bob := behind(t, w).person()
	a := bob.ask("When is Fido's next vaccination?")
	if !strings.HasPrefix(a.AuthorizeURL, "https://demo.example.com/oauth/authorize?") {
		t.Fatalf("%+v", a)
	}
	bob.open(a.AuthorizeURL)
	bob.submit("username", url.Values{"username": {"new-bob"}, "password": {"a-real-password"}})
	p := bob.submit("decision", url.Values{"decision": {"approve"}})
	if !strings.Contains(p.text, "get_pet_vaccination_info") {
		t.Errorf("%d %s: %s", p.status, p.url, p.text)
	}
	for _, c := range bob.http.Jar.Cookies(p.url) {
		if !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("the cookie %s may be set by others", c.Name)
		}
	}
}

// localhost is both addresses, on one port.
func TestListen(t *testing.T) {
	listeners, missing, err := listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		defer l.Close()
	}
	if len(listeners) == 2 {
		a, b := listeners[0].Addr().(*net.TCPAddr), listeners[1].Addr().(*net.TCPAddr)
		if a.Port != b.Port || a.IP.String() != "127.0.0.1" || b.IP.String() != "::1" || missing != "" {
			t.Errorf("%v %v, missing %q", a, b, missing)
		}
	} else if missing == "" {
		t.Error("one address, and no word about the other")
	}
	if _, _, err := listen(listeners[0].Addr().String()); err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("a taken port: %v", err)
	}
}

// Where one family is missing the other serves alone.
func TestListenWithOneFamily(t *testing.T) {
	lacks := func(family string) func(string, string) (net.Listener, error) {
		return func(network, address string) (net.Listener, error) {
			if network == family {
				return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
			}
			return httptest.NewUnstartedServer(nil).Listener, nil // any port of 127.0.0.1 stands for either
		}
	}
	for family, name := range map[string]string{"tcp4": "IPv4", "tcp6": "IPv6"} {
		listeners, missing, err := listenLoopback("0", lacks(family))
		if err != nil || len(listeners) != 1 || missing != name {
			t.Errorf("without %s: %d listeners, missing %q, %v", name, len(listeners), missing, err)
		}
		for _, l := range listeners {
			l.Close()
		}
	}
}

// In a container the server listens on all addresses, on a port that the world knows by another number. Whoever does
// that is warned, since everybody knows the passwords.
func TestListenOnAllAddresses(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Stdout, o.Addr, o.BaseURL = &out, "0.0.0.0:0", "http://localhost:8080" })
	if !strings.Contains(out.String(), "Careful: 0.0.0.0:") {
		t.Errorf("no warning in\n%s", &out)
	}
	port := w.listeners[0].Addr().(*net.TCPAddr).Port
	w.network = http.DefaultTransport.(*http.Transport).Clone()
	w.network.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
	}
	bob := w.person()
	if p := bob.connect("Which pets do I have?", "bob"); !strings.Contains(p.text, "Milo") {
		t.Errorf("%s", p.text)
	}
}

// A person who comes by another name of this machine is sent to the one that cookies and links use.
func TestOtherNames(t *testing.T) {
	w := newWorld(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(w.URL, "http://"), ":")
	resp := w.send("GET", "/?x=1", "", "Host", "127.0.0.1:"+port, "Accept", "text/html")
	if resp.status != http.StatusTemporaryRedirect || resp.header.Get("Location") != w.URL+"/?x=1" {
		t.Errorf("a person: %d to %s", resp.status, resp.header.Get("Location"))
	}
	resp = w.send("GET", "/.well-known/oauth-authorization-server", "", "Host", "127.0.0.1:"+port)
	if resp.status != http.StatusOK {
		t.Errorf("a program: %d", resp.status)
	}
}
