package workshop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const loginTime = 10 * time.Minute // for a person to log in and agree

// InBrowser asks the administrator to log in at a link, and waits for the browser to come back to a port of this machine (RFC 8252 §7.3).
func InBrowser(ctx context.Context, base string, transport http.RoundTripper, now func() time.Time, say io.Writer, scopes ...string) (Login, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	client := commandClient(base, transport)
	server, err := client.ReadServer(ctx, base)
	if err != nil {
		return nil, fmt.Errorf("there is no VetAssist that calls itself by this address: %w", err)
	}
	client.Server = server
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	client.Redirect = fmt.Sprintf("http://%s/callback", listener.Addr())
	asked := client.Request(url.Values{"scope": {strings.Join(scopes, " ")}})
	answers := make(chan url.Values, 1)
	back := &http.Server{Handler: comeBack(asked.State, server.Issuer, answers), ReadHeaderTimeout: 5 * time.Second}
	defer back.Close()
	go func() { _ = back.Serve(listener) }() // until Close
	fmt.Fprintf(say, "Log in as an administrator, in a browser on this machine:\n\n  %s\n\nWaiting for you. Ctrl-C ends it.\n", asked.URL)
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, errors.New("nobody logged in within ten minutes")
		}
		return nil, ctx.Err()
	case got := <-answers:
		if got.Get("code") == "" {
			return nil, fmt.Errorf("the login was refused: %s", clean(strings.TrimSpace(got.Get("error")+" "+got.Get("error_description"))))
		}
		t, err := client.Redeem(ctx, got.Get("code"), asked.Verifier, nil)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(say, "You are logged in.")
		return newLogin(client, t, now)
	}
}

// comeBack takes one answer: the one to our question (state, RFC 6749 §10.12), of the server that we asked (iss, RFC 9207 §2.4). Whatever else
// comes to the port is told nothing.
func comeBack(state, issuer string, answers chan<- url.Values) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		q := r.URL.Query()
		if q.Get("state") != state || q.Get("iss") != issuer {
			http.Error(w, "This is not the answer to what the terminal asked. Open its link again.", http.StatusBadRequest)
			return
		}
		select {
		case answers <- q:
			fmt.Fprintln(w, "Done here. Go back to the terminal; you may close this page.")
		default:
			http.Error(w, "This was used already.", http.StatusBadRequest)
		}
	})
	return mux
}
