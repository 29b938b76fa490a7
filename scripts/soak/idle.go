package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

const (
	idleConnections = 10_000
	idleMemory      = 220 // MB that they may cost
	idleAnswer      = time.Second
	idleSettle      = 5 * time.Second // until what opening them left behind is given back
)

// idle opens connections, each with one request and then nothing, keeps them, and sees how others are served meanwhile.
func idle(ctx context.Context, s soak) (found finding, err error) {
	srv, err := start(s.bin, s.dir)
	if err != nil {
		return found, err
	}
	defer srv.kill()
	begin := time.Now()
	client := visitor.NewClient(srv.url, from(9000))
	ask := func() (time.Duration, error) {
		begin := time.Now()
		a, err := client.Send(ctx, http.MethodGet, "/.well-known/oauth-authorization-server", "")
		return time.Since(begin), want(a, err, http.StatusOK, `"issuer"`)
	}
	if _, err := ask(); err != nil {
		return found, err
	}
	before := srv.look(begin)
	open, err := hold(ctx, srv.url, idleConnections)
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	if err != nil {
		return found, err
	}
	var slowest time.Duration
	for range 100 {
		took, err := ask()
		if err != nil {
			found.wrongf("somebody else: %w", err)
			break
		}
		slowest = max(slowest, took)
	}
	rest(ctx, idleSettle)
	after := srv.look(begin)
	cost := float64(after.rss-before.rss) / mb
	found.figure("idle connections", float64(after.held.connections-1), "")
	found.figure("resident memory before", float64(before.rss)/mb, "MB")
	found.figure("with them", float64(after.rss)/mb, "MB")
	found.figure("each costs", float64(after.rss-before.rss)/1024/idleConnections, "KB")
	found.figure("of that on the heap", float64(after.heap-before.heap)/1024/idleConnections, "KB")
	found.figure("the slowest of 100 answers to somebody else", ms(slowest), "ms")
	if n := after.held.connections; n < idleConnections {
		found.wrongf("%d connections are left of %d", n, idleConnections)
	}
	if cost > idleMemory {
		found.wrongf("they cost %.0f MB", cost)
	}
	if slowest > idleAnswer {
		found.wrongf("somebody else waited %s", slowest)
	}
	for _, c := range open {
		c.Close()
	}
	took, err := srv.stop()
	if err != nil {
		found.wrongf("stopping: %w", err)
	}
	found.figure("it stopped within", ms(took), "ms")
	return found, nil
}

// hold opens connections and has each answered once.
func hold(ctx context.Context, base string, many int) (open []net.Conn, err error) {
	_, host, _ := strings.Cut(base, "://")
	work := make(chan int)
	var mu sync.Mutex
	var crew sync.WaitGroup
	for range 50 {
		crew.Go(func() {
			for n := range work {
				c, err2 := holdOne(ctx, host, n)
				mu.Lock()
				if err2 != nil {
					err = fmt.Errorf("connection %d: %w", n, err2)
				} else {
					open = append(open, c)
				}
				mu.Unlock()
			}
		})
	}
	for n := range many {
		work <- n
	}
	close(work)
	crew.Wait()
	return open, err
}

func holdOne(ctx context.Context, host string, n int) (net.Conn, error) {
	c, err := from(n%5000).DialContext(ctx, "tcp", host) // from several addresses: each has ports for some 28,000 only
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, err = fmt.Fprintf(c, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	head := make([]byte, len("HTTP/1.1 200 OK"))
	if err == nil {
		_, err = io.ReadFull(c, head)
	}
	if err == nil && string(head) != "HTTP/1.1 200 OK" {
		err = fmt.Errorf("%s", head)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
