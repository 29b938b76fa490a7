package knowledge_test

import (
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
)

// What the clinic asks of every article.
func TestArticles(t *testing.T) {
	all := library(t).All()
	if len(all) < 28 {
		t.Errorf("%d articles", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b knowledge.Article) int { return strings.Compare(a.Slug, b.Slug) }) {
		t.Error("All is not sorted by slug")
	}
	files, err := fs.Glob(seed.Files, "knowledge/*.md")
	if err != nil || len(files) != len(all) {
		t.Errorf("%d articles in %d files, %v", len(all), len(files), err)
	}
	dose := regexp.MustCompile(`(?i)\d\s*(mg|ml|milligrams?|millilitres?|milliliters?)\b|per (kilo|pound|kg|lb)`)
	titles := map[string]string{}
	for _, a := range all {
		bad := func(format string, args ...any) { t.Helper(); t.Errorf(a.Slug+": "+format, args...) }
		if n := len(strings.Fields(a.Body)); n < 250 || n > 500 {
			bad("%d words, want 250 to 500", n)
		}
		if other := titles[a.Title]; other != "" {
			bad("the title is that of %s", other)
		}
		titles[a.Title] = a.Slug
		if len(a.Title) > 80 || len(a.Summary) > 160 || !strings.HasSuffix(a.Summary, ".") {
			bad("title or summary: %q, %q", a.Title, a.Summary)
		}
		if len(a.Species) == 0 || len(a.Topics) < 3 || hasDuplicates(a.Topics) || hasDuplicates(a.Species) {
			bad("species %v, topics %v", a.Species, a.Topics)
		}
		_, urgent, ok := strings.Cut(a.Body, "\n## When to call us at once\n")
		if !ok || !strings.Contains(urgent, "all ") || strings.Contains(urgent, "\n## ") {
			bad("the last section says when to call at once")
		}
		if m := dose.FindString(a.Body); m != "" {
			bad("%q looks like a dose", m)
		}
		if strings.Contains(a.Body, "<") || strings.HasPrefix(a.Body, "#") {
			bad("HTML, or no opening paragraph")
		}
	}
}

func hasDuplicates(list []string) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) != len(list)
}

const sound = "---\ntitle: Fleas\nsummary: About fleas.\nspecies: [dog, cat]\ntopics: [fleas, wet dog]\n---\nFleas jump: far.\n"

func TestLoad(t *testing.T) {
	want := knowledge.Article{Slug: "fleas", Title: "Fleas", Summary: "About fleas.", Species: []string{"dog", "cat"},
		Topics: []string{"fleas", "wet dog"}, Body: "Fleas jump: far."}
	for name, text := range map[string]string{
		"as written":   sound,
		"Windows line": strings.ReplaceAll(sound, "\n", "\r\n"),
		"other order": "---\ntopics: [ fleas ,wet dog]\ntitle:Fleas\nspecies: [dog, cat]\nsummary:   About fleas. \n---\n\n" +
			"Fleas jump: far.",
	} {
		l, err := knowledge.Load(fstest.MapFS{"knowledge/fleas.md": {Data: []byte(text)}, "knowledge/readme.txt": {}, "people.json": {}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := l.All(); len(got) != 1 || !equal(got[0], want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func equal(a, b knowledge.Article) bool {
	return a.Slug == b.Slug && a.Title == b.Title && a.Summary == b.Summary && a.Body == b.Body &&
		slices.Equal(a.Species, b.Species) && slices.Equal(a.Topics, b.Topics)
}

func TestLoadRefuses(t *testing.T) {
	swap := func(from, to string) string { return strings.Replace(sound, from, to, 1) }
	for _, tt := range []struct{ name, file, text, want string }{
		{"no front matter", "a.md", "Fleas jump.", `knowledge/a.md:1: the first line must be "---"`},
		{"empty file", "a.md", "", `knowledge/a.md:1: the first line must be "---"`},
		{"front matter not closed", "a.md", "---\ntitle: A\n", `knowledge/a.md:1: the front matter has no closing "---"`},
		{"no colon", "a.md", swap("title: Fleas", "title Fleas"), `knowledge/a.md:2: "title Fleas" is not "key: value"`},
		{"unknown key", "a.md", swap("summary", "sumary"), `knowledge/a.md:3: unknown key "sumary"`},
		{"twice", "a.md", swap("summary: About fleas.", "title: More"), `knowledge/a.md:3: title is given twice`},
		{"list twice", "a.md", swap("topics:", "species:"), `knowledge/a.md:5: species is given twice`},
		{"missing", "a.md", swap("summary: About fleas.\n", ""), `knowledge/a.md:5: title, summary, species and topics are all needed`},
		{"no value", "a.md", swap(" About fleas.", ""), `knowledge/a.md:3: summary needs a value`},
		{"long value", "a.md", swap("About", strings.Repeat("x", 300)), `knowledge/a.md:3: summary needs a value, and a line has at most 200 bytes`},
		{"no list", "a.md", swap("[dog, cat]", "dog"), `knowledge/a.md:4: species: "dog" is not a list like [a, b]`},
		{"empty entry", "a.md", swap("[dog, cat]", "[dog,]"), `knowledge/a.md:4: species: an entry is empty`},
		{"long list", "a.md", swap("fleas,", strings.Repeat("a,", 30)), `knowledge/a.md:5: topics: more than 20 entries`},
		{"species", "a.md", swap("cat]", "unicorn]"), `knowledge/a.md:4: unknown species "unicorn"`},
		{"no text", "a.md", swap("Fleas jump: far.\n", "\n## A heading\n"), `knowledge/a.md: the article has no text`},
		{"file name", "Fleas_2.md", sound, `knowledge/Fleas_2.md: a file name is lower-case words`},
		{"not UTF-8", "a.md", sound + "\xff", `knowledge/a.md: not UTF-8`},
		{"too large", "a.md", sound + strings.Repeat("x", 1<<16), `knowledge/a.md: larger than 65536 bytes`},
		{"dead link", "a.md", sound + "[x](vetassist://knowledge/b)", `knowledge/a.md: the link [x](vetassist://knowledge/b) leads to no article`},
		{"foreign link", "a.md", sound + "[x](https://example.com/a)", `knowledge/a.md: the link [x](https://example.com/a) leads to no article`},
	} {
		_, err := knowledge.Load(fstest.MapFS{"knowledge/" + tt.file: {Data: []byte(tt.text)}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := knowledge.Load(fstest.MapFS{}); err == nil {
		t.Error("an empty folder is loaded")
	}
}

// FuzzLoad feeds any bytes to the front matter parser, the index and the excerpts.
func FuzzLoad(f *testing.F) {
	f.Add(sound, "fleas")
	f.Add("---\n---\n", "")
	f.Add(sound+"\n## A\n\n- b\n- \n\n**c**: `d`\n\n- e,\n", "d e")
	f.Add(sound+strings.Repeat("ö", 400), "wet dog")
	f.Fuzz(func(t *testing.T, text, query string) {
		l, err := knowledge.Load(fstest.MapFS{"knowledge/a.md": {Data: []byte(text)}})
		if err != nil {
			if l != nil || !strings.Contains(err.Error(), "knowledge/a.md") {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		a, ok := l.Get("a")
		if !ok || a.Title == "" || a.Summary == "" || len(a.Species) == 0 || len(a.Topics) == 0 || a.Body == "" {
			t.Errorf("loaded a broken article: %+v", a)
		}
		for _, q := range []string{query, a.Title, a.Topics[0]} {
			for _, h := range l.Search(q, 1) {
				if h.Excerpt == "" || len(h.Excerpt) > knowledge.MaxExcerpt {
					t.Errorf("excerpt %q", h.Excerpt)
				}
			}
		}
	})
}

// A library for later knows what one that was loaded at once knows, and reads nothing before it is asked.
func TestLater(t *testing.T) {
	now, err := knowledge.Load(seed.Files)
	if err != nil {
		t.Fatal(err)
	}
	later := knowledge.Later(seed.Files)
	first := now.All()[0]
	if got, ok := later.Get(first.Slug); !ok || !reflect.DeepEqual(got, first) {
		t.Errorf("%q: %+v", first.Slug, got)
	}
	if !reflect.DeepEqual(later.All(), now.All()) || !reflect.DeepEqual(later.Search("vaccination", 3), now.Search("vaccination", 3)) {
		t.Error("it knows something else")
	}
	broken := knowledge.Later(fstest.MapFS{}) // nothing happens yet
	defer func() {
		if recover() == nil {
			t.Error("a library without articles answers")
		}
	}()
	broken.All()
}
