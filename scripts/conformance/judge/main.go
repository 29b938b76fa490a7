// Command judge reads what the official conformance suite found (its --output-dir) and compares it with what is expected:
//
//	judge -run 'server 2026-07-28' [-requirements requirements/2026-07-28.yaml -leg server | -scenarios 'ping …'] expected-failures.yaml RESULTS...
//
// Every check that did not succeed needs a line under the run's name in expected-failures.yaml, with the reason, skipped checks and
// warnings included. A line that fits no such check is as much of a failure: what works now may not stay excused. The suite's own
// --expected-failures would overlook that where a check is gone, and all that its requirement sets do not score.
// Each scenario of -scenarios, and with -requirements each that the revision lists for the leg, must have left results.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("judge", flag.ContinueOnError)
	name := flags.String("run", "", "name of the run in the file of expected failures")
	requirements := flags.String("requirements", "", "the suite's list of what a revision requires")
	scenarios := flags.String("scenarios", "", "scenarios that must have left results")
	leg := flags.String("leg", "server", "server or client")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" || flags.NArg() < 2 {
		return errors.New("it takes -run NAME, the file of expected failures and folders with results")
	}
	expected, err := readExpected(flags.Arg(0), *name)
	if err != nil {
		return err
	}
	results := map[string][]check{}
	for _, dir := range flags.Args()[1:] {
		if err := readResults(dir, results); err != nil {
			return err
		}
	}
	wanted := strings.Fields(*scenarios)
	if *requirements != "" {
		if wanted, err = readRequirements(*requirements, *leg); err != nil {
			return err
		}
	}
	v := compare(results, expected)
	for _, scenario := range wanted {
		if _, ok := results[scenario]; !ok {
			v.problems = append(v.problems, "no results: "+scenario)
		}
	}
	v.print(out, *name)
	if len(v.problems) > 0 {
		return fmt.Errorf("%d problems", len(v.problems))
	}
	return nil
}

// check is one line of a checks.json.
type check struct {
	ID, Status, Description, ErrorMessage string
}

// stamped is how the suite names a scenario's folder: perhaps the kind before it, always the time behind it.
var stamped = regexp.MustCompile(`^(?:server-|authorization-server-)?(.+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d+Z$`)

func readResults(dir string, into map[string][]check) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "checks.json" {
			return err
		}
		folder, err := filepath.Rel(dir, filepath.Dir(file))
		if err != nil {
			return err
		}
		scenario := stamped.FindStringSubmatch(filepath.ToSlash(folder))
		if scenario == nil {
			return fmt.Errorf("%s is not named as the suite names its results", folder)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var checks []check
		if err := json.Unmarshal(raw, &checks); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		into[scenario[1]] = append(into[scenario[1]], checks...)
		return nil
	})
}

// excuse is why some checks may fail. A check is "scenario:id", or "scenario" for all of one.
type excuse struct {
	Reason string
	Checks []string
}

func readExpected(file, run string) ([]excuse, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var runs map[string][]excuse
	if err := yaml.Unmarshal(raw, &runs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	excuses, ok := runs[run]
	if !ok {
		return nil, fmt.Errorf("%s has no run %q; one without expected failures is an empty list", file, run)
	}
	for _, e := range excuses {
		if strings.TrimSpace(e.Reason) == "" || len(e.Checks) == 0 {
			return nil, fmt.Errorf("%s: %s: every expected failure has a reason, and names its checks", file, run)
		}
	}
	return excuses, nil
}

// verdict is what came out.
type verdict struct {
	scenarios int
	counts    map[string]int // by status
	excused   int
	problems  []string
}

func compare(results map[string][]check, expected []excuse) *verdict {
	v := &verdict{scenarios: len(results), counts: map[string]int{}}
	open := map[string]bool{} // expected, and not seen so far
	for _, e := range expected {
		for _, c := range e.Checks {
			open[c] = true
		}
	}
	known := maps.Clone(open)
	for _, scenario := range slices.Sorted(maps.Keys(results)) {
		for _, c := range results[scenario] {
			v.counts[c.Status]++
			if c.Status == "SUCCESS" || c.Status == "INFO" {
				continue
			}
			one := scenario + ":" + c.ID
			if known[scenario] || known[one] {
				v.excused++
				delete(open, scenario)
				delete(open, one)
				continue
			}
			v.problems = append(v.problems, fmt.Sprintf("%s %s\n    %.400s", c.Status, one, strings.TrimSpace(c.Description+"\n    "+c.ErrorMessage)))
		}
	}
	for _, c := range slices.Sorted(maps.Keys(open)) {
		v.problems = append(v.problems, "expected to fail, and does not (any more): "+c)
	}
	if v.counts["SUCCESS"] == 0 {
		v.problems = append(v.problems, "not one check succeeded; did the suite run?")
	}
	return v
}

// readRequirements lists what the suite runs for a leg, scored or not.
func readRequirements(file, leg string) ([]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list struct {
		Server, Client []string
		NotScored      []struct{ Scenario, Leg string } `yaml:"not_scored"`
	}
	if err := yaml.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	wanted := map[string][]string{"server": list.Server, "client": list.Client}[leg]
	for _, n := range list.NotScored {
		if n.Leg == leg {
			wanted = append(wanted, n.Scenario)
		}
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("%s lists nothing for %q", file, leg)
	}
	return wanted, nil
}

func (v *verdict) print(out io.Writer, run string) {
	total := 0
	for _, n := range v.counts {
		total += n
	}
	failed := v.counts["FAILURE"] + v.counts["WARNING"]
	fmt.Fprintf(out, "%s: %d scenarios, %d checks: %d passed, %d failed, %d skipped, %d for information; %d as expected\n",
		run, v.scenarios, total, v.counts["SUCCESS"], failed, v.counts["SKIPPED"], v.counts["INFO"], v.excused)
	for _, p := range v.problems {
		fmt.Fprintln(out, "  "+p)
	}
}
