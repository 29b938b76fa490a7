package knowledge

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of the front matter, in bytes and entries: what fits a search result.
const (
	maxLine   = 200
	maxTopics = 20
)

// parse reads an article: front matter between two lines of "---", then the body. The front matter is a fixed subset
// of YAML: the four keys title, summary (a line of text), species, topics ([a, b]), each once, in any order.
func parse(name, text string) (Article, error) {
	var a Article
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") // git may have checked out CRLF
	fail := func(i int, format string, args ...any) (Article, error) {
		return Article{}, fmt.Errorf("%s:%d: %s", name, i+1, fmt.Sprintf(format, args...))
	}
	if lines[0] != "---" {
		return fail(0, `the first line must be "---"`)
	}
	end := 1 + slices.Index(lines[1:], "---")
	if end == 0 {
		return fail(0, `the front matter has no closing "---"`)
	}
	texts := map[string]*string{"title": &a.Title, "summary": &a.Summary}
	lists := map[string]*[]string{"species": &a.Species, "topics": &a.Topics}
	for i, line := range lines[1:end] {
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok:
			return fail(i+1, `%q is not "key: value"`, line)
		case value == "" || len(line) > maxLine:
			return fail(i+1, "%s needs a value, and a line has at most %d bytes", key, maxLine)
		case texts[key] != nil && *texts[key] == "":
			*texts[key] = value
		case lists[key] != nil && *lists[key] == nil:
			list, err := parseList(value)
			if err != nil {
				return fail(i+1, "%s: %v", key, err)
			}
			*lists[key] = list
			foreign := func(s string) bool { return key == "species" && !slices.Contains(species, s) }
			if n := slices.IndexFunc(list, foreign); n >= 0 {
				return fail(i+1, "unknown species %q", list[n])
			}
		case texts[key] != nil || lists[key] != nil:
			return fail(i+1, "%s is given twice", key)
		default:
			return fail(i+1, "unknown key %q", key)
		}
	}
	if a.Title == "" || a.Summary == "" || a.Species == nil || a.Topics == nil {
		return fail(end, "title, summary, species and topics are all needed")
	}
	a.Body = strings.TrimSpace(strings.Join(lines[end+1:], "\n"))
	return a, nil
}

// parseList reads "[a, b]": 1 to maxTopics entries, none empty.
func parseList(value string) ([]string, error) {
	inner, open := strings.CutPrefix(value, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !open || !closed {
		return nil, fmt.Errorf("%q is not a list like [a, b]", value)
	}
	list := strings.Split(inner, ",")
	if len(list) > maxTopics {
		return nil, fmt.Errorf("more than %d entries", maxTopics)
	}
	for i := range list {
		if list[i] = strings.TrimSpace(list[i]); list[i] == "" {
			return nil, fmt.Errorf("an entry is empty")
		}
	}
	return list, nil
}
