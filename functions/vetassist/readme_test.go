package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

const readme = "../../README.md"

// needs skips a test that runs programs which are not there; where everything is installed, that is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("VETASSIST_REQUIRE_BROWSER") == "1" { // set where everything is installed
				t.Fatal(err)
			}
			t.Skip("this test needs "+strings.Join(programs, ", ")+":", err)
		}
	}
}

// TestReadmeCommands pastes the README's sh blocks into one bash, against a server of its own, and compares
// what each prints with the text block after it, where … stands for anything.
func TestReadmeCommands(t *testing.T) {
	needs(t, "bash", "curl", "openssl")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) { o.Now = time.Now }) // some commands ask date
	bob := w.person()                                       // who has read from the top, and told the story click by click
	bob.connect("When is Fido's next vaccination?", "bob")
	bob.connect("Book an appointment for Fido next Tuesday at 10", "bob")
	page := strings.ReplaceAll(string(text), "http://localhost:8080", w.URL)
	page = strings.ReplaceAll(page, "http%3A%2F%2Flocalhost%3A8080", strings.NewReplacer(":", "%3A", "/", "%2F").Replace(w.URL))
	blocks := regexp.MustCompile("(?s)```(sh|text)\n(.*?)```").FindAllStringSubmatch(page, -1)

	const mark = "=== end of block ==="
	var script strings.Builder
	var wants []string
	for i, b := range blocks {
		if (b[1] == "sh") != (i%2 == 0) {
			t.Fatalf("a sh block and a text block take turns; block %d is %s", i, b[1])
		}
		if b[1] == "sh" {
			script.WriteString(b[2] + "echo '" + mark + "'\n")
		} else {
			wants = append(wants, b[2])
		}
	}
	if len(wants) < 10 {
		t.Fatalf("only %d blocks found", len(wants))
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-u")
	cmd.Stdin = strings.NewReader(script.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("bash: %v\n%s", err, &stderr)
	}
	outputs := strings.Split(string(out), mark+"\n")
	for i, want := range wants {
		got := strings.ReplaceAll(outputs[i], "\r", "")
		if !likeness(want).MatchString(strings.TrimSpace(got)) {
			t.Errorf("block %d printed\n%s\nand the README says\n%s", i+1, got, want)
		}
	}
}

// likeness matches text line by line, with … for anything within a line.
func likeness(want string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.TrimSpace(want))
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*") + "$")
}

// TestReadmeLinks: each file and each chapter that the README links to is there.
func TestReadmeLinks(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(string(text), -1)
	checked := 0
	for _, l := range links {
		if strings.HasPrefix(l[1], "http") {
			continue
		}
		checked++
		if _, err := os.Stat("../../" + l[1]); err != nil {
			t.Errorf("the README links to %s: %v", l[1], err)
		}
	}
	if checked < 10 {
		t.Errorf("only %d links found", checked)
	}
	chapters := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) { // as GitHub names them
		chapters[strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	for _, l := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !chapters[l[1]] {
			t.Errorf("the README has no chapter %s", l[1])
		}
	}
}
