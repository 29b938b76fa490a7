package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
)

const seedUsage = `Fills the DynamoDB table of a deployment with what the first start on a laptop puts into its file: the demo, or one
administrator, and the first keys. What is there stays as it is, so it can be run again. At an address that is not on this
machine the demo's people get passwords that nobody knows yet; each is shown once.

Usage:

  go run ./functions/vetassist seed -table NAME -base-url URL [-seed demo|none] [-create]

  -table NAME     the table; scripts/deploy prints its name    [` + config.EnvTable + `]
  -base-url URL   the address of the deployment                [` + config.EnvBaseURL + `]
  -seed WHAT      demo, or none                                [` + config.EnvSeed + `]
  -create         make the table first, unless it is there: for DynamoDB Local. template.yaml makes the real one

Region and credentials come from the environment. With the AWS command line, version 2, this puts them there:

  export AWS_REGION=us-east-1   # that of the table
  eval "$(aws configure export-credentials --format env)"
`

// seedTable is the subcommand that fills the table of a deployment. No function can do it: none may write to all of it.
func seedTable(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	c := config.FromEnv(getenv)
	f := flag.NewFlagSet("seed", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.Table, "table", c.Table, "")
	f.StringVar(&c.BaseURL, "base-url", c.BaseURL, "")
	f.StringVar(&c.Seed, "seed", c.Seed, "")
	create := f.Bool("create", false, "")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, seedUsage)
		return exitOK
	case err == nil && f.NArg() > 0:
		err = fmt.Errorf("%q is too much: it takes flags only", f.Arg(0))
	case err == nil && c.Table == "":
		err = errors.New("-table needs the name of the table")
	case err == nil && c.BaseURL == "":
		err = errors.New("-base-url needs the address of the deployment, such as https://vetassist.example.com")
	case err == nil:
		err = c.Check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	if err := fillTable(context.Background(), c, *create, stdout); err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func fillTable(ctx context.Context, c config.Config, create bool, stdout io.Writer) error {
	db, err := openTable(c)
	if err != nil {
		return err
	}
	if create {
		if err := db.CreateTable(ctx); err != nil {
			return err
		}
	}
	o := Options{Config: c, Now: time.Now, Rand: rand.Reader, Log: slog.Default()}
	f, err := fill(ctx, db, &o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The table %s holds what %s needs.\n", c.Table, c.BaseURL)
	if f.demo {
		fmt.Fprint(stdout, "It held the demo already, and nothing of it was removed.\n")
	}
	logins := &loginTable{out: stdout}
	switch {
	case f.password != "":
		logins.add(administratorName, f.password)
	case o.Seed == config.SeedNone:
		fmt.Fprint(stdout, "It has an administrator already; admin-password gives another password.\n")
	case o.Local():
		fmt.Fprint(stdout, "The demo's passwords work there: bob logs in with bob-demo.\n")
	default:
		err = ownPasswords(ctx, directory.New(store.Restrict(db, directory.Partitions...), o.BaseURL, false, o.Now), o.Rand, logins)
		if err == nil && logins.n == 0 {
			fmt.Fprint(stdout, "Its people have passwords of their own already.\n")
		}
	}
	return err
}

// ownPasswords gives those of the demo's people a password who still have the one that everybody knows, which works on a
// laptop only.
func ownPasswords(ctx context.Context, people *directory.Directory, random io.Reader, logins *loginTable) error {
	demo, err := directory.DemoPeople(seed.Files)
	if err != nil {
		return err
	}
	for _, p := range demo {
		password, err := newPassword(random)
		if err != nil {
			return err
		}
		replaced, err := people.ReplaceDemoPassword(ctx, p.ID, password)
		if err != nil {
			return err
		}
		if replaced {
			logins.add(p.Username, password) // at once: it is kept nowhere, and the next may fail
		}
	}
	return nil
}

// loginTable shows logins line by line.
type loginTable struct {
	out io.Writer
	n   int
}

func (l *loginTable) add(username, password string) {
	if l.n++; l.n == 1 {
		fmt.Fprintf(l.out, "\n  %-10s Password, shown this once\n", "Username")
	}
	fmt.Fprintf(l.out, "  %-10s %s\n", username, password)
}

// openTable is a handle on the table that the settings name.
func openTable(c config.Config) (*dynamo.DB, error) {
	return dynamo.Open(dynamo.Options{Table: c.Table, Region: c.Region, Endpoint: c.Endpoint}, time.Now)
}
