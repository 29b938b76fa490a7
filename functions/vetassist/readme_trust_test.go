package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeTrust runs what the README shows of a company's login and of a platform's programs, one after the other, with applications that
// somebody made in the console.
func TestReadmeTrust(t *testing.T) {
	needs(t, "bash", "curl", "openssl")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, chapters, _ := strings.Cut(string(text), "### Your company's own login (ID-JAG)")
	chapters, _, _ = strings.Cut(chapters, "\n### OpenID Connect")
	blocks := regexp.MustCompile("(?s)```bash\n(.*?)```\n\n```\n(.*?)```").FindAllStringSubmatch(chapters, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d commands with their output", len(blocks))
	}
	w := newWorld(t, func(o *Options) { o.Now = time.Now }) // as bash has it
	admin := w.administrator()
	app, secret := admin.assistant("pet-profile:read", "pet-profile:write")
	job, _ := admin.machine([]string{"Vet Staff"}, "pet-profile:read")
	here := func(s string) string { return strings.ReplaceAll(s, "http://localhost:8080", w.URL) }
	cmd := exec.CommandContext(t.Context(), "bash", "-u", "-c", "field() { sed 's/.*\"'$1'\":\"\\([^\"]*\\)\".*/\\1/'; }\n"+here(blocks[0][1])+here(blocks[1][1]))
	cmd.Env = append(os.Environ(), "BASE="+w.URL, "ADMIN="+admin.token, "APP="+app, "SECRET="+secret, "JOB="+job)
	out, err := cmd.CombinedOutput()
	if want := here(blocks[0][2] + blocks[1][2]); err != nil || !likeness(want).MatchString(strings.TrimSpace(string(out))) {
		t.Errorf("%v: it printed\n%s\nand the README says\n%s", err, out, want)
	}
}
