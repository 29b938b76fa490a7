package main

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// dropProgram has the system forget which pages of the program's file are mapped: most of them only the start has used. Those
// that are used again come back from the system's cache of files. Only mappings that cannot be written, and of which no page was ever
// changed, are dropped: of others the change would be lost.
func dropProgram() {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	var low, high uintptr
	for line := range bytes.Lines(maps) {
		var from, to uintptr
		var mode string
		if n, _ := fmt.Sscanf(string(line), "%x-%x %4s", &from, &to, &mode); n == 3 {
			low, high = 0, 0
			if (mode == "r-xp" || mode == "r--p") && bytes.HasSuffix(bytes.TrimSpace(line), []byte(" "+program)) {
				low, high = from, to
			}
			continue
		}
		if high > low && string(bytes.Join(bytes.Fields(line), nil)) == "Anonymous:0kB" {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, low, high-low, syscall.MADV_DONTNEED) // it was only an advice
		}
	}
}
