package results

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each program keeps what the others found, and both files say the same.
func TestSave(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]float64{"one": 1, "two": 2} {
		if err := Save(dir, "abc", name, 90*time.Second, []Figure{{"things", value * 1234567.5, "MB"}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Load(dir)
	if err != nil || len(all) != 2 || all["two"].Figures[0].Value != 2469135 || all["one"].Seconds != 90 || all["one"].Commit != "abc" {
		t.Errorf("%v %+v", err, all)
	}
	text, err := os.ReadFile(filepath.Join(dir, "results.md"))
	if err != nil || !strings.Contains(string(text), "## two") || !strings.Contains(string(text), "| things | 2,469,135 MB |") || !strings.Contains(string(text), "in 1m30s, on ") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestFigure(t *testing.T) {
	for want, f := range map[string]Figure{"0": {"", 0, ""}, "12,345": {"", 12345, ""}, "1.23 s": {"", 1.2345, "s"}, "12.3 MB": {"", 12.345, "MB"}, "-1,235": {"", -1234.6, ""}, "123": {"", 123.4, ""}} {
		if got := f.String(); got != want {
			t.Errorf("%v is %q, and not %q", f.Value, got, want)
		}
	}
}

// The tables that are kept here are those of the figures.
func TestMarkdown(t *testing.T) {
	all, err := Load("..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../results.md")
	if err != nil || string(text) != string(Markdown(all)) {
		t.Errorf("results.md is not what results.json says (%v)", err)
	}
	if text, err = os.ReadFile("../../../README.md"); err != nil || !strings.Contains(string(text), Readme(all)) {
		t.Errorf("the README does not have this (%v):\n%s", err, Readme(all))
	}
	for _, p := range told {
		for _, what := range p.whats {
			if !slices.ContainsFunc(all[p.program].Figures, func(f Figure) bool { return f.What == what }) {
				t.Errorf("%s did not see: %s", p.program, what)
			}
		}
	}
}
