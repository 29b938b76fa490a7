package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/workshop"
	"github.com/vetassist/vetassist/shared/config"
)

const workshopUsage = `Prepares a VetAssist for a class: attendees with a dog and an application each, and the cards with which they join. Shows who got how far, and cleans up.

Usage:

  go run ./functions/vetassist workshop -attendees N [-cards FILE] [URL]      makes what is missing of N attendees
  go run ./functions/vetassist workshop -board [-once] [-json] [URL]          shows who passed which check of the course, until Ctrl-C
  go run ./functions/vetassist workshop -reset WHO [-new-passwords] [URL]     takes back what an attendee did; WHO is a username, or all
  go run ./functions/vetassist workshop -remove [URL]                         deletes all that the workshop made

  URL                    the address; default http://localhost:8080
  -cards FILE            where the cards go, by its end: .html to print, .csv, .json or .txt. Default: this terminal
  -prefix NAME           what usernames begin with; default attendee. Two workshops at one server have two
  -new-passwords         with -reset: everybody gets a new one, and passkeys go
  -yes                   do not ask before -reset and -remove
  -every TIME            how often the board is read; default 3s
  -once, -json           print the board once; print it for programs
  -admin-token-file FILE an administrator's access token for the admin API; - reads it from the standard input

Without a token file, the demo's administrator logs in by itself where the server is on this machine; elsewhere, or if its password is another by now, you get a
link to log in as an administrator. A password is shown when it is made, and never again.

The exit status is 0 when all is done, 1 when something failed, so that it is worth running again, and 2 for a wrong command line.
`

type workshopOptions struct {
	base, prefix, cards, reset, tokenFile string
	attendees                             int
	board, remove, once, json, yes, fresh bool
	every                                 time.Duration
}

// hold is the subcommand workshop.
func hold(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := workshopFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, workshopUsage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return exitWith(o.hold(ctx, bufio.NewReader(stdin), stdout, stderr), stderr)
}

func workshopFlags(args []string) (o workshopOptions, err error) {
	f := flag.NewFlagSet("workshop", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&o.attendees, "attendees", 0, "")
	f.StringVar(&o.cards, "cards", "", "")
	f.StringVar(&o.prefix, "prefix", workshop.DefaultPrefix, "")
	f.StringVar(&o.reset, "reset", "", "")
	f.StringVar(&o.tokenFile, "admin-token-file", "", "")
	f.BoolVar(&o.board, "board", false, "")
	f.BoolVar(&o.remove, "remove", false, "")
	f.BoolVar(&o.once, "once", false, "")
	f.BoolVar(&o.json, "json", false, "")
	f.BoolVar(&o.yes, "yes", false, "")
	f.BoolVar(&o.fresh, "new-passwords", false, "")
	f.DurationVar(&o.every, "every", 3*time.Second, "")
	o.base = "http://localhost:8080"
	addresses := 0
	for err = f.Parse(args); err == nil && f.NArg() > 0; err = f.Parse(f.Args()[1:]) { // flags after the address are understood too
		o.base = f.Arg(0)
		addresses++
	}
	if err != nil {
		return o, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	tasks := 0
	for _, name := range []string{"attendees", "board", "reset", "remove"} {
		if given[name] {
			tasks++
		}
	}
	_, known := workshop.Formats[filepath.Ext(o.cards)]
	switch {
	case addresses > 1:
		err = errors.New("it takes one address")
	case tasks != 1:
		err = errors.New("it takes one of -attendees, -board, -reset and -remove")
	case given["attendees"] && (o.attendees < 1 || o.attendees > workshop.MaxAttendees):
		err = fmt.Errorf("-attendees takes 1 to %d", workshop.MaxAttendees)
	case given["cards"] && (o.board || o.remove):
		err = errors.New("-cards goes with -attendees and -reset only")
	case given["cards"] && !known:
		err = fmt.Errorf("-cards takes a file that ends in .html, .csv, .json or .txt, and not %q", o.cards)
	case (given["once"] || given["json"] || given["every"]) && !o.board:
		err = errors.New("-once, -json and -every go with -board only")
	case given["every"] && o.every < time.Second:
		err = errors.New("-every takes a second at least")
	case given["new-passwords"] && !given["reset"]:
		err = errors.New("-new-passwords goes with -reset only")
	case given["reset"] && o.reset == "":
		err = errors.New("-reset takes a username, or all")
	default:
		err = workshop.CheckPrefix(o.prefix)
	}
	if err == nil {
		o.base, err = config.Origin(o.base)
	}
	return o, err
}

func (o workshopOptions) hold(ctx context.Context, stdin *bufio.Reader, stdout, stderr io.Writer) error {
	var file *os.File
	if o.cards != "" { // before anything is made, and never in the place of cards whose passwords nobody can see again
		var err error
		file, err = os.OpenFile(o.cards, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already, and may hold passwords that nobody is told again. Name another file, or move that one away", o.cards)
		}
		if err != nil {
			return err
		}
	}
	made, err := o.work(ctx, stdin, stdout, stderr)
	if file != nil {
		err = errors.Join(err, o.writeCards(file, workshop.Cards(made), stderr))
	} else if cards := workshop.Cards(made); len(cards) > 0 && (o.attendees > 0 || o.fresh) {
		err = errors.Join(err, workshop.WriteText(stdout, cards))
	}
	if n := workshop.Failed(made); n > 0 && err == nil {
		err = fmt.Errorf("%d of %d failed. Run it again: what is there stays, and the rest is done", n, len(made))
	}
	return err
}

func (o workshopOptions) writeCards(file *os.File, cards []workshop.Card, stderr io.Writer) error {
	if len(cards) == 0 {
		return errors.Join(file.Close(), os.Remove(o.cards))
	}
	err := errors.Join(workshop.Formats[filepath.Ext(o.cards)](file, cards), file.Close())
	if err == nil {
		fmt.Fprintf(stderr, "%d cards are in %s. They hold passwords: delete it when they are given out.\n", len(cards), o.cards)
	}
	return err
}

// work does what was asked for. The list is of those who get a card, or failed.
func (o workshopOptions) work(ctx context.Context, stdin *bufio.Reader, stdout, stderr io.Writer) ([]workshop.Made, error) {
	login, err := o.login(ctx, stdin, stderr)
	if err != nil {
		return nil, err
	}
	defer login.End(ctx)
	w := &workshop.Workshop{Base: o.base, Prefix: o.prefix, Login: login, Progress: stderr, Now: time.Now, Rand: rand.Reader}
	if o.board {
		return nil, o.show(ctx, w, stdout, stderr)
	}
	if o.attendees > 0 {
		made, err := w.Make(ctx, o.attendees)
		if err == nil && workshop.Failed(made) == 0 {
			fmt.Fprintf(stderr, "The board: go run ./functions/vetassist workshop -board %s, or, for a projector, %s\n", o.base, w.BoardAddress())
		}
		return made, err
	}
	what := o.reset
	if o.remove {
		what = "all"
	}
	names, err := w.Find(ctx, what)
	switch {
	case err != nil:
		return nil, err
	case len(names) == 0:
		fmt.Fprintln(stderr, "Nobody is here whom a workshop made.")
		return nil, nil
	}
	question := "Take back all that " + workshop.Names(names) + " did at " + o.base + ": consents, logins, appointments, reminders?"
	if o.remove {
		question = "Delete " + workshop.Names(names) + " at " + o.base + ", with their pets and applications?"
	}
	if !o.yes && !agreed(question, stdin, stderr) {
		return nil, errors.New("nothing was changed")
	}
	var made []workshop.Made
	if o.remove {
		made, err = w.Remove(ctx, names)
	} else {
		made, err = w.Reset(ctx, names, o.fresh)
	}
	if err == nil {
		fmt.Fprintln(stderr, "Access tokens that were issued before are good for ten minutes more at most: nobody asks about them (the README: What revoking does).")
	}
	return made, err
}

func agreed(question string, stdin *bufio.Reader, stderr io.Writer) bool {
	fmt.Fprintf(stderr, "%s Type yes: ", question)
	answer, err := stdin.ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(answer) == "yes"
}

// login finds an administrator's token, as simply as it can be had.
func (o workshopOptions) login(ctx context.Context, stdin io.Reader, stderr io.Writer) (workshop.Login, error) {
	scopes := []string{"admin:read", "admin:write"}
	if o.board {
		scopes = scopes[:1]
	}
	if o.tokenFile != "" {
		return workshop.FromFile(o.tokenFile, stdin), nil
	}
	patient := workshop.Patience{}
	if u, err := url.Parse(o.base); err == nil && config.IsLoopback(u.Hostname()) {
		login, err := workshop.AsDemoAdministrator(ctx, o.base, patient, time.Now, scopes...)
		if err == nil {
			return login, nil
		}
		fmt.Fprintf(stderr, "The demo's administrator cannot log in here: %.200q\n", err.Error())
	}
	return workshop.InBrowser(ctx, o.base, patient, time.Now, stderr, scopes...)
}

const clearScreen = "\x1b[H\x1b[2J"

// show prints the board again and again; where it is the screen of a terminal, over the one before.
func (o workshopOptions) show(ctx context.Context, w *workshop.Workshop, stdout, stderr io.Writer) error {
	before := "\n"
	if f, ok := stdout.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			before = clearScreen
		}
	}
	failures := 0
	for first := true; ; first = false {
		b, err := w.Board(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C is how it ends
		case err != nil && (first || failures == 10):
			return err
		case err != nil:
			failures++
			fmt.Fprintf(stderr, "%v; trying again\n", err)
		case o.json:
			failures = 0
			err = json.NewEncoder(stdout).Encode(b)
		default:
			failures = 0
			if !o.once && (!first || before == clearScreen) {
				fmt.Fprint(stdout, before)
			}
			if err = b.WriteText(stdout, time.Now()); err == nil && !o.once {
				_, err = fmt.Fprintf(stdout, "\nFor a projector: %s   Ctrl-C ends this.\n", w.BoardAddress())
			}
		}
		if failures == 0 && err != nil || o.once {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.every):
		}
	}
}
