package lambda

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
		transport := client.Transport.(*http.Transport)
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

// Elsewhere localhost is localhost.
func TestClientElsewhere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	res, err := Client(config.Config{Lambda: true}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}
