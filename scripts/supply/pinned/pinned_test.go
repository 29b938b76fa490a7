// Package pinned holds what this repository fetches to checksums: a test reads every script and every list of packages.
package pinned

import (
	"encoding/json"
	"go/version"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// files are those of the repository whose names match, with their text.
func files(t *testing.T, name string) map[string]string {
	t.Helper()
	out, err := exec.Command("git", "-C", "../../..", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range strings.Fields(string(out)) {
		if !regexp.MustCompile(name).MatchString(f) {
			continue
		}
		body, err := os.ReadFile("../../../" + f)
		if os.IsNotExist(err) { // removed, and not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found[f] = string(body)
	}
	return found
}

// TestNode: every package of a lockfile has a SHA-512, without which npm ci takes what comes.
func TestNode(t *testing.T) {
	locks := files(t, `(^|/)package-lock\.json$`)
	for file := range files(t, `(^|/)package\.json$`) {
		if lock := strings.TrimSuffix(file, ".json") + "-lock.json"; locks[lock] == "" {
			t.Errorf("%s has no lockfile beside it", file)
		}
	}
	count := 0
	for file, text := range locks {
		var lock struct {
			Packages map[string]struct{ Integrity, Resolved string }
		}
		if err := json.Unmarshal([]byte(text), &lock); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, p := range lock.Packages {
			if name == "" { // what the lockfile is for
				continue
			}
			count++
			if !strings.HasPrefix(p.Integrity, "sha512-") {
				t.Errorf("%s: %s has no SHA-512", file, name)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d packages were looked at", count)
	}
}

// TestPython: every line of a list is one version with a SHA-256.
func TestPython(t *testing.T) {
	lists := files(t, `(^scripts/lib/pip/.*|/requirements)\.txt$`)
	for file := range files(t, `(^scripts/lib/pip/.*|/requirements)\.in$`) {
		if list := strings.TrimSuffix(file, "in") + "txt"; lists[list] == "" {
			t.Errorf("%s has no list beside it", file)
		}
	}
	requirement := regexp.MustCompile(`^[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+$`)
	count := 0
	for file, text := range lists {
		for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
			line = strings.Join(strings.Fields(line), " ")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			count++
			if !requirement.MatchString(line) {
				t.Errorf("%s: no checksum or no version: %.100s", file, line)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d packages were looked at", count)
	}
}

// How a script may fetch. What is not matched by one of these is found by the words in fetches below.
var allowed = regexp.MustCompile(`npm ci .*--ignore-scripts|pip" install .*--require-hashes` +
	`|mvn .*copy-dependencies` + // scripts/dynamodb-local looks at the checksums itself
	`|GOBIN=\S+ go install "[^"@]*(@\$[a-z_]*version|\$sbom)?"`)

var fetches = regexp.MustCompile(`\b(npm (install|i|ci|exec|update)|npx|pip3?"? install|pipx|uvx?|go install|go run [a-z]+\.[a-z]+/|mvn -|curl[^|]*\| *(ba)?sh|wget)\b`)

// TestScripts: what a script fetches is pinned, and no package's own script runs while it is installed.
func TestScripts(t *testing.T) {
	count := 0
	for file, text := range files(t, `^(scripts|\.ci)/`) {
		if !strings.HasPrefix(text, "#!") {
			continue
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") || !fetches.MatchString(line) {
				continue
			}
			count++
			if !allowed.MatchString(line) || strings.Contains(line, "@latest") {
				t.Errorf("%s fetches what is not pinned: %s", file, line)
			}
		}
	}
	if count < 8 {
		t.Errorf("only %d lines were looked at", count)
	}
}

// TestModules: each Go module has its checksums, and replaces none by what has no checksum.
func TestModules(t *testing.T) {
	sums := files(t, `(^|/)go\.sum$`)
	for file, text := range files(t, `(^|/)go\.mod$`) {
		if sums[strings.TrimSuffix(file, "mod")+"sum"] == "" {
			t.Errorf("%s has no go.sum beside it", file)
		}
		if strings.Contains(text, "\nreplace") {
			t.Errorf("%s replaces a module", file)
		}
	}
}

// TestToolchain: releases are built by one version of Go that is at least what go.mod asks for.
func TestToolchain(t *testing.T) {
	toolchain := files(t, `^scripts/supply/toolchain$`)["scripts/supply/toolchain"]
	if !regexp.MustCompile(`^go1\.\d+\.\d+\n$`).MatchString(toolchain) {
		t.Fatalf("%q is no version of Go", toolchain)
	}
	least := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(files(t, `^go\.mod$`)["go.mod"])
	if least == nil || version.Compare(strings.TrimSpace(toolchain), "go"+least[1]) < 0 {
		t.Errorf("%q is older than go.mod wants: %v", toolchain, least)
	}
}
