package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/vetassist/vetassist/functions/vetassist/walkthrough"
	"github.com/vetassist/vetassist/shared/config"
)

const walkthroughUsage = `Tells the story of Bob with real HTTP, step by step: what happens, why, and what goes over the wire, with the secrets shortened. It checks
each answer, and puts things back at the end, so it may run as often as you like.

Usage:

  go run ./functions/vetassist walkthrough [flags] [URL]

  URL               a running VetAssist; default http://localhost:8080
  -clients          instead: one login for three kinds of client side by side: registered by an administrator, described by a document
                    of its own, and registered by itself
  -revisions        instead: one login as a client of each revision of MCP would do it: 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28
  -yes              without waiting for Enter between the steps
  -json             a JSON object for each step, one a line, for machines; does not wait
  -client-id ID     the client that an administrator registered; default vet-assist-ai
  -password-file FILE
                    a line for each person: username and password. Needed where the demo's passwords do not work; - reads it
                    from the standard input. Nobody else may read the file

The exit status is 0 when all came as told, 1 after a surprise, which it explains, and 2 for a wrong command line.
`

const maxPasswords = 16 << 10 // bytes of a file of them

// walk is the subcommand walkthrough.
func walk(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var clients, revisions, yes, asJSON bool
	var passwords string
	o := walkthrough.Options{Base: "http://localhost:8080"}
	f := flag.NewFlagSet("walkthrough", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&clients, "clients", false, "")
	f.BoolVar(&revisions, "revisions", false, "")
	f.BoolVar(&yes, "yes", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	f.StringVar(&o.Client, "client-id", "", "")
	f.StringVar(&passwords, "password-file", "", "")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, walkthroughUsage)
		return exitOK
	}
	usage := func(err error) int {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	if f.NArg() > 0 {
		o.Base = strings.TrimSuffix(f.Arg(0), "/")
	}
	u, wrong := url.Parse(o.Base)
	switch {
	case err != nil:
		return usage(err)
	case f.NArg() > 1:
		return usage(errors.New("it takes one address, such as https://vetassist.example.com"))
	case wrong != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil:
		return usage(fmt.Errorf("%q is not an address such as https://vetassist.example.com", o.Base))
	case clients && revisions:
		return usage(errors.New("-clients and -revisions are two stories: take one"))
	case passwords == "" && !config.IsLoopback(u.Hostname()):
		return usage(fmt.Errorf("at %s the demo's passwords do not work: it takes -password-file", u.Host))
	case passwords == "-" && !yes && !asJSON:
		return usage(errors.New("-password-file - takes the standard input, so nobody can press Enter: say -yes, too"))
	}
	if passwords != "" {
		if o.Passwords, err = readPasswords(passwords, stdin); err != nil {
			return exitWith(err, stderr)
		}
	}
	tale := walkthrough.Story()
	people := []string{"bob", "carol", "admin"}
	switch {
	case clients:
		tale, people = walkthrough.Clients(), people[:1]
	case revisions:
		tale, people = walkthrough.Revisions(), people[:1]
	}
	for _, user := range people {
		if passwords != "" && o.Passwords[user] == "" {
			return exitWith(fmt.Errorf("the passwords lack that of %s", user), stderr)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tellAs(ctx, &o, stdin, stdout, !yes && !asJSON, asJSON)
	if !asJSON {
		fmt.Fprintf(stdout, "%s, at %s\n", tale.Title, o.Base)
	}
	err = tale.Run(ctx, o)
	if err == nil && !asJSON {
		fmt.Fprintf(stdout, "All of it came as it should.\n")
	}
	return exitWith(err, stderr)
}

// tellAs sets how a story is told: for people, with a pause between the steps, or for machines.
func tellAs(ctx context.Context, o *walkthrough.Options, stdin io.Reader, stdout io.Writer, pause, asJSON bool) {
	if asJSON {
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		o.Tell = func(t walkthrough.Told) error { return out.Encode(t) }
		return
	}
	o.Before = func(t walkthrough.Told) error { return walkthrough.Intro(stdout, t) }
	enter := make(chan bool)
	if pause {
		go func() {
			defer close(enter) // nobody is there any more to press it
			for in := bufio.NewScanner(stdin); in.Scan(); {
				enter <- true
			}
		}()
	}
	o.Tell = func(t walkthrough.Told) error {
		if err := walkthrough.Outcome(stdout, t); err != nil {
			return err
		}
		if !pause || !t.OK || t.N == t.Of {
			return nil
		}
		fmt.Fprint(stdout, "Press Enter to go on. ")
		select {
		case <-ctx.Done(): // Ctrl-C: things are put back all the same
			return walkthrough.ErrStopped
		case pause = <-enter:
		}
		_, err := fmt.Fprint(stdout, "\n\n")
		return err
	}
}

// readPasswords takes what "vetassist seed" shows of them, too: lines of a username and a password, among other lines.
func readPasswords(file string, stdin io.Reader) (map[string]string, error) {
	in := stdin
	if file != "-" {
		if err := onlyMine(file); err != nil {
			return nil, err
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPasswords))
	if err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && slices.Contains([]string{"bob", "carol", "admin"}, words[0]) {
			passwords[words[0]] = words[1]
		}
	}
	return passwords, nil
}
