package lambda

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

// In a container of "sam local", only the dialled address differs: the request says what it always says.
func TestClientInSAMLocal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host+r.RequestURI) }))
	defer server.Close()
	for _, c := range []struct{ url, dialled string }{
		{"http://localhost:3000/mcp", "host.docker.internal:3000"},
		{"http://127.0.0.1:3000/mcp", "host.docker.internal:3000"},
		{"http://[::1]:8080/mcp", "host.docker.internal:8080"},
		{"http://dynamodb:8000/", "dynamodb:8000"},
		{"http://localhost.example/", "localhost.example:80"},
	} {
		var dialled string
		client := Client(config.Config{SAMLocal: true})
		transport := client.Transport.(*thawed)
		transport.DialContext = fromContainer(func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = address
			return net.Dial(network, server.Listener.Addr().String())
		})
		res, err := client.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if want := strings.TrimPrefix(c.url, "http://"); string(body) != want || dialled != c.dialled {
			t.Errorf("%s: dialled %s, asked for %s", c.url, dialled, body)
		}
	}
}

// Elsewhere localhost is localhost. A connection is used again, but not after the process was frozen.
func TestClientThaws(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := Client(config.Config{})
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	client.Transport.(*thawed).now = func() time.Time { return now }
	for _, c := range []struct {
		pause time.Duration
		want  int32
	}{{0, 1}, {time.Second, 1}, {idle, 1}, {idle + time.Second, 2}, {0, 2}, {24 * time.Hour, 3}} {
		now = now.Add(c.pause)
		res, err := client.Post(server.URL, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if got := connections.Load(); got != c.want {
			t.Errorf("%s later: %d connections, want %d", c.pause, got, c.want)
		}
	}
}
