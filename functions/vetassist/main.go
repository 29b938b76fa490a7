package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/vetassist/vetassist/shared/config"
)

func main() {
	limitMemory(os.Getenv)
	schedule(os.Getenv)
	outliveFileLimit()
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// Exit codes, as of most commands.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the command without the process around it. Subcommands get a case each.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 0 && getenv(config.EnvRuntimeAPI) != "" {
		return serveLambda(getenv, stderr)
	}
	if len(args) > 0 {
		switch args[0] {
		case "serve": // the name of what happens without a subcommand
			args = args[1:]
		case "admin-password":
			return adminPassword(args[1:], getenv, stdout, stderr)
		case "backup":
			return backup(args[1:], getenv, stdout, stderr)
		case "restore":
			return restore(args[1:], getenv, stdout, stderr)
		case "seed":
			return seedTable(args[1:], getenv, stdout, stderr)
		case "doctor":
			return examine(args[1:], stdout, stderr)
		case "nightly":
			return remind(args[1:], os.Stdin, stdout, stderr)
		case "learn":
			return learnCheck(args[1:], os.Stdin, stdout, stderr)
		case "walkthrough":
			return walk(args[1:], os.Stdin, stdout, stderr)
		case "attack":
			return attackIt(args[1:], stdout, stderr)
		case "workshop":
			return hold(args[1:], os.Stdin, stdout, stderr)
		case "help":
			args = []string{"-h"}
		case "version":
			args = []string{"-version"}
		}
	}
	return serve(args, getenv, stdout, stderr)
}

func serve(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, getenv, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage // parseFlags has said why
	case o.version:
		fmt.Fprint(stdout, thisVersion())
		return exitOK
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)

	// The signals are caught before anything is open, so that Ctrl-C during the start closes the file properly too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := Start(ctx, Options{Config: o.config, Stdout: stdout, Log: log})
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\n", err)
		return exitFailed
	}
	defer tellWhatIsHeld(s, stderr)()
	select {
	case <-ctx.Done():
		stop() // from here on a second Ctrl-C has its usual effect: it ends the process at once
		fmt.Fprintln(stdout, "\nStopping: requests in flight are finished first. Ctrl-C again stops at once.")
	case err := <-s.Failed():
		fmt.Fprintf(stderr, "vetassist: the server stopped: %v\n", err)
		return max(exitFailed, report(s.Close(), stderr))
	}
	if code := report(s.Close(), stderr); code != exitOK {
		return code
	}
	fmt.Fprintln(stdout, "Stopped.")
	return exitOK
}

func report(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "vetassist: while stopping: %v\n", err)
	return exitFailed
}
