package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
)

// TestTrustedProxies: what a header says of an address is believed as far as our own proxies wrote it, and no further.
func TestTrustedProxies(t *testing.T) {
	const lan = "127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48"
	for _, c := range []struct {
		name    string
		trusted string
		peer    string
		header  []string
		want    string
	}{
		{"nobody is trusted", "", "127.0.0.1:4711", []string{"192.0.2.1"}, "127.0.0.1:4711"},
		{"the peer is no proxy", lan, "192.0.2.9:4711", []string{"192.0.2.1"}, "192.0.2.9:4711"},
		{"one proxy", lan, "127.0.0.1:4711", []string{"192.0.2.1"}, "192.0.2.1:0"},
		{"whoever asked wrote something, too", lan, "127.0.0.1:4711", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1:0"},
		{"and that in a header of its own", lan, "127.0.0.1:4711", []string{"198.51.100.7", "192.0.2.1"}, "192.0.2.1:0"},
		{"two proxies", lan, "127.0.0.1:4711", []string{"198.51.100.7, 192.0.2.1,10.1.2.3"}, "192.0.2.1:0"},
		{"all are ours", lan, "127.0.0.1:4711", []string{"10.1.2.3,10.1.2.4"}, "10.1.2.3:0"},
		{"the proxy wrote nothing", lan, "127.0.0.1:4711", nil, "127.0.0.1:0"},
		{"or nothing that is an address", lan, "127.0.0.1:4711", []string{"192.0.2.1, unknown"}, "127.0.0.1:0"},
		{"an empty entry", lan, "127.0.0.1:4711", []string{"192.0.2.1, "}, "127.0.0.1:0"},
		{"with a port", lan, "127.0.0.1:4711", []string{"192.0.2.1:50000"}, "192.0.2.1:0"},
		{"IPv6", lan, "[2001:db8:1::5]:4711", []string{"2001:db8:2::1"}, "[2001:db8:2::1]:0"},
		{"IPv6 in brackets", lan, "127.0.0.1:4711", []string{"[2001:db8:2::1]"}, "[2001:db8:2::1]:0"},
		{"IPv6 with a port", lan, "127.0.0.1:4711", []string{"[2001:db8:2::1]:443"}, "[2001:db8:2::1]:0"},
		{"IPv4 in IPv6", lan, "[::ffff:10.0.0.1]:4711", []string{"::ffff:192.0.2.1"}, "192.0.2.1:0"},
		{"a zone is nobody's address elsewhere", lan, "127.0.0.1:4711", []string{"fe80::1%eth0"}, "[fe80::1]:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxies, err := config.Config{TrustedProxies: c.trusted}.Proxies()
			if err != nil {
				t.Fatal(err)
			}
			var got string
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.header
			through(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want || r.RemoteAddr != c.peer {
				t.Errorf("from %s, want %s", got, c.want)
			}
		})
	}
}

// TestLimitsBehindProxy: one person behind our proxy who goes too far keeps nobody else out.
func TestLimitsBehindProxy(t *testing.T) {
	t.Parallel()
	for trusted, others := range map[string]int{"127.0.0.1, ::1": http.StatusBadRequest, "": http.StatusTooManyRequests} {
		w := newWorld(t, func(o *Options) { o.TrustedProxies = trusted })
		ask := func(from string) int {
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"vet-assist-ai"}, "refresh_token": {"nobody-gave-it-out"}}
			return w.send("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", from).status
		}
		tries := 0
		for ; ask("192.0.2.1") != http.StatusTooManyRequests; tries++ {
			if tries > 1000 {
				t.Fatal("there is no limit")
			}
		}
		if got := ask("192.0.2.2"); got != others || tries == 0 {
			t.Errorf("trusting %q, the other one gets %d after %d tries, want %d", trusted, got, tries, others)
		}
	}
}
