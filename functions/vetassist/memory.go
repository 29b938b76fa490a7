package main

import "runtime/debug"

const (
	// One MCP call allocates some 400 KB, nearly all of it garbage a moment later. At Go's default the collector
	// would run every few calls, over a heap that is small anyway; at four times the live heap it runs rarely,
	// which was measured to give about three times the calls a second.
	gcPercent = 400
	// The limit is what makes that safe: near it the collector works harder, whatever the percentage says.
	memoryLimit = 512 << 20
)

// limitMemory sets the collector, unless whoever starts the process set it with Go's own variables.
func limitMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
