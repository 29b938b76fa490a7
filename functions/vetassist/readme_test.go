package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	readme     = "../../README.md"
	deployment = "../../infra/README.md" // a chapter with a page of its own
)

// readmeText is the README with that chapter.
func readmeText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, page := range []string{readme, deployment} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

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
	w := newWorld(t, func(o *Options) { o.Now = time.Now }) // some commands ask date
	bob := w.person()                                       // who has read from the top, and told the story click by click
	bob.connect("When is Fido's next vaccination?", "bob")
	bob.connect("Book an appointment for Fido next Tuesday at 10", "bob")
	page := strings.ReplaceAll(readmeText(t), "http://localhost:8080", w.URL)
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

// TestReadmeLinks: each file and each chapter that the README links to is there, and so is what the page of its chapter links to.
func TestReadmeLinks(t *testing.T) {
	for page, least := range map[string]int{readme: 10, deployment: 5} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, l := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(l[1], "http") {
				continue
			}
			checked++
			file, chapter, _ := strings.Cut(l[1], "#")
			there := page
			if file != "" {
				there = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(there); err != nil {
				t.Errorf("%s links to %s: %v", page, l[1], err)
			} else if chapter != "" && !slices.Contains(chapters(t, there), chapter) {
				t.Errorf("%s links to %s, and there is no such chapter", page, l[1])
			}
		}
		if checked < least {
			t.Errorf("only %d links found in %s", checked, page)
		}
	}
}

// chapters are those of a page, as GitHub names them.
func chapters(t *testing.T, page string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return names
}
