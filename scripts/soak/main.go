// Command soak puts the real program under load for long, over the loopback, and says what it saw:
//
//	go run ./scripts/soak mixed -for 1h   people, hosts and programs do all that there is to do; nothing may fail, and nothing may grow
//	go run ./scripts/soak idle            10,000 connections that want nothing
//	go run ./scripts/soak stop            SIGTERM in the middle of it all, again and again
//	go run ./scripts/soak logins          200 logins at once, and a class of 100 at the same instant
//	go run ./scripts/soak short           all of them, shortly: what scripts/check runs
//
// With -save a run writes what it found into results.json and results.md here. It needs Linux, for /proc.
//
//	binary.go   the program as a process: start, stop, what it takes
//	people.go   who is there, and what they do; administrator.go: the one who manages them
//	mixed.go    lets them, and judges
//	flat.go     what growing means
//	idle.go, stop.go, logins.go
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vetassist/vetassist/scripts/soak/results"
)

const place = "scripts/soak"

// soak is a run of this command.
type soak struct {
	bin  string // the program
	dir  string // for its files
	long time.Duration
	many int // people
	say  io.Writer
}

// finding is what a run found: figures, and what is wrong.
type finding struct {
	figures []results.Figure
	wrong   []error
}

func (f *finding) figure(what string, value float64, unit string) {
	f.figures = append(f.figures, results.Figure{What: what, Value: value, Unit: unit})
}

func (f *finding) wrongf(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Errorf(format, args...))
}

type program struct {
	name string
	run  func(context.Context, soak) (finding, error)
}

var programs = []program{{"mixed", mixed}, {"idle", idle}, {"stop", stop}, {"logins", logins}}

func main() {
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("it takes one of mixed, idle, stop, logins and short")
	}
	f := flag.NewFlagSet("soak "+args[0], flag.ContinueOnError)
	long := f.Duration("for", time.Hour, "how long `mixed` goes on")
	many := f.Int("people", 60, "how many are there, up to 100")
	save := f.Bool("save", false, "write what was found into scripts/soak/results.json and .md")
	f.SetOutput(out)
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	todo := programs
	if args[0] == "short" {
		*long, *many = 10*time.Second, 12
	} else {
		todo = nil
		for _, p := range programs {
			if p.name == args[0] {
				todo = []program{p}
			}
		}
		if todo == nil {
			return fmt.Errorf("there is no %q: it takes one of mixed, idle, stop, logins and short", args[0])
		}
	}
	dir, err := os.MkdirTemp("", "vetassist-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	commit := results.Commit(place)
	bin, err := build(ctx, dir)
	if err != nil {
		return err
	}
	var wrong []error
	for _, p := range todo {
		s := soak{bin: bin, dir: filepath.Join(dir, p.name), long: *long, many: *many, say: out}
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			return err
		}
		fmt.Fprintf(out, "== %s\n", p.name)
		begin := time.Now()
		found, err := p.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, f := range found.figures {
			fmt.Fprintf(out, "%-60s %s\n", f.What, f)
		}
		for _, err := range found.wrong {
			wrong = append(wrong, fmt.Errorf("%s: %w", p.name, err))
		}
		if *save && len(found.wrong) == 0 {
			if err := results.Save(place, commit, p.name, time.Since(begin), found.figures); err != nil {
				return err
			}
		}
	}
	return errors.Join(wrong...)
}
