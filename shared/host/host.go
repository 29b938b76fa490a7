// Package host is what a function gets from whoever runs it: the single binary on a laptop, or AWS Lambda. A function
// opens itself with it and knows nothing else of where it is.
package host

import (
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
)

// Host is all that a function needs of the world. In Lambda, lambda.Start adds what all functions share.
type Host struct {
	config.Config
	Store   store.Store  // of everything; a function narrows it to its own partitions with store.Restrict
	HTTP    *http.Client // for requests to the other functions, which are strangers at their URLs
	Outside *http.Client // for requests to addresses that somebody named whom nobody here knows: package egress
	Files   fs.FS        // the folder seed
	Now     func() time.Time
	Clock   *VirtualClock // behind Now; nil: it cannot be moved here
	Rand    io.Reader
	Log     *slog.Logger
}

// Clock is the clock on the wall. Go's monotonic one, which time.Now has with it and prefers, stands still while Lambda has frozen the process
// and while a laptop sleeps: what is an hour old would seem a minute old, keys and limits included.
func Clock() time.Time { return time.Now().Round(0) }
