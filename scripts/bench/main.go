package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	bin, node, load, vetassist string // what scripts/bench/run built and installed
	tmp                        string
	rounds                     int
	length, rest               time.Duration
	started                    int
	fresh, seeded              []float64 // ms, of each start of ours
}

func (b *bench) next() int { b.started++; return b.started }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run takes the folder of what was built, and then: all, short, one and the name of a row, or tables, which only writes them anew.
func run(ctx context.Context, args []string) (err error) {
	if len(args) < 2 {
		return errors.New("start it with scripts/bench/run")
	}
	built, mode := args[0], args[1]
	b := &bench{bin: built, node: filepath.Join(built, "node"), load: filepath.Join(built, "load"), vetassist: filepath.Join(built, "vetassist"),
		rounds: 5, length: 2 * time.Second, rest: 5 * time.Second}
	if mode == "tables" {
		last, err := readResults(folder + "results.json")
		if err != nil {
			return err
		}
		return last.save()
	}
	chosen := without(rows, func(name string) bool { // no registry has its program
		_, err := exec.LookPath("dex")
		return name == "dex" && err != nil
	})
	switch {
	case mode == "short":
		b.rounds, b.length, b.rest = 3, time.Second, 0
		chosen = without(rows, needsMore)
	case mode == "one" && len(args) == 3:
		chosen = slices.DeleteFunc(chosen, func(r row) bool { return r.name != args[2] })
	}
	if len(chosen) == 0 || mode != "all" && mode != "short" && mode != "one" {
		return fmt.Errorf("say all, short, or one of: %s", names())
	}
	if b.tmp, err = os.MkdirTemp("", "vetassist-bench-"); err != nil {
		return err
	}
	res := newResults()
	for _, r := range chosen {
		fmt.Fprintln(os.Stderr, r.name, "…")
		figures, err := b.measure(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w\nWhat the servers said is in %s", r.name, err, b.tmp)
		}
		res.Rows = append(res.Rows, rowResult{r.name, figures})
	}
	res.Fresh, res.Seeded = medianOf(b.fresh), medianOf(b.seeded)
	if err := os.RemoveAll(b.tmp); err != nil {
		return err
	}
	fmt.Print(res.markdown())
	for _, r := range res.Rows {
		for _, f := range r.Figures {
			if f.Errors > 0 {
				err = errors.Join(err, fmt.Errorf("%s: %s failed %d times: %s", r.Name, f.Server, f.Errors, f.Error))
			}
		}
	}
	if err != nil {
		return err
	}
	switch mode {
	case "all":
		return res.save()
	case "short":
		last, err := readResults(folder + "results.json")
		if err != nil {
			return err
		}
		return res.compare(last)
	}
	return nil
}

func names() string {
	var all []string
	for _, r := range rows {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

// needsMore tells what is left out of the short form: all but what Go can build by itself, and what ours is required to be compared with.
func needsMore(name string) bool {
	return !slices.Contains([]string{ours, "zitadel/oidc", "go-sdk", "mcp-go", "net/http hello"}, name)
}

// without leaves servers out.
func without(rows []row, out func(name string) bool) (left []row) {
	for _, r := range rows {
		r.servers = slices.DeleteFunc(slices.Clone(r.servers), out)
		left = append(left, r)
	}
	return left
}

func newResults() results {
	return results{Date: time.Now().UTC().Format(time.DateOnly), Commit: os.Getenv("BENCH_COMMIT"), Go: runtime.Version(), Cores: runtime.NumCPU()}
}
