//go:build unix

package lambdatest

import (
	"os"
	"syscall"
)

// signalStop stops a process where it stands, or lets it go on.
func signalStop(p *os.Process, stopped bool) {
	if stopped {
		p.Signal(syscall.SIGSTOP)
	} else {
		p.Signal(syscall.SIGCONT)
	}
}
