// Command browser is a person at a browser, as a program: it opens an authorization URL, logs in, answers the consent page and goes
// back to the client's redirect URI. Tests of foreign clients and the official suite use it in the place of a hand.
//
//	browser -user bob -password bob-demo 'http://localhost:8080/oauth/authorize?…'
//	foreign-client 2>&1 | browser -user bob -password bob-demo
//
// It prints where the authorization server sent it, and opens that (unless -print, or where it is an app's own scheme). Without a
// URL it reads lines from standard input, passes them on to standard output, and visits each authorization URL that it finds in them.
// It exits with 1 when it did not get back to the redirect URI, and in the second form also when no URL came.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	var p person
	var deny, printOnly bool
	flags := flag.NewFlagSet("browser", flag.ContinueOnError)
	flags.StringVar(&p.user, "user", "", "who logs in")
	flags.StringVar(&p.password, "password", "", "with which password")
	flags.BoolVar(&deny, "deny", false, "say no on the consent page")
	flags.Bool("approve", true, "say yes on the consent page, to all that is ticked")
	flags.BoolVar(&printOnly, "print", false, "do not open the redirect URI, only print it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p.decision = "approve"
	if deny {
		p.decision = "deny"
	}
	visit := func(out io.Writer, address string) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		back, err := p.authorize(ctx, address)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, back)
		if printOnly {
			return nil
		}
		return p.deliver(ctx, back)
	}
	switch flags.NArg() {
	case 0:
		return watch(in, out, func(address string) error { return visit(os.Stderr, address) })
	case 1:
		return visit(out, flags.Arg(0))
	}
	return errors.New("one URL at a time")
}

// An authorization URL among the words of somebody's output.
var authorizationURL = regexp.MustCompile(`https?://[^\s"'<>]+[?&]response_type=code[^\s"'<>]*`)

const maxVisits = 16

// watch passes lines on. A visit must not hold them up: who wrote the URL may write more before its redirect URI is served.
func watch(in io.Reader, out io.Writer, visit func(address string) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	seen := map[string]bool{}
	results := make(chan error, maxVisits)
	for lines.Scan() {
		fmt.Fprintln(out, lines.Text())
		if address := authorizationURL.FindString(lines.Text()); address != "" && !seen[address] && len(seen) < maxVisits {
			seen[address] = true
			go func() {
				err := visit(address)
				if err != nil { // now: who waits for the redirect may never end
					fmt.Fprintln(os.Stderr, "browser:", err)
				}
				results <- err
			}()
		}
	}
	errs := []error{lines.Err()}
	for range seen {
		errs = append(errs, <-results)
	}
	if len(seen) == 0 {
		errs = append(errs, errors.New("no authorization URL was printed"))
	}
	return errors.Join(errs...)
}
