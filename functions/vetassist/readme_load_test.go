package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestReadmeBounds holds the README's table of what a connection may take to the constants.
func TestReadmeBounds(t *testing.T) {
	want := map[string]string{
		"headers, to arrive":           fmt.Sprintf("%d s", int(headerTimeout.Seconds())),
		"a whole request":              fmt.Sprintf("%d s", int(readTimeout.Seconds())),
		"an answer, to be read":        fmt.Sprintf("%d minutes", int(writeTimeout.Minutes())),
		"silence between two requests": fmt.Sprintf("%d minutes", int(idleTimeout.Minutes())),
		"an address":                   fmt.Sprintf("%d KB", maxAddress>>10),
		"headers":                      fmt.Sprintf("%d of them, %d KB in all", maxFields, maxFieldBytes>>10),
		"a body":                       "1 MiB",
		"open connections":             fmt.Sprintf("%d,%03d, or", mostConnections/1000, mostConnections%1000),
	}
	rows := readmeTable(t, "What", "Bound", "Beyond it")
	for _, row := range rows {
		if w := want[row[0]]; w == "" || !strings.Contains(row[1], w) {
			t.Errorf("%s: %q, and the README says %s", row[0], w, row[1])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, and %d bounds", len(rows), len(want))
	}
	readmeSays(t, fmt.Sprintf("less %d |", otherFiles))
	readmeSays(t, fmt.Sprintf("are given %d seconds more, and requests at work %d", int(clientTimeout.Seconds()), int(stopTimeout.Seconds())))
}
