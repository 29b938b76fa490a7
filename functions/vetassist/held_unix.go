//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"syscall"
)

// outliveFileLimit lets a write beyond the size that the system allows a file (ulimit -f) fail like one to a full disk. It would end the process.
func outliveFileLimit() { signal.Ignore(syscall.SIGXFSZ) }

// tellWhatIsHeld writes a line about what the process holds whenever somebody asks with SIGUSR1, so that it can be watched from outside
// and opens no address for that. The heap is what the last collection found alive. It ends with the function that it returns.
func tellWhatIsHeld(s *Server, to io.Writer) (end func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
			metrics.Read(heap)
			fmt.Fprintf(to, "vetassist: holds %d goroutines, %d connections, %d bytes on the heap\n", runtime.NumGoroutine(), s.Connections(), heap[0].Value.Uint64())
		}
	}()
	return func() { signal.Stop(asked); close(asked) }
}
