//go:build unix

package main

import (
	"syscall"
	"time"
)

// processor is the time that this program has had of the processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // of the caller's own process it is always known
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
