//go:build !unix

package main

import "syscall"

// Here there are neither groups nor that signal. A soak needs Linux; this is so that all of the repository compiles.
var (
	ownGroup       *syscall.SysProcAttr
	sayWhatYouHold = syscall.SIGTERM
)
