// Command growth measures how long each operation takes among 10 of each record and among a million, and writes results.json, a table
// (results.md) and the README's plot (growth.svg) beside itself:
//
//	go run ./scripts/growth          measures, which takes ten minutes and 10 GB of disk for as long
//	go run ./scripts/growth -draw    writes table and plot anew from results.json
//
// TestGrowth in functions/vetassist does the measuring; without this it only counts what is read and written, in worlds that are smaller.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const folder = "scripts/growth"

// results are what results.json holds.
type results struct {
	Date       string      `json:"date"`
	Commit     string      `json:"commit"`
	Go         string      `json:"go"`
	Cores      int         `json:"cores"`
	Sizes      []int       `json:"sizes"` // of each: pets, users, applications, rows of the audit log
	Operations []operation `json:"operations"`
}

type operation struct {
	Name         string    `json:"name"`
	Milliseconds []float64 `json:"milliseconds"` // median, by size
	Items        []int     `json:"items"`        // read and written, by size
}

// times is how many times as long it takes in world i as in the smallest.
func (o operation) times(i int) float64 { return o.Milliseconds[i] / o.Milliseconds[0] }

func main() {
	draw := flag.Bool("draw", false, "measure nothing; write table and plot anew")
	flag.Parse()
	if err := run(*draw); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(draw bool) error {
	file := filepath.Join(folder, "results.json")
	if !draw {
		if err := measure(file); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w (run this at the root of the project)", err)
	}
	var r results
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "results.md"), []byte(table(r)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "growth.svg"), []byte(plot(r)), 0o644)
}

// measure lets the test measure, and says in what it left where and when that was.
func measure(file string) error {
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	test := exec.Command("go", "test", "-count=1", "-timeout", "2h", "-v", "-run", "^TestGrowth$", "./functions/vetassist", "-growth", absolute)
	test.Stdout, test.Stderr = os.Stdout, os.Stderr
	if err := test.Run(); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r := results{Date: time.Now().UTC().Format(time.DateOnly), Commit: strings.TrimSpace(string(commit)), Go: runtime.Version(), Cores: runtime.NumCPU()}
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	if b, err = json.MarshalIndent(r, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
