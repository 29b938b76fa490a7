package table

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A Page is one of those whose requirements are counted.
type Page struct {
	Prefix string // of the ids of its requirements
	File   string // in the repository of the specification
	URL    string
}

// Pages are in the order of the README.
var Pages = []Page{
	{"AUTH", "docs/specification/2026-07-28/basic/authorization/index.mdx", "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization"},
	{"REG", "docs/specification/2026-07-28/basic/authorization/client-registration.mdx", "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration"},
	{"DISC", "docs/specification/2026-07-28/basic/authorization/authorization-server-discovery.mdx", "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery"},
	{"SEC", "docs/specification/2026-07-28/basic/authorization/security-considerations.mdx", "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/security-considerations"},
	{"BEST", "docs/docs/2026-07-28/tutorials/security/security_best_practices.mdx", "https://modelcontextprotocol.io/docs/2026-07-28/tutorials/security/security_best_practices"},
}

// A Requirement is a sentence that says MUST, SHOULD, MAY or the like (BCP 14: in capitals), or an item of a list or a row of a table
// that such a sentence introduces: "MCP proxy servers MUST:" says nothing, its six items do.
type Requirement struct {
	ID      string
	Level   string // "MUST", or "MUST, MUST NOT" of a sentence that says both
	Section string // the anchor of the heading that it stands below
	Hash    string // of its text and of the sentence that introduces it
	Words   string // how it begins, for a reader of the list

	text string
}

// level finds the words of BCP 14. They count in capitals only (RFC 8174), bold or not.
var level = regexp.MustCompile(`\b(MUST NOT|SHALL NOT|SHOULD NOT|NOT RECOMMENDED|MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b`)

// Extract finds the requirements of a page, without ids, in their order. The count is that of the words of BCP 14 on the page outside of
// examples; an error says that some of them ended up in no requirement.
func Extract(page string) (found []Requirement, words int, err error) {
	var intro, section string // the sentence that introduces the list or table that may follow, and where it stands
	inside := 0
	for _, b := range blocks(page) {
		if b.section != section {
			intro, section = "", b.section
		}
		words += len(level.FindAllString(b.text, -1))
		parts := sentences(b.text)
		own := level.MatchString(b.text)
		if b.item && !own {
			// Without a word of its own, an item has that of the sentence before the list.
			if levels := level.FindAllString(intro, -1); levels != nil {
				found = append(found, requirement(b.section, intro, b.text, levels[len(levels)-1:]))
			}
			continue
		}
		before := ""
		if b.item {
			before = intro
		} else {
			intro = ""
			if last := len(parts) - 1; strings.HasSuffix(parts[last], ":") {
				intro = parts[last]
			}
		}
		for _, s := range parts {
			levels := level.FindAllString(s, -1)
			inside += len(levels)
			// "MCP proxy servers MUST:" is no requirement; its items are.
			if levels != nil && !(s == intro && strings.HasSuffix(s, levels[len(levels)-1]+":")) {
				found = append(found, requirement(b.section, before, s, levels))
			}
		}
	}
	if inside != words {
		return nil, words, fmt.Errorf("%d words like MUST are on the page, and %d in its requirements", words, inside)
	}
	seen := map[string]string{}
	for _, r := range found {
		if text, twice := seen[r.Hash]; twice {
			return nil, words, fmt.Errorf("two requirements are the same: %s", text)
		}
		seen[r.Hash] = r.text
	}
	return found, words, nil
}

func requirement(section, intro, text string, levels []string) Requirement {
	slices.Sort(levels)
	sum := sha256.Sum256([]byte(intro + "\n" + text))
	begins := strings.Fields(text)
	if len(begins) > 8 {
		begins = append(begins[:8:8], "…")
	}
	return Requirement{
		Level:   strings.Join(slices.Compact(levels), ", "),
		Section: section,
		Hash:    fmt.Sprintf("%x", sum[:8]),
		Words:   strings.Join(begins, " "),
		text:    strings.TrimSpace(intro + " " + text),
	}
}

// Text is the requirement in full, after the sentence that introduces it. Only a fresh extract has it.
func (r Requirement) Text() string { return r.text }

// A block is a paragraph, an item of a list with all that is indented below it, or a row of a table.
type block struct {
	section, text string
	item          bool
}

var (
	heading   = regexp.MustCompile(`^(#{1,6}) +(.+)$`)
	bullet    = regexp.MustCompile(`^(?:[-*]|\d+\.) +`)
	tag       = regexp.MustCompile(`^\s*</?[A-Za-z][^>]*>\s*$`)
	reference = regexp.MustCompile(`^\[[^\]]+\]: `)
	ruler     = regexp.MustCompile(`^\|[ :|-]+\|$`)
	link      = regexp.MustCompile(`\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])`)
	spaces    = regexp.MustCompile(`\s+`)
)

// blocks reads as much of Markdown as the pages use. Examples between fences are no text of the specification.
func blocks(page string) []block {
	var (
		all     []block
		section string
		above   [7]string // the section at each depth
		lines   []string
		item    bool
		fenced  bool
		head    bool // the next row of a table is its heading
		blank   = true
	)
	flush := func() {
		if text := clean(lines); text != "" {
			all = append(all, block{section, text, item})
		}
		lines, item = nil, false
	}
	if rest, ok := strings.CutPrefix(page, "---\n"); ok { // its title and such
		_, page, _ = strings.Cut(rest, "\n---\n")
	}
	titles := map[string]int{}
	for line := range strings.Lines(page) {
		if m := heading.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			titles[m[2]]++
		}
	}
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, " \r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if fenced || reference.MatchString(line) {
			continue
		}
		if tag.MatchString(line) { // a note that begins or ends
			flush()
			continue
		}
		line = strings.TrimPrefix(line, "> ")
		indented := strings.HasPrefix(line, "  ")
		switch m := heading.FindStringSubmatch(line); {
		case m != nil:
			flush()
			depth := len(m[1])
			section = anchor(m[2])
			if titles[m[2]] > 1 { // "Mitigation" is a heading of every chapter: the chapter is the better link
				section = above[depth-1]
			}
			for i := depth; i < len(above); i++ {
				above[i] = section
			}
		case strings.HasPrefix(line, "|"):
			flush()
			if !ruler.MatchString(line) {
				if head {
					lines, item = []string{strings.ReplaceAll(strings.Trim(line, "|"), "|", "·")}, true
					flush()
				}
				head = true
			}
			blank = false
			continue
		case line == "":
			if item {
				lines = append(lines, "\n") // what is indented below belongs to the item, but is a sentence of its own
			} else {
				flush()
			}
		case bullet.MatchString(line):
			flush()
			lines, item = []string{bullet.ReplaceAllString(line, "")}, true
		case item && blank && !indented:
			flush()
			lines = []string{line}
		default:
			lines = append(lines, line)
		}
		head = false
		blank = line == ""
	}
	flush()
	return all
}

// clean leaves the words: no emphasis, no target of a link, one space between words. A blank line inside of an item stays as a line break.
func clean(lines []string) string {
	var paragraphs []string
	for p := range strings.SplitSeq(strings.Join(lines, "\n"), "\n\n") {
		p = link.ReplaceAllString(p, "$1")
		p = strings.ReplaceAll(p, "**", "")
		if p = strings.TrimSpace(spaces.ReplaceAllString(p, " ")); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return strings.Join(paragraphs, "\n")
}

// sentences splits a text where a full stop and a space come before a capital. "e.g." ends no sentence.
func sentences(text string) []string {
	var parts []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		start := 0
		for i := range len(paragraph) - 2 {
			if paragraph[i] == '.' && paragraph[i+1] == ' ' && unicode.IsUpper(rune(paragraph[i+2])) &&
				!strings.HasSuffix(paragraph[:i], "e.g") && !strings.HasSuffix(paragraph[:i], "i.e") {
				parts = append(parts, paragraph[start:i+1])
				start = i + 2
			}
		}
		parts = append(parts, paragraph[start:])
	}
	return parts
}

// anchor is the link to a heading, as the site makes it.
func anchor(title string) string {
	keep := func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}
	return strings.Map(keep, strings.TrimSpace(title))
}

// Link is where a requirement stands.
func (r Requirement) Link() string {
	for _, p := range Pages {
		if p.Prefix == r.Prefix() {
			return strings.TrimSuffix(p.URL+"#"+r.Section, "#")
		}
	}
	return ""
}

// Prefix names the page that a requirement stands on.
func (r Requirement) Prefix() string {
	prefix, _, _ := strings.Cut(r.ID, "-")
	return prefix
}
