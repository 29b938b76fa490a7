package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" // nothing secret
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

const (
	stopBound   = 10 * time.Second
	stoppingBy  = 16 // clients, each with one request after the other
	stopSeconds = 6  // of one round, about
)

// stop ends the server in the middle of load, again and again: with a request on each of several connections, and others that come. Each request is
// answered in full, or its connection was refused before it was sent; what was answered is in the database afterwards.
func stop(ctx context.Context, s soak) (found finding, err error) {
	rounds := max(2, min(50, int(s.long.Seconds())/stopSeconds))
	var answered, refusedThen, lost int64
	var longest time.Duration
	for n := range rounds {
		dir := filepath.Join(s.dir, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return found, err
		}
		r, err := stopOnce(ctx, s.bin, dir)
		if err != nil {
			return found, fmt.Errorf("round %d: %w", n+1, err)
		}
		found.wrong = append(found.wrong, r.wrong...)
		answered, refusedThen, lost = answered+r.answered.Load(), refusedThen+r.refused.Load(), lost+r.lost.Load()
		longest = max(longest, r.took)
	}
	found.figure("times stopped under load", float64(rounds), "")
	found.figure("requests answered", float64(answered), "")
	found.figure("connections refused afterwards", float64(refusedThen), "")
	found.figure("requests dropped", float64(lost), "")
	found.figure("the longest stop, slow clients holding on", ms(longest), "ms")
	return found, nil
}

// round is what was seen of one stop.
type round struct {
	answered, refused, lost atomic.Int64
	took                    time.Duration

	mu      sync.Mutex
	wrong   []error
	written []string // reminders that were answered
}

func (r *round) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) < 10 {
		r.wrong = append(r.wrong, err)
	}
}

func stopOnce(ctx context.Context, bin, dir string) (*round, error) {
	srv, err := start(bin, dir)
	if err != nil {
		return nil, err
	}
	defer srv.kill()
	client := visitor.NewClient(srv.url, from(0))
	tokens, err := client.Connect(ctx, visitor.NewBrowser(srv.url, from(0)), "bob", "bob-demo", scopes...)
	if err != nil || tokens.Access == "" {
		return nil, fmt.Errorf("connecting: %v %s", err, tokens.Description)
	}
	r := &round{}
	slow, err := holdOn(ctx, srv.url)
	if err != nil {
		return nil, err
	}
	defer slow()
	var all sync.WaitGroup
	for n := range stoppingBy {
		transport := from(100 + n)
		transport.DisableKeepAlives = n%4 == 3 // a quarter of them comes anew each time
		all.Go(func() { r.keepAsking(ctx, srv.url, transport, tokens.Access, n) })
	}
	time.Sleep(500*time.Millisecond + rand.N(500*time.Millisecond)) // they are in the middle of it
	if r.took, err = srv.stop(); err != nil {
		r.fail(fmt.Errorf("it ended with %w", err))
	}
	if r.took > stopBound {
		r.fail(fmt.Errorf("it took %s", r.took))
	}
	all.Wait()
	return r, r.lookFor(ctx, bin, dir, tokens.Refresh)
}

// holdOn opens connections that never come to an end by themselves.
func holdOn(ctx context.Context, base string) (end func(), err error) {
	_, host, _ := strings.Cut(base, "://")
	var closers []io.Closer
	for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: " + host + "\r\n",
		"POST /oauth/token HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na="} {
		c, err2 := from(50).DialContext(ctx, "tcp", host)
		if err2 == nil {
			closers = append(closers, c)
			_, err2 = io.WriteString(c, text)
		}
		err = errors.Join(err, err2)
	}
	return func() {
		for _, c := range closers {
			c.Close()
		}
	}, err
}

// keepAsking sends one request after the other until connections are refused.
func (r *round) keepAsking(ctx context.Context, base string, transport *http.Transport, token string, n int) {
	defer transport.CloseIdleConnections()
	client := visitor.NewClient(base, transport)
	for i := 0; ; i++ {
		name := fmt.Sprintf("Number %d of %d", i, n)
		write := i%20 == 0 && i < 200 // a person has so many reminders at most
		a, err := visitor.Answer{}, error(nil)
		if write {
			day := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
			a, err = client.CallTool(ctx, token, "set_reminder", map[string]any{"text": name, "date": day, "time": "09:00"})
		} else {
			a, err = client.Send(ctx, http.MethodPost, "/oauth/token", "grant_type=refresh_token&client_id=vet-assist-ai&refresh_token=x", "Content-Type", "application/x-www-form-urlencoded")
		}
		switch {
		case refusedBefore(err):
			r.refused.Add(1)
			return
		case err != nil:
			r.lost.Add(1)
			r.fail(fmt.Errorf("dropped: %w", err))
			return
		}
		r.answered.Add(1)
		if write && a.Status == http.StatusOK && strings.Contains(string(a.Body), `"structuredContent"`) && !strings.Contains(string(a.Body), `"isError":true`) {
			r.mu.Lock()
			r.written = append(r.written, name)
			r.mu.Unlock()
		}
	}
}

// refusedBefore tells whether a connection was refused before anything was sent on it.
func refusedBefore(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// lookFor starts the server again and looks for what it said that it wrote.
func (r *round) lookFor(ctx context.Context, bin, dir, refresh string) error {
	srv, err := start(bin, dir)
	if err != nil {
		return err
	}
	defer srv.kill()
	p := &person{host: visitor.NewClient(srv.url, from(0))}
	if p.tokens, err = p.host.Refresh(ctx, refresh, nil); err != nil || p.tokens.Access == "" {
		return fmt.Errorf("refreshing: %v %s", err, p.tokens.Description)
	}
	var list struct {
		Reminders []struct{ Text string } `json:"reminders"`
		Next      string                  `json:"next_cursor"`
	}
	there := map[string]bool{}
	for cursor := ""; ; {
		args := map[string]any{}
		if cursor != "" {
			args["cursor"] = cursor
		}
		if err := p.tool(ctx, "list_reminders", args, &list); err != nil {
			return err
		}
		for _, one := range list.Reminders {
			there[one.Text] = true
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	if len(r.written) == 0 {
		r.fail(errors.New("nothing was written"))
	}
	for _, name := range r.written {
		if !there[name] {
			r.fail(fmt.Errorf("%q was answered, and is not in the database", name))
		}
	}
	_, err = srv.stop()
	return err
}
