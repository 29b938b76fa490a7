package table

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A List is what requirements.tsv holds: every requirement of the pages, as they were at a commit of the specification's repository. It
// has no text but the first words: the pages stay where they are.
type List struct {
	Commit       string
	Requirements []Requirement
}

const repository = "https://github.com/modelcontextprotocol/modelcontextprotocol"

// ReadList reads requirements.tsv.
func ReadList(file string) (List, error) {
	f, err := os.Open(file)
	if err != nil {
		return List{}, err
	}
	defer f.Close()
	var list List
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if commit, ok := strings.CutPrefix(lines.Text(), "# "+repository+" "); ok {
			list.Commit = commit
		}
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 5 {
			return List{}, fmt.Errorf("%s: not five fields: %q", file, lines.Text())
		}
		list.Requirements = append(list.Requirements, Requirement{ID: fields[0], Level: fields[1], Section: fields[2], Hash: fields[3], Words: fields[4]})
	}
	return list, nil
}

// Write writes requirements.tsv.
func (l List) Write(file string) error {
	var b strings.Builder
	b.WriteString("# Made by \"go run ./scripts/conformance/extract -write\" from\n")
	b.WriteString("# " + repository + " " + l.Commit + "\n")
	b.WriteString("# id, word, section, hash of the sentence, how it begins\n")
	for _, r := range l.Requirements {
		b.WriteString(strings.Join([]string{r.ID, r.Level, r.Section, r.Hash, r.Words}, "\t") + "\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// FromGit extracts the list afresh from a clone of the specification's repository. A requirement that is in the old list keeps its id;
// a new one gets a number that the old list does not have.
func FromGit(dir, revision string, old List) (fresh List, words map[string]int, err error) {
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
		if err != nil {
			return "", fmt.Errorf("git -C %s %s: %w", dir, strings.Join(args, " "), err)
		}
		return string(out), nil
	}
	commit, err := git("rev-parse", "--verify", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return List{}, nil, err
	}
	fresh.Commit = strings.TrimSpace(commit)
	words = map[string]int{}
	for _, p := range Pages {
		page, err := git("show", fresh.Commit+":"+p.File)
		if err != nil {
			return List{}, nil, err
		}
		found, n, err := Extract(page)
		if err != nil {
			return List{}, nil, fmt.Errorf("%s: %w", p.File, err)
		}
		words[p.Prefix] = n
		fresh.Requirements = append(fresh.Requirements, numbered(p.Prefix, found, old)...)
	}
	return fresh, words, nil
}

func numbered(prefix string, found []Requirement, old List) []Requirement {
	ids, last := map[string]string{}, 0
	for _, r := range old.Requirements {
		var n int
		if _, err := fmt.Sscanf(r.ID, prefix+"-%d", &n); err == nil {
			ids[r.Hash] = r.ID
			last = max(last, n)
		}
	}
	for i := range found {
		if found[i].ID = ids[found[i].Hash]; found[i].ID == "" {
			last++
			found[i].ID = fmt.Sprintf("%s-%d", prefix, last)
		}
	}
	return found
}

// Differences says, a line each, what is in one list and not in the other, or stands elsewhere or says another word.
func Differences(old, fresh List) []string {
	var lines []string
	was := map[string]Requirement{}
	for _, r := range old.Requirements {
		was[r.ID] = r
	}
	for _, r := range fresh.Requirements {
		switch o, known := was[r.ID]; {
		case !known:
			lines = append(lines, fmt.Sprintf("new: %s %s #%s: %s", r.ID, r.Level, r.Section, r.Text()))
		case o.Section != r.Section || o.Level != r.Level:
			lines = append(lines, fmt.Sprintf("moved: %s %s #%s, was %s #%s", r.ID, r.Level, r.Section, o.Level, o.Section))
		}
		delete(was, r.ID)
	}
	for _, r := range old.Requirements {
		if _, gone := was[r.ID]; gone {
			lines = append(lines, fmt.Sprintf("gone: %s %s #%s: %s", r.ID, r.Level, r.Section, r.Words))
		}
	}
	return lines
}
