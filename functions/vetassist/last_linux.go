package main

import (
	"net"
	"syscall"
	"time"
)

const barTime = 20 * time.Millisecond

// narrow leaves a listener room for one connection that is not accepted yet: bar takes it. To call listen(2) again changes just that.
func narrow(l *net.TCPListener) {
	if raw, err := l.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) }) // if not, bar does not take all the room, and closing is as on other systems
	}
}

// bar takes the last room with a connection of our own, which nobody is going to accept. Then the system lets nobody else in, and who tries is refused when
// the listener is closed, before anything was sent. To close it without that would reset connections that are made already, with the requests in them.
// It tells whether there was room: if not, somebody is there who is to be accepted first.
func bar(l net.Listener) (net.Conn, bool) {
	c, err := net.DialTimeout("tcp", l.Addr().String(), barTime)
	return c, err == nil
}
