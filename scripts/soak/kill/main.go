// Command kill kills VetAssist in the middle of its work, again and again, and looks each time whether anything is lost or there twice.
//
//	go run ./scripts/soak/kill                 a thousand times, which takes some fifteen minutes
//	go run ./scripts/soak/kill -save           the same, and the result goes into scripts/soak/results.md
//	go run ./scripts/soak/kill -kills 20       the short form, which "go test" runs, too
//
// It builds the real command and starts it over a SQLite file on the disk. People log in there, consent, redeem codes, refresh, book and
// cancel, all at once, until kill -9 comes at a random moment; some kills come while it starts. Then it starts again, and of all that had been
// answered each thing must be there:
//
//	check.go    a login is open, a consent is not asked for again, a code that was redeemed is refused and what it gave is revoked, a code that
//	            was not gives tokens once, a refresh token has one successor, one that was used before ends its grant, an appointment is in the
//	            books and a cancelled one is not, no vet and no pet has two at a time, and nothing is there that nobody asked for
//	server.go   the command starts without a word of complaint, and SQLite finds both files sound (PRAGMA integrity_check)
//
// What had been asked and not answered may have happened or not; but whole, and once.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/vetassist/vetassist/scripts/soak/results"
)

func main() {
	o := options{out: os.Stdout}
	flag.IntVar(&o.kills, "kills", 1000, "how often")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of the random moments")
	save := flag.Bool("save", false, "write the result into scripts/soak, from where it must be run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began, commit := time.Now(), results.Commit("scripts/soak")
	seen, err := run(ctx, o)
	for _, f := range seen.figures() {
		fmt.Printf("%-70s %s\n", f.What, f)
	}
	if err == nil && *save {
		err = results.Save("scripts/soak", commit, "kill", time.Since(began), seen.figures())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kill: %v\nThe same moments again: -seed %d\n", err, o.seed)
		os.Exit(1)
	}
}

type options struct {
	kills int
	seed  uint64
	out   io.Writer
}

// generation is how many kills one database lives through. Owners may have so many appointments only, and a large file would slow the start.
const generation = 20

// seen is what happened, and what was found.
type seen struct {
	kills, starting                                int
	logins, consents, codes, refreshes, bookings   int // answered
	unansweredCodes, unansweredRefreshes, unbooked int // asked, and cut off by the kill
	checks                                         int
	starts                                         []time.Duration
}

func (s *seen) figures() []results.Figure {
	figures := []results.Figure{
		{What: "kill -9, at random moments", Value: float64(s.kills)},
		{What: "of them while it started", Value: float64(s.starting)},
		{What: "answered logins", Value: float64(s.logins)},
		{What: "answered consents", Value: float64(s.consents)},
		{What: "answered redemptions of codes", Value: float64(s.codes)},
		{What: "answered refreshes", Value: float64(s.refreshes)},
		{What: "answered bookings and cancellations", Value: float64(s.bookings)},
		{What: "codes that were being redeemed at a kill", Value: float64(s.unansweredCodes)},
		{What: "refresh tokens that were being used at a kill", Value: float64(s.unansweredRefreshes)},
		{What: "bookings and cancellations that were under way at a kill", Value: float64(s.unbooked)},
		{What: "checks after the restarts", Value: float64(s.checks)},
		{What: "answered writes lost, codes or refresh tokens good twice, slots booked twice, files to repair", Value: 0}, // run ends at the first
	}
	if len(s.starts) > 0 {
		slices.Sort(s.starts)
		figures = append(figures, results.Figure{What: "start after a kill, median", Value: float64(s.starts[len(s.starts)/2].Milliseconds()), Unit: "ms"})
	}
	return figures
}

// run kills as often as it was told to, and returns at the first thing that is wrong.
func run(ctx context.Context, o options) (s seen, err error) {
	dir, err := os.MkdirTemp("", "vetassist-kill-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	lab := &lab{dir: dir, random: rand.New(rand.NewPCG(o.seed, 1)), seen: &s}
	if err := lab.prepare(ctx); err != nil {
		return s, fmt.Errorf("preparing: %w", err)
	}
	for n := 0; s.kills < o.kills; n++ {
		db := filepath.Join(dir, "generation-"+strconv.Itoa(n))
		if err := lab.live(ctx, db, min(generation, o.kills-s.kills)); err != nil {
			return s, fmt.Errorf("after %d kills: %w", s.kills, err)
		}
		fmt.Fprintf(o.out, "%d kills\n", s.kills)
	}
	return s, nil
}
