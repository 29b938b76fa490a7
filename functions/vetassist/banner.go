package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// banner tells a person what is running, where, and how to get in.
func banner(o Options, f filled, missing string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "VetAssist is running. Open %s in a browser.\n\n", o.BaseURL)
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "  Chat app\t%s/\n", o.BaseURL)
	fmt.Fprintf(t, "  Console\t%s/admin/\n", o.BaseURL)
	fmt.Fprintf(t, "  My account\t%s/oauth/account\n", o.BaseURL)
	fmt.Fprintf(t, "  MCP server\t%s/mcp\n", o.BaseURL)
	fmt.Fprintf(t, "  Admin API\t%s/admin/api/v1\n", o.BaseURL)
	fmt.Fprintf(t, "  Authorization server\t%s/.well-known/oauth-authorization-server\n", o.BaseURL)
	if o.Records() {
		fmt.Fprintf(t, "  Flight recorder\t%s/flow/\n", o.BaseURL)
		fmt.Fprintf(t, "  Course\t%s/learn/\n", o.BaseURL)
	}
	fmt.Fprintf(t, "  Database\t%s\n", database(o.DB))
	empty := o.Seed == config.SeedNone
	if o.Local() && !empty {
		people, err := directory.DemoPeople(seed.Files)
		if err != nil {
			return err
		}
		fmt.Fprint(t, "\n  Username\tPassword\n")
		for _, p := range people {
			fmt.Fprintf(t, "  %s\t%s\t%s, %s\n", p.Username, p.Password, p.Name, strings.Join(p.Roles, ", "))
		}
	}
	if f.password != "" {
		fmt.Fprintf(t, "\n  Username\tPassword\n  %s\t%s\n", administratorName, f.password)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	b.WriteByte('\n')
	switch {
	case f.password != "":
		fmt.Fprintf(&b, "Note the password: it is shown this once. Begin in the console, %s/admin/\n", o.BaseURL)
	case empty && f.demo:
		b.WriteString("This database holds the demo already, and nothing of it was removed. To begin without it, name a new file with -db.\n")
	case empty:
		b.WriteString("The administrator's password was shown at the first start. If it is lost, this makes a new one:\n" + newPasswordCommand(o.DB))
	case o.Local():
		b.WriteString("As bob, ask: When is Fido's next vaccination?\n")
	default:
		b.WriteString("The demo's users cannot log in here: everybody knows their passwords, so these work on localhost only.\n" +
			"This gives the administrator another one:\n" + newPasswordCommand(o.DB))
	}
	if missing != "" {
		fmt.Fprintf(&b, "This machine has no %s, so it is served on the other family only.\n", missing)
	}
	if o.Local() && !config.IsLoopbackHost(o.Addr) {
		risk := "the passwords above work for whoever does"
		if empty {
			risk = "whoever does can set up the chat app as long as nobody has"
		}
		fmt.Fprintf(&b, "Careful: %s can be reached from other machines, and %s.\n", o.Addr, risk)
	}
	if !o.Local() && o.TrustedProxies == "" {
		b.WriteString("Whoever comes by a proxy has its address, and shares its limits. To tell them apart, name it: -trusted-proxies 127.0.0.1\n")
	}
	b.WriteString("Ctrl-C stops it.\n")
	_, err := fmt.Fprint(o.Stdout, b.String())
	return err
}

// newPasswordCommand is the line to type for this database.
func newPasswordCommand(path string) string {
	command := "  go run ./functions/vetassist admin-password"
	if path != config.DefaultDB {
		command += " -db " + strconv.Quote(path)
	}
	return command + "\n"
}

func database(path string) string {
	if path == ":memory:" {
		return "in memory: it is gone when this stops"
	}
	return path
}
