//go:build !unix

package main

import "time"

// processor says nothing here: scripts/bench/run, which wants to know, needs Linux.
func processor() time.Duration { return 0 }
