package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// portAttempts bounds how often a free port is looked for that both families have.
const portAttempts = 10

// listen opens what addr means. "localhost" is both loopback addresses, on one port: a browser may try either
// first, and a program that resolves the name gets either. missing is the family that this machine lacks, if any.
func listen(addr string) (listeners []net.Listener, missing string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", fmt.Errorf("the address %q is not host:port, such as localhost:8080", addr)
	}
	if n, err := net.LookupPort("tcp", port); err != nil {
		return nil, "", fmt.Errorf("%q is not a port: it is a number up to 65535, or 0 for a free one", port)
	} else {
		port = strconv.Itoa(n)
	}
	if !strings.EqualFold(host, "localhost") {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return nil, "", explainListen(host, port, err)
		}
		return []net.Listener{l}, "", nil
	}
	for attempt := 1; ; attempt++ {
		listeners, missing, err = listenLoopback(port, net.Listen)
		if err == nil || port != "0" || attempt == portAttempts || !errors.Is(err, syscall.EADDRINUSE) {
			return listeners, missing, err
		}
	}
}

// listenLoopback listens on 127.0.0.1 and ::1. One of them may not exist here, but neither may be somebody
// else's: half of the visitors would land there.
func listenLoopback(port string, open func(network, address string) (net.Listener, error)) (listeners []net.Listener, missing string, err error) {
	var failed error
	for _, family := range []struct{ network, host, name string }{{"tcp4", "127.0.0.1", "IPv4"}, {"tcp6", "::1", "IPv6"}} {
		l, err := open(family.network, net.JoinHostPort(family.host, port))
		switch {
		case err == nil:
			listeners = append(listeners, l)
			port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port) // the same for the second, if any was free
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			missing, failed = family.name, err
		default:
			for _, l := range listeners {
				l.Close()
			}
			return nil, "", explainListen(family.host, port, err)
		}
	}
	if len(listeners) == 0 {
		return nil, "", fmt.Errorf("this machine has no loopback address: %w", failed)
	}
	return listeners, missing, nil
}

func explainListen(host, port string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		other := "0"
		if n, err := strconv.Atoi(port); err == nil && n > 0 && n < 65535 {
			other = strconv.Itoa(n + 1)
		}
		return fmt.Errorf("port %s on %s is taken, perhaps by another vetassist. Stop that program, or choose another port: -addr localhost:%s (%w)",
			port, host, other, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %s may not be used by this user. Choose one from 1024 up: -addr localhost:8080 (%w)", port, err)
	}
	return fmt.Errorf("cannot listen on %s (another address: -addr localhost:8081): %w", net.JoinHostPort(host, port), err)
}
