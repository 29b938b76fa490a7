package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// results are those of one run.
type results struct {
	Date   string      `json:"date"`
	Commit string      `json:"commit"`
	Go     string      `json:"go"`
	Cores  int         `json:"cores"`
	Fresh  float64     `json:"fresh_ms"` // from the start of ours to its first answer: the median of all starts
	Seeded float64     `json:"seeded_ms"`
	Rows   []rowResult `json:"rows"`
}

type rowResult struct {
	Name    string    `json:"name"`
	Figures []figures `json:"figures"` // ours first
}

func readResults(file string) (r results, err error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r)
}

// summary is what the README shows.
func (r results) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %d cores with %s, commit %s.\n\n", r.Date, r.Cores, r.Go, r.Commit)
	b.WriteString("| Work | VetAssist, a second | The others, a second: how many times as fast VetAssist is |\n|---|---|---|\n")
	for _, result := range r.Rows {
		var others []string
		for _, f := range result.Figures[1:] {
			others = append(others, fmt.Sprintf("%s %.0f: %.2f", f.Server, f.PerSecond, f.Ratio))
		}
		fmt.Fprintf(&b, "| %s | %.0f | %s |\n", plan(result.Name).what, result.Figures[0].PerSecond, strings.Join(others, "<br>"))
	}
	rest, loaded := r.memory()
	fmt.Fprintf(&b, "\nWith the recorder off VetAssist holds %.0f MB at rest and at most %.0f MB after a line of this table. It answers %.0f ms after its start, and %.0f ms after its very first, which fills the database.\n",
		rest, loaded, r.Seeded, r.Fresh)
	return b.String()
}

func plan(name string) row {
	return rows[slices.IndexFunc(rows, func(r row) bool { return r.name == name })]
}

// markdown is the summary, and a table a row.
func (r results) markdown() string {
	var b strings.Builder
	b.WriteString(r.summary())
	b.WriteString("\n*Ratio* is ours to theirs, the median of the rounds; the others on a line have all they keep in memory, ours on disk.\n")
	for _, result := range r.Rows {
		plan := plan(result.Name)
		fmt.Fprintf(&b, "\n**%s**: %s. %d at once.\n\n", plan.name, plan.what, plan.connections)
		b.WriteString("| server | a second | ratio | must be | server CPU, µs | p50, ms | p99, ms | requests | load's CPU | MB at rest, after |\n|---|---|---|---|---|---|---|---|---|---|\n")
		for _, f := range result.Figures {
			ratio := ""
			if f.Ratio > 0 {
				ratio = fmt.Sprintf("%.2f", f.Ratio)
			}
			fmt.Fprintf(&b, "| %s | %.0f | %s | %s | %.0f | %.2f | %.2f | %.1f | %.2f | %.0f, %.0f |\n",
				f.Server, f.PerSecond, ratio, plan.required(f), f.CPU, f.P50, f.P99, f.Requests, f.Load, f.Rest, f.Loaded)
		}
	}
	rest, loaded := r.memory()
	b.WriteString("\n**ours alone**\n\n| what | measured | must be |\n|---|---|---|\n")
	for _, line := range []struct {
		what, unit     string
		measured, most float64
	}{
		{"start to first answer, seeded", "ms", r.Seeded, mostSeeded}, {"start to first answer, fresh", "ms", r.Fresh, mostFresh},
		{"memory at rest", "MB", rest, mostAtRest}, {"memory after the load, at most", "MB", loaded, mostLoaded},
	} {
		fmt.Fprintf(&b, "| %s | %.0f %s | %.0f %s at most, %s |\n", line.what, line.measured, line.unit, line.most, line.unit, met(line.measured <= line.most))
	}
	return b.String()
}

const folder = "scripts/bench/"

// save writes the results, the tables, and the README's part.
func (r results) save() error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(folder+"results.json", append(body, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(folder+"results.md", []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return err
	}
	const begin, end = "<!-- scripts/bench/run writes this -->\n", "<!-- as far as here -->\n"
	before, rest, found := strings.Cut(string(readme), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return errors.New("README.md has no place for the results")
	}
	return os.WriteFile("README.md", []byte(before+begin+r.summary()+end+after), 0o644)
}

// required is what ours has to reach beside this one, and whether it does.
func (p row) required(f figures) string {
	var all []string
	for _, m := range p.must {
		if m.peer != f.Server {
			continue
		}
		if m.least > 0 {
			all = append(all, fmt.Sprintf("%g, %s", m.least, met(f.Ratio >= m.least)))
		}
		if m.aim > 0 {
			all = append(all, fmt.Sprintf("aim %g, %s", m.aim, met(f.Ratio >= m.aim)))
		}
	}
	return strings.Join(all, "; ")
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "**not met**"
}

// memory is the median of ours at rest, and the most after load, of all rows without the recorder.
func (r results) memory() (rest, loaded float64) {
	var all []float64
	for _, result := range r.Rows {
		all = append(all, result.Figures[0].Rest)
		loaded = max(loaded, result.Figures[0].Loaded)
	}
	return medianOf(all), loaded
}

// compare says where ours has clearly fallen behind since the last full result: in answers a second, and in processor time for each, which
// what else the machine does disturbs less.
func (r results) compare(last results) error {
	type ratio struct{ speed, work float64 }
	of := func(r rowResult, f figures) ratio { return ratio{f.Ratio, f.CPU / max(r.Figures[0].CPU, 1)} }
	before := map[string]ratio{}
	for _, result := range last.Rows {
		for _, f := range result.Figures {
			before[result.Name+" "+f.Server] = of(result, f)
		}
	}
	var err error
	for _, result := range r.Rows {
		for _, f := range result.Figures[1:] {
			now, was := of(result, f), before[result.Name+" "+f.Server]
			switch {
			case was.speed == 0:
				err = errors.Join(err, fmt.Errorf("%s: results.json knows no ratio to %s: run scripts/bench/run all", result.Name, f.Server))
			case now.speed == 0 || now.speed < fallen*was.speed && now.work < fallen*was.work:
				err = errors.Join(err, fmt.Errorf("%s: ours is %.2f times %s, where it was %.2f times", result.Name, now.speed, f.Server, was.speed))
			}
		}
	}
	return err
}
