package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/vetassist/vetassist/functions/vetassist/attack"
	"github.com/vetassist/vetassist/shared/attacks"
)

const attackUsage = `Attacks a VetAssist, local or deployed, in every way that the catalogue knows, and tells what was refused, by which rule, and what would have happened
without the defence. Before or after each attack the honest variant is tried, too: a refusal counts only where that works. Attack what is yours.
What is made there is taken away again. On this machine two attacks turn the server's clock forward, by twelve minutes in all, and the last one floods the registration.

Usage:

  go run ./functions/vetassist attack [flags] [URL]

  URL            the address; default http://localhost:8080
  -list          show the catalogue, and try nothing
  -only ID,ID    try these alone
  -skip ID,ID    try all but these
  -logins FILE   the logins of bob, alice, carol and admin, each a line with name and password; the file must be yours alone (mode 0600).
                 On this machine the demo's are the default. Without carol or admin, some attacks cannot be tried
  -flood         flood the registration of clients also away from this machine; it keeps others from registering for up to an hour
  -v             show requests and answers, with secrets shortened
  -json          print for programs

The exit status is 0 when all that was asked for was tried and refused; 1 when an attack succeeded; 2 for a wrong command line, or when there is no VetAssist;
3 when all that was tried was refused, but something could not be tried, which is named (-skip leaves it out knowingly); 4 when a control failed, so
that nothing is known of a defence, or something that the lab made could not be put back.
`

// More exit codes, of attack alone.
const (
	exitNotTried = 3
	exitControl  = 4
)

// attackIt is the subcommand attack.
func attackIt(args []string, stdout, stderr io.Writer) int {
	var o attack.Options
	var only, skip, logins string
	var list, asJSON bool
	f := flag.NewFlagSet("attack", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&list, "list", false, "")
	f.StringVar(&only, "only", "", "")
	f.StringVar(&skip, "skip", "", "")
	f.StringVar(&logins, "logins", "", "")
	f.BoolVar(&o.Flood, "flood", false, "")
	f.BoolVar(&o.Wire, "v", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	err := f.Parse(args)
	usage := func(err error) int {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, attackUsage)
		return exitOK
	case err != nil:
		return usage(err)
	case f.NArg() > 1:
		return usage(errors.New("it takes one address, and flags before it"))
	case list:
		return exitWith(showCatalogue(asJSON, stdout), stderr)
	}
	o.Only, o.Skip = ids(only), ids(skip)
	if logins != "" {
		if o.Logins, err = readLogins(logins); err != nil {
			return usage(err)
		}
	}
	var told error
	if !asJSON {
		o.Done = func(r attack.Result) { told = errors.Join(told, r.WriteText(stdout)) }
	}
	address := "http://localhost:8080"
	if f.NArg() == 1 {
		address = f.Arg(0)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // what was made is put back all the same
	defer stop()
	report, err := attack.Run(ctx, address, o)
	if report.URL == "" && err != nil {
		return usage(err)
	}
	if asJSON {
		told = printJSON(report, stdout)
	} else {
		told = errors.Join(told, report.WriteSummary(stdout))
	}
	if err = errors.Join(err, told); err != nil {
		return exitWith(err, stderr)
	}
	return attackStatus(report)
}

func attackStatus(r attack.Report) int {
	switch {
	case r.Counts[attack.Succeeded] > 0:
		return exitFailed
	case r.Counts[attack.Failed] > 0 || len(r.Left) > 0:
		return exitControl
	case r.Counts[attack.NotTried] > 0:
		return exitNotTried
	case r.Counts[attack.Refused] == 0: // nothing was asked for
		return exitNotTried
	}
	return exitOK
}

func showCatalogue(asJSON bool, stdout io.Writer) error {
	if asJSON {
		return printJSON(attacks.All(), stdout)
	}
	return attack.WriteList(stdout)
}

func printJSON(v any, stdout io.Writer) error {
	encoder := json.NewEncoder(stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func ids(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// readLogins takes no file that others on the machine can read: passwords stand in it.
func readLogins(file string) (map[string]string, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others on this machine may read %s, or write it. Do this first: chmod 600 %s", file, file)
	}
	logins := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(r, maxSecretFile))
	for lines.Scan() {
		name, password, found := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if found && strings.TrimSpace(password) != "" {
			logins[name] = strings.TrimSpace(password)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if logins["bob"] == "" || logins["alice"] == "" {
		return nil, fmt.Errorf("%s needs lines with the names bob and alice, and their passwords", file)
	}
	return logins, nil
}
