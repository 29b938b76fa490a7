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
	"strconv"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

const passwordUsage = `Gives an administrator a new password and prints it, for when the old one is lost. It also ends what the administrator has
open, and a lock because of wrong passwords, and removes the administrator's passkeys: whoever knew the old password may have
added one. The server may be running.

Usage:

  go run ./functions/vetassist admin-password [-db FILE | -table NAME] [-keep-passkeys] [USERNAME]

  -db FILE         the SQLite file                              [` + config.EnvDB + `]
                   default vetassist.db in this folder
  -table NAME      the DynamoDB table of a deployment instead; seed -h says where its region and credentials come from
  -keep-passkeys   leave the passkeys, if you know that each is the administrator's own
  USERNAME         default the administrator called admin, or the only one that there is
`

// adminPassword is the subcommand for whoever lost the administrator's password. Whoever can run it can write the database,
// and so could do this anyway.
func adminPassword(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	c := config.FromEnv(getenv)
	c.Table = "" // it must be said: a file is what one expects on a laptop
	f := flag.NewFlagSet("admin-password", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.DB, "db", c.DB, "")
	f.StringVar(&c.Table, "table", "", "")
	keep := f.Bool("keep-passkeys", false, "")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, passwordUsage)
		return exitOK
	case err == nil && f.NArg() > 1:
		err = errors.New("it takes one username at most")
	case err == nil && c.Table == "" && (c.DB == "" || c.DB == ":memory:"):
		err = errors.New("-db needs the file whose administrator it is")
	}
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	if err := resetPassword(context.Background(), c, f.Arg(0), *keep, stdout); err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func resetPassword(ctx context.Context, c config.Config, username string, keepPasskeys bool, stdout io.Writer) (err error) {
	db, closeDB, err := openExisting(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDB()) }()
	people := directory.New(store.Restrict(db, directory.Partitions...), "", false, time.Now) // no address is needed here
	admins, err := administrators(ctx, people)
	if err != nil {
		return err
	}
	admin, err := choose(admins, username)
	if err != nil {
		return err
	}
	password, err := newPassword(rand.Reader)
	if err != nil {
		return err
	}
	if err := people.SetPassword(ctx, admin.ID, password); err != nil {
		return err
	}
	removed := 0
	if !keepPasskeys {
		removed, err = removePasskeys(ctx, people, admin.ID)
	}
	if err != nil {
		return err
	}
	log := audit.New(store.Restrict(db, audit.Partitions...), time.Now, rand.Reader, slog.Default())
	log.Record(ctx, audit.Event{Name: audit.Administration, Outcome: audit.OK, UserID: admin.ID, Details: map[string]string{
		"action": "admin-password", "username": admin.Username, "by": "the command line", "passkeys_removed": strconv.Itoa(removed)}})
	text := fmt.Sprintf("The new password of %s: %s\nIt is shown this once.\n", admin.Username, password)
	if removed > 0 {
		text += fmt.Sprintf("Passkeys removed: %d. Add your own again on the page My account.\n", removed)
	}
	_, err = io.WriteString(stdout, text)
	return err
}

// openExisting opens the table, or the file that is there.
func openExisting(ctx context.Context, c config.Config) (store.Store, func() error, error) {
	if c.Table != "" {
		db, err := openTable(c)
		return db, func() error { return nil }, err
	}
	if _, err := os.Stat(c.DB); err != nil { // opening it would make it
		return nil, nil, fmt.Errorf("%w\nSay with -db which database it is", err)
	}
	db, err := sqlite.Open(ctx, c.DB, time.Now)
	if err != nil {
		return nil, nil, fmt.Errorf("%w\nSay with -db which database it is", err)
	}
	return db, db.Close, nil
}

// removePasskeys removes all of a user who has just been signed out, and says how many. A passkey can log in until it is
// removed, and that login add another: so it goes on until there is none after a sign-out.
func removePasskeys(ctx context.Context, people *directory.Directory, id string) (removed int, err error) {
	for {
		keys, err := people.Passkeys(ctx, id)
		if err != nil || len(keys) == 0 {
			return removed, err
		}
		for _, k := range keys {
			if err := people.RemovePasskey(ctx, id, k.ID); err != nil && !errors.Is(err, directory.ErrNotFound) {
				return removed, err
			}
			removed++
		}
		if err := people.SignOut(ctx, id); err != nil {
			return removed, err
		}
	}
}

// choose finds the administrator who is meant.
func choose(admins []directory.User, username string) (directory.User, error) {
	named := func(name string) int {
		return slices.IndexFunc(admins, func(u directory.User) bool { return strings.EqualFold(u.Username, name) })
	}
	switch {
	case len(admins) == 0:
		return directory.User{}, errors.New("this database has no administrator yet: a start with -seed none makes one")
	case username == "" && len(admins) == 1:
		return admins[0], nil
	case username == "":
		username = administratorName
	}
	if i := named(username); i >= 0 {
		return admins[i], nil
	}
	var names []string
	for _, u := range admins[:min(len(admins), 10)] {
		names = append(names, u.Username)
	}
	return directory.User{}, fmt.Errorf("no administrator who can log in is called %.64q. There are: %s", username, strings.Join(names, ", "))
}
