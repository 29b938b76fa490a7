package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/clientkey"
)

const nightlyUsage = `Reminds the owners of pets of vaccinations that are due within a month: a program that calls the MCP server for itself, with no user
(OAuth client credentials, RFC 6749 §4.4). An administrator registers it as a machine-to-machine application with the role Vet Staff, and authorizes
it for pet-profile:read, reminder:read and reminder:write. What is set already is not set again, so it may run as often as you like.

Usage:

  go run ./functions/vetassist nightly -new-key -key FILE
  go run ./functions/vetassist nightly -client-id ID -key FILE [-dry-run] [-issuer URL] [URL]
  go run ./functions/vetassist nightly -client-id ID -secret-file FILE [-dry-run] [-issuer URL] [URL]

  URL               the MCP server; default http://localhost:8080/mcp
  -client-id ID     as which the program is registered
  -key FILE         the private key that it proves itself with
  -new-key          make that key, and print its public half, to be registered as "jwks"
  -secret-file FILE its secret, if it has one instead; - reads it from the standard input
  -issuer URL       the authorization server where it is registered; default where the MCP server is
  -dry-run          say what would be set, and set nothing

The exit status is 0 when all is done, 1 when something failed, so that it is worth running again, and 2 for a wrong command line.
`

const (
	nightTime     = time.Hour // for all of it
	maxSecretFile = 4 << 10   // bytes
)

// remind is the subcommand nightly.
func remind(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o struct {
		client, key, secret, issuer string
		dryRun, newKey              bool
	}
	f := flag.NewFlagSet("nightly", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.client, "client-id", "", "")
	f.StringVar(&o.key, "key", "", "")
	f.StringVar(&o.secret, "secret-file", "", "")
	f.StringVar(&o.issuer, "issuer", "", "")
	f.BoolVar(&o.dryRun, "dry-run", false, "")
	f.BoolVar(&o.newKey, "new-key", false, "")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, nightlyUsage)
		return exitOK
	}
	usage := func(err error) int {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	switch {
	case err != nil:
		return usage(err)
	case f.NArg() > 1:
		return usage(errors.New("it takes one address, that of an MCP server"))
	case o.newKey && o.key == "":
		return usage(errors.New("-new-key needs -key, the file to write"))
	case o.newKey && (o.client != "" || o.secret != "" || f.NArg() > 0):
		return usage(errors.New("-new-key goes with -key only"))
	case o.newKey:
		return exitWith(makeKey(o.key, stdout), stderr)
	case o.client == "":
		return usage(errors.New("-client-id is missing: as which application is this registered?"))
	case (o.key == "") == (o.secret == ""):
		return usage(errors.New("it takes -key or -secret-file, one of them"))
	}
	job := nightly.Job{Server: "http://localhost:8080/mcp", DryRun: o.dryRun}
	if f.NArg() == 1 {
		job.Server = f.Arg(0)
	}
	if u, err := url.Parse(job.Server); err == nil && strings.Trim(u.Path, "/") == "" {
		job.Server = strings.TrimSuffix(job.Server, "/") + "/mcp"
	}
	job.Program = nightly.Program{ID: o.client, Issuer: o.issuer, Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	if o.key != "" {
		job.Key, err = readKey(o.key)
	} else {
		job.Secret, err = readSecret(o.secret, stdin)
	}
	if err != nil {
		return exitWith(err, stderr)
	}
	return runJob(job, stdout, stderr)
}

func runJob(job nightly.Job, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, nightTime)
	defer cancel()
	report, err := job.Run(ctx)
	if report.Pets > 0 || err == nil {
		err = errors.Join(err, report.WriteText(stdout))
	}
	if err != nil {
		return exitWith(err, stderr)
	}
	if report.Count(nightly.Failed) > 0 {
		return exitFailed
	}
	return exitOK
}

func exitWith(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "vetassist: %v\n", err)
	return exitFailed
}

// makeKey writes a private key where nothing is yet, and shows the public half.
func makeKey(file string, stdout io.Writer) error {
	key, err := clientkey.New()
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	w, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a key in it may be in use. Name another file, or move that one away", file)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", key.JWKS())
	return err
}

// readKey takes no key that others on the machine can read: it is the whole proof.
func readKey(file string) (*clientkey.Key, error) {
	if err := onlyMine(file); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := clientkey.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &key, nil
}

// onlyMine is nil for a file that nobody else on the machine can read.
func onlyMine(file string) error {
	info, err := os.Stat(file)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("others on this machine may read %s, or write it. Do this first: chmod 600 %s", file, file)
	}
	return err
}

func readSecret(file string, stdin io.Reader) (string, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSecretFile))
	secret := strings.TrimSpace(string(text))
	if err == nil && secret == "" {
		err = errors.New("there is no secret in " + file)
	}
	return secret, err
}
