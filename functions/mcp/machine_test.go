package mcp_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/token"
)

// machine is the token of an application that acts for nobody: its sub is its client id (RFC 9068 §2.2).
func machine(id string, roles ...string) token.Grant {
	g := grant(id, roles, everything...)
	g.ClientID = id
	return g
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

// TestMachine: a program has its roles, and is nobody. Whatever its client id is, it has no pet, no reminder and no ticket of its own,
// not even those of a user whose id is the same (RFC 9068 §5).
func TestMachine(t *testing.T) {
	var log lockedBuffer
	w := newWorld(t, func(c *mcp.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, c := range []struct {
		what  string
		as    token.Grant
		tool  string
		args  args
		code  string
		wants string
	}{
		{"staff sees all pets", machine("app-nightly", "Vet Staff"), "list_pets", args{}, "", "Luna"},
		{"staff reminds an owner", machine("app-nightly", "Vet Staff"), "set_reminder", args{"text": "x", "date": "2026-12-01", "pet": "Luna", "for_owner": true}, "", "from the clinic"},
		{"but not itself", machine("app-nightly", "Vet Staff"), "set_reminder", args{"text": "x", "date": "2026-12-01"}, "invalid", "Nobody is logged in"},
		{"and it has none", machine("app-nightly", "Vet Staff"), "list_reminders", args{}, "", "no reminders"},
		{"nobody to answer to", machine("app-nightly", "Vet Staff"), "contact_support", args{"message": "x"}, "invalid", "Nobody is logged in"},
		{"an owner's role without an owner", machine("app-nightly", "Pet Owner"), "list_pets", args{}, "", "no such pets"},
		{"an owner's pet", machine("app-nightly", "Pet Owner"), "get_pet", args{"pet": "Fido"}, "not_found", "Fido"},
		{"a client id like Bob's", machine("user-bob", "Pet Owner"), "get_pet", args{"pet": "Fido"}, "not_found", "Fido"},
		{"Bob's reminders", machine("user-bob", "Pet Owner"), "list_reminders", args{}, "", "no reminders"},
		{"Bob himself", bob(everything...), "get_pet", args{"pet": "Fido"}, "", "Fido"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := w.connect(c.as)
			log.Lock()
			log.Reset()
			log.Unlock()
			res, err := s.CallTool(context.WithoutCancel(t.Context()), &sdk.CallToolParams{Name: c.tool, Arguments: c.args})
			if err != nil {
				t.Fatal(err)
			}
			o := outcome{isError: res.IsError, text: res.Content[0].(*sdk.TextContent).Text}
			o.data, _ = res.StructuredContent.(map[string]any)
			if o.code() != c.code || !strings.Contains(o.text, c.wants) {
				t.Errorf("%q: %s", o.code(), o.text)
			}
			log.Lock()
			line := log.String()
			log.Unlock()
			program := ""
			if c.as.Subject == c.as.ClientID && c.code == "" {
				program = c.as.ClientID
			}
			if named, _ := res.Meta["vetassist/machine"].(string); named != program || !strings.Contains(line, "tool="+c.tool+" sub="+c.as.Subject+" client="+c.as.ClientID) {
				t.Errorf("%v in the result, in the log %s", res.Meta, line)
			}
		})
	}
}
