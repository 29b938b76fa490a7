//go:build unix

package main

import "syscall"

// openFiles is how many files this process may have open, connections included: Go has raised it to what the system allows (ulimit -Hn).
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > mostConnections+otherFiles {
		return mostConnections + otherFiles
	}
	return int(limit.Cur)
}
