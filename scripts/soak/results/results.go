// Package results keeps what the programs of scripts/soak found: each a part of results.json, with the day, the machine and the commit,
// and results.md for people.
package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Figure is one thing that was measured.
type Figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// Part is what one program found, when, and on what machine. The machine has no name here.
type Part struct {
	Date    string   `json:"date"`
	Cores   int      `json:"cores"`
	Memory  int      `json:"memory_mb,omitempty"`
	Go      string   `json:"go"`
	Commit  string   `json:"commit,omitempty"`
	Seconds int      `json:"seconds"` // how long it took
	Figures []Figure `json:"figures"`
}

// Save puts what a program found in the place of what it found before. dir is scripts/soak; commit is what Commit said when it began.
func Save(dir, commit, name string, took time.Duration, figures []Figure) error {
	all, err := Load(dir)
	if err != nil {
		return err
	}
	all[name] = Part{Date: time.Now().UTC().Format(time.DateOnly), Cores: runtime.NumCPU(), Memory: machineMemory(), Go: runtime.Version(), Commit: commit,
		Seconds: int(math.Round(took.Seconds())), Figures: figures}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "results.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "results.md"), Markdown(all), 0o644), tell(filepath.Join(dir, "..", "..", "README.md"), all))
}

// told are the figures that the README tells, in this order.
var told = []struct {
	program string
	whats   []string
}{
	{"mixed", []string{"hours", "things done, of 15 kinds", "that failed", "half of them took at most", "99 % of them", "resident memory, in the second quarter", "resident memory, in the last quarter",
		"goroutines, in the second quarter", "goroutines, in the last quarter", "open files, in the last quarter", "write-ahead logs, at most", "databases", "stored in them"}},
	{"idle", []string{"idle connections", "each costs", "the slowest of 100 answers to somebody else"}},
	{"stop", []string{"times stopped under load", "requests answered", "requests dropped", "the longest stop, slow clients holding on"}},
	{"logins", []string{"logins at the same instant", "of them at once logged in", "and told to come again in a moment (503, Retry-After)", "a class that logs in at the same instant", "the last one after",
		"resident memory, at most"}},
	{"kill", []string{"kill -9, at random moments", "of them while it started", "answered logins", "answered consents", "answered redemptions of codes", "answered refreshes", "answered bookings and cancellations",
		"checks after the restarts", "answered writes lost, codes or refresh tokens good twice, slots booked twice, files to repair", "start after a kill, median"}},
}

const beginTold, endTold = "<!-- what scripts/soak found: it writes this -->\n", "<!-- end -->\n"

// Readme is the README's table.
func Readme(all map[string]Part) string {
	var b strings.Builder
	b.WriteString(beginTold + "| Program | What | Seen |\n|---|---|---|\n")
	for _, t := range told {
		name := "`" + t.program + "`"
		for _, f := range all[t.program].Figures {
			if slices.Contains(t.whats, f.What) {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", name, f.What, f)
				name = ""
			}
		}
	}
	b.WriteString("\nWhen that was, and where; a plus is a commit with changes since:\n\n")
	for _, t := range told {
		if p, ok := all[t.program]; ok {
			fmt.Fprintf(&b, "- `%s`: %s, in %s, on %s\n", t.program, p.Date, time.Duration(p.Seconds)*time.Second, p.Machine())
		}
	}
	return b.String() + "\n" + endTold
}

// tell puts the table into the README, in the place of the one before. A README without one stays as it is.
func tell(file string, all map[string]Part) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	before, rest, begins := strings.Cut(string(text), beginTold)
	_, after, ends := strings.Cut(rest, endTold)
	if err != nil || !begins || !ends {
		return err
	}
	return os.WriteFile(file, []byte(before+Readme(all)+after), 0o644)
}

// Load reads what was found so far.
func Load(dir string) (map[string]Part, error) {
	all := map[string]Part{}
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	return all, err
}

// Markdown is all of it as tables.
func Markdown(all map[string]Part) []byte {
	var b bytes.Buffer
	b.WriteString("# What scripts/soak found last\n\nWritten by `scripts/soak`, never by hand.\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		fmt.Fprintf(&b, "\n## %s\n\n%s, in %s, on %s.\n\n| What | Seen |\n|---|---|\n", name, p.Date, time.Duration(p.Seconds)*time.Second, p.Machine())
		for _, f := range p.Figures {
			fmt.Fprintf(&b, "| %s | %s |\n", f.What, f)
		}
	}
	return b.Bytes()
}

// Machine is what it ran on, in words.
func (p Part) Machine() string {
	s := fmt.Sprintf("%d cores, %s", p.Cores, p.Go)
	if p.Memory > 0 {
		s = fmt.Sprintf("%d cores, %d MB of memory, %s", p.Cores, p.Memory, p.Go)
	}
	if p.Commit != "" {
		s += ", commit " + p.Commit
	}
	return s
}

// String is the value with its unit: three digits that count, and commas.
func (f Figure) String() string {
	s := strconv.FormatFloat(f.Value, 'f', -1, 64)
	switch abs := math.Abs(f.Value); {
	case f.Value == math.Trunc(f.Value):
	case abs >= 100:
		s = strconv.FormatFloat(f.Value, 'f', 0, 64)
	case abs >= 10:
		s = strconv.FormatFloat(f.Value, 'f', 1, 64)
	default:
		s = strconv.FormatFloat(f.Value, 'f', 2, 64)
	}
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return strings.TrimSpace(whole + " " + f.Unit)
}

// Commit is that of the files, with a plus when they were changed since.
func Commit(dir string) string {
	out, err := exec.Command("git", "-C", dir, "rev-parse", "--short=9", "HEAD").Output()
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(string(out))
	if changed, err := exec.Command("git", "-C", dir, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!results.json", ":!results.md").Output(); err == nil && len(changed) > 0 {
		name += "+"
	}
	return name
}

// machineMemory is in MB; 0: unknown here.
func machineMemory() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kb int
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kb); err != nil {
		return 0
	}
	return kb >> 10
}
