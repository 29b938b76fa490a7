//go:build unix

package main

import "syscall"

// How a server is started apart from us, and asked what it holds.
var (
	ownGroup       = &syscall.SysProcAttr{Setpgid: true}
	sayWhatYouHold = syscall.SIGUSR1
)
