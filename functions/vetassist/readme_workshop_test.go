package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeWorkshop carries out the commands of the chapter for workshop leaders, in their order, and compares what the first says. The board has a test of its own.
func TestReadmeWorkshop(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "\n## Lead a workshop\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	commands := regexp.MustCompile("go run ./functions/vetassist workshop ([^`\n]*)").FindAllStringSubmatch(chapter, -1)
	if !found || len(commands) != 6 {
		t.Fatalf("%d commands", len(commands))
	}
	said := regexp.MustCompile("(?s)cards.html http.*?```\n\n```\n(.*?)```").FindStringSubmatch(chapter)
	if said == nil {
		t.Fatal("what it says is missing")
	}
	first, last, _ := strings.Cut(strings.TrimSpace(said[1]), "\n…\n")
	w := newWorld(t, func(o *Options) { o.Now = time.Now })
	folder := t.TempDir()
	for i, c := range commands {
		var args []string
		for _, a := range strings.Fields(c[1]) {
			switch filepath.Ext(a) {
			case ".html", ".csv", ".json":
				a = filepath.Join(folder, a)
			}
			if !strings.HasPrefix(a, "http://") {
				args = append(args, a)
			}
		}
		args = append(args, w.URL)
		if _, err := workshopFlags(args); err != nil {
			t.Errorf("%s: %v", c[1], err)
		}
		if args[0] == "-board" {
			continue
		}
		var stdout, stderr bytes.Buffer
		if code := hold(args, strings.NewReader("yes\n"), &stdout, &stderr); code != exitOK {
			t.Errorf("%s: %d %s", c[1], code, &stderr)
		}
		if i == 0 {
			for _, want := range []string{first, last} {
				if !strings.Contains(strings.ReplaceAll(stderr.String(), folder+string(filepath.Separator), ""), want) {
					t.Errorf("it does not say %q: %s", want, &stderr)
				}
			}
		}
	}
}
