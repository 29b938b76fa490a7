package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/token"
)

const backupUsage = `Copies the database to FILE. The server may be running: the copy is the database as it is at one moment, it is checked before it
gets its name, and only you can read it. Keep it as safe as the database: it holds the keys that sign tokens. The flight recorder's
flows, which are in a file of their own, are not in it.

Usage:

  go run ./functions/vetassist backup [-db FILE] [-force] FILE

  -db FILE   the SQLite file                                  [` + config.EnvDB + `]
             default vetassist.db in this folder
  -force     replace FILE if it is there

A DynamoDB table needs no such copy: it can be restored to any second of the last 35 days (point-in-time recovery).
`

const restoreUsage = `Puts the copy that backup made into the place of the database. Stop the server first. FILE is read and checked before anything is
touched; it stays as it is. The database that was there is kept beside the new one, under a name that is then said.

Everybody has to log in again, and every client to be connected again: logins, refresh tokens and codes of back then are left out,
since some of them may have been ended later. Everything else is as it was: what was changed or taken back since, do again.

Usage:

  go run ./functions/vetassist restore [-db FILE] FILE

  -db FILE   the SQLite file                                  [` + config.EnvDB + `]
             default vetassist.db in this folder

A DynamoDB table is restored by AWS, into a new table: see point-in-time recovery in its manual.
`

// outlived is what a restore leaves out: each of these may have been used, revoked or logged out after the backup, and must not come back to
// life (RFC 9700 §4.14.2, RFC 6749 §4.1.2).
var outlived = slices.Concat(access.Partitions, []string{"code/", "device/", "pushed/"})

// theirs is where each database holds the keys that sign tokens, and no file of the flight recorder holds anything.
var theirs = token.PrivatePartitions[0]

// backup is the subcommand that copies the database.
func backup(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("backup", flag.ContinueOnError)
	force := f.Bool("force", false, "")
	return withFile(f, backupUsage, args, getenv, stdout, stderr, func(ctx context.Context, db, file string) error {
		if err := sqlite.Backup(ctx, db, file, theirs, *force); err != nil {
			return advise(err, "Say with -db which database it is; in the place of one that is damaged, restore an older copy")
		}
		info, err := os.Stat(file)
		if err == nil {
			_, err = fmt.Fprintf(stdout, "%s is a copy of %s: %d KB, checked. It holds the keys that sign tokens: keep it safe.\n", file, db, (info.Size()+1023)>>10)
		}
		return err
	})
}

// restore is the subcommand that puts such a copy into the database's place.
func restore(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("restore", flag.ContinueOnError)
	return withFile(f, restoreUsage, args, getenv, stdout, stderr, func(ctx context.Context, db, file string) error {
		if err := noCopy(db, file); err != nil {
			return err
		}
		kept, err := sqlite.Restore(ctx, file, db, theirs, outlived, time.Now())
		if err != nil {
			return advise(err, "Name a copy that backup made")
		}
		text := fmt.Sprintf("%s is as it was in %s. Everybody has to log in again.\n", db, file)
		if kept != "" {
			text += fmt.Sprintf("What was there before is in %s.\n", kept)
		} else if err := removeFlows(db); err != nil { // of a database that somebody deleted
			return err
		}
		if _, err := io.WriteString(stdout, text); err != nil {
			return err
		}
		return noteRestore(ctx, db, file)
	})
}

// noCopy refuses a file that is in use: the shell completes the database's name to either.
func noCopy(db, file string) error {
	switch {
	case same(db, file):
		return fmt.Errorf("%s is the database itself; name the copy that backup made", file)
	case same(db+flowsEnd, file):
		return fmt.Errorf("%s is where the flight recorder keeps its flows; name the copy that backup made, or give it another name if it is one", file)
	}
	return nil
}

func same(a, b string) bool {
	here, err := os.Stat(a)
	there, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(here, there)
}

// advise adds what to do about the file that was to be copied, if that is what is wrong.
func advise(err error, advice string) error {
	var source *sqlite.SourceError
	if errors.As(err, &source) {
		err = fmt.Errorf("%w\n%s", err, advice)
	}
	return err
}

// noteRestore puts it into the audit log: what the log said since the backup is gone from it.
func noteRestore(ctx context.Context, path, file string) error {
	db, err := sqlite.Open(ctx, path, time.Now)
	if err != nil {
		return err
	}
	log := audit.New(store.Restrict(db, audit.Partitions...), time.Now, rand.Reader, slog.Default())
	log.Record(ctx, audit.Event{Name: audit.Administration, Outcome: audit.OK, Details: map[string]string{"action": "restore", "from": file, "by": "the command line"}})
	return db.Close()
}

// withFile reads the command line of a subcommand that takes one file, and carries it out.
func withFile(f *flag.FlagSet, usage string, args []string, getenv func(string) string, stdout, stderr io.Writer, do func(ctx context.Context, db, file string) error) int {
	db := config.FromEnv(getenv).DB
	f.SetOutput(io.Discard)
	f.StringVar(&db, "db", db, "")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return exitOK
	case err == nil && db == "", err == nil && db == ":memory:":
		err = errors.New("-db needs the file of the database")
	case err == nil && f.NArg() != 1:
		err = errors.New("it takes one file, after the flags")
	}
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	if err := do(context.Background(), db, f.Arg(0)); err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\n", err)
		return exitFailed
	}
	return exitOK
}
