package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// banner tells a person what is running, where, and how to get in.
func banner(o Options, missing string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "VetAssist is running. Open %s in a browser.\n\n", o.BaseURL)
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "  Chat app\t%s/\n", o.BaseURL)
	fmt.Fprintf(t, "  MCP server\t%s/mcp\n", o.BaseURL)
	fmt.Fprintf(t, "  Authorization server\t%s/.well-known/oauth-authorization-server\n", o.BaseURL)
	fmt.Fprintf(t, "  Database\t%s\n", database(o.DB))
	if o.Local() {
		people, err := directory.DemoPeople(seed.Files)
		if err != nil {
			return err
		}
		fmt.Fprint(t, "\n  Username\tPassword\n")
		for _, p := range people {
			fmt.Fprintf(t, "  %s\t%s\t%s, %s\n", p.Username, p.Password, p.Name, strings.Join(p.Roles, ", "))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if o.Local() {
		b.WriteString("\nAs bob, ask: When is Fido's next vaccination?\n")
	} else {
		fmt.Fprintf(&b, "\nThe demo's users cannot log in here: everybody knows their passwords, so these work on localhost only.\n")
	}
	if missing != "" {
		fmt.Fprintf(&b, "This machine has no %s, so it is served on the other family only.\n", missing)
	}
	if o.Local() && !config.IsLoopbackHost(o.Addr) {
		fmt.Fprintf(&b, "Careful: %s can be reached from other machines, and the passwords above work for whoever does.\n", o.Addr)
	}
	b.WriteString("Ctrl-C stops it.\n")
	_, err := fmt.Fprint(o.Stdout, b.String())
	return err
}

func database(path string) string {
	if path == ":memory:" {
		return "in memory: it is gone when this stops"
	}
	return path
}
