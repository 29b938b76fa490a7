package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/vetassist/vetassist/shared/config"
)

const usage = `VetAssist: a demo of MCP authorization in one program.

Usage:

  go run ./functions/vetassist [flags]             makes and fills its database on first use, then serves until Ctrl-C
  go run ./functions/vetassist admin-password      gives an administrator who lost it a new password
  go run ./functions/vetassist backup FILE         copies the database, also while the server runs
  go run ./functions/vetassist restore FILE        puts such a copy into the database's place
  go run ./functions/vetassist seed                fills the DynamoDB table of a deployment
  go run ./functions/vetassist doctor URL          examines a VetAssist, local or deployed, and says how to mend it
  go run ./functions/vetassist nightly [URL]       reminds owners of vaccinations: a program without a person
  go run ./functions/vetassist learn check [URL]   says which checks of the course somebody has passed
  go run ./functions/vetassist walkthrough [URL]   tells the story step by step, with real HTTP
  go run ./functions/vetassist attack [URL]        attacks a VetAssist in some sixty ways, and tells what refused each of them
  go run ./functions/vetassist workshop [URL]      prepares a class: attendees, their cards, and who got how far

Each of the last ten takes -h, too.

Flags (in brackets the environment variable of the same meaning; the flag wins):

  -addr HOST:PORT   where to listen; port 0 takes a free one   [%s]
                    default localhost:8080, which is 127.0.0.1 and ::1
  -db FILE          the SQLite file; :memory: keeps nothing     [%s]
                    default vetassist.db in this folder
  -base-url URL     the address that people and programs use,   [%s]
                    when it is not -addr: behind a proxy or in a container.
                    https, unless the host is localhost
  -trusted-proxies LIST                                         [%s]
                    addresses or networks of the proxies in front, such as
                    127.0.0.1,10.0.0.0/8: what they write into
                    X-Forwarded-For is where requests came from.
                    Default none
  -seed WHAT        what a new database holds: demo, or none,     [%s]
                    which is one administrator and nothing else.
                    default demo; an old one stays as it was begun
  -app-client-id ID the client_id of the chat app, or how it gets [%s]
                    one: metadata-document, dynamic-registration,
                    auto. Default the demo's; without the demo, what
                    was entered at the chat
  -recorder on|off  the flight recorder, which draws at /flow/     [%s]
                    what happens. Default on, where the address is
                    on this machine; else off
  -token-life TIME  how long an access token lasts: 1m to 10m      [%s]
                    default 10m
  -durability WHAT  what a power cut may take of the SQLite file: [%s]
                    normal, the last moments; or full, nothing
                    that was answered, and writes are slower.
                    default normal
  -v                log every request, not only what went wrong
  -version          say which VetAssist this is, and stop

Pages of other origins may call /mcp when they are listed in %s
(comma-separated, such as https://inspector.example.com).

The demo's passwords work only while the address is on this machine.
`

type options struct {
	config  config.Config
	verbose bool
	version bool // only say which one this is
}

// parseFlags reads environment and flags. Whatever is wrong, it has been said on stderr in one or two lines.
func parseFlags(args []string, getenv func(string) string, stdout, stderr io.Writer) (options, error) {
	o := options{config: config.FromEnv(getenv)}
	f := flag.NewFlagSet("vetassist", flag.ContinueOnError)
	f.SetOutput(io.Discard) // the package's own text would come twice, and in its own words
	f.StringVar(&o.config.Addr, "addr", o.config.Addr, "")
	f.StringVar(&o.config.DB, "db", o.config.DB, "")
	f.StringVar(&o.config.BaseURL, "base-url", o.config.BaseURL, "")
	f.StringVar(&o.config.TrustedProxies, "trusted-proxies", o.config.TrustedProxies, "")
	f.StringVar(&o.config.Seed, "seed", o.config.Seed, "")
	f.StringVar(&o.config.AppClientID, "app-client-id", o.config.AppClientID, "")
	f.StringVar(&o.config.Recorder, "recorder", o.config.Recorder, "")
	f.StringVar(&o.config.TokenLife, "token-life", o.config.TokenLife, "")
	f.StringVar(&o.config.Durability, "durability", o.config.Durability, "")
	f.BoolVar(&o.verbose, "v", false, "")
	f.BoolVar(&o.version, "version", false, "")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stdout, usage, config.EnvAddr, config.EnvDB, config.EnvBaseURL, config.EnvTrustedProxies, config.EnvSeed,
			config.EnvAppClientID, config.EnvRecorder, config.EnvTokenLife, config.EnvDurability, config.EnvAllowedOrigins)
		return o, err
	}
	if err == nil && o.version {
		return o, nil
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("there is no subcommand %q", f.Arg(0))
	}
	if err == nil && o.config.DB == "" {
		err = fmt.Errorf("-db needs a file name (or :memory:, to keep nothing)")
	}
	if err == nil {
		check := o.config // Start fills in the real port later
		err = check.Check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
	}
	return o, err
}
