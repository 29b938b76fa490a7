package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/progress"
	"github.com/vetassist/vetassist/shared/config"
)

const learnUsage = `Says which checks of the course a person has passed: the same as the pages at /learn/. It logs in as that person and reads.

Usage:

  go run ./functions/vetassist learn check [-user NAME] [-password-file FILE] [-lesson ID] [-json] [URL]

  URL                 where VetAssist is; default http://localhost:8080
  -user NAME          whose checks; default bob
  -password-file FILE that person's password; - reads it from the standard input.
                      For the demo's people, on your own machine, none is needed
  -lesson ID          only this lesson, such as ask or step-up
  -json               for programs

The exit status is 0 when all of them are passed, 1 when some are open or it could not find out, and 2 for a wrong command line.
`

const learnTime = time.Minute

// learnCheck is the subcommand learn.
func learnCheck(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var user, file, lesson string
	f := flag.NewFlagSet("learn", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&user, "user", "bob", "")
	f.StringVar(&file, "password-file", "", "")
	f.StringVar(&lesson, "lesson", "", "")
	asJSON := f.Bool("json", false, "")
	usage := func(err error) int {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	check := len(args) > 0 && args[0] == "check"
	if check {
		args = args[1:]
	}
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, learnUsage)
		return exitOK
	case err != nil:
		return usage(err)
	case !check:
		return usage(errors.New("it takes check, as in: learn check"))
	case f.NArg() > 1:
		return usage(errors.New("it takes one address, that of a VetAssist"))
	}
	base := "http://localhost:8080"
	if f.NArg() == 1 {
		base = f.Arg(0)
	}
	if base, err = config.Origin(strings.TrimSuffix(base, "/")); err != nil {
		return usage(err)
	}
	password := user + "-demo"
	if u, err := url.Parse(base); file == "" && (err != nil || !config.IsLoopback(u.Hostname())) {
		return usage(fmt.Errorf("at %s the demo's passwords do not work: it takes -password-file", base))
	}
	if file != "" {
		if password, err = readSecret(file, stdin); err != nil {
			return exitWith(err, stderr)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, learnTime)
	defer cancel()
	report, err := progress.Read(ctx, base, user, password, nil)
	if err != nil {
		return exitWith(err, stderr)
	}
	if lesson != "" {
		var ok bool
		if report, ok = report.Only(lesson); !ok {
			return usage(fmt.Errorf("the course has no lesson %q", lesson))
		}
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		err = report.WriteText(stdout, base)
	}
	if err != nil {
		return exitWith(err, stderr)
	}
	if report.Passed < report.Of {
		return exitFailed
	}
	return exitOK
}
