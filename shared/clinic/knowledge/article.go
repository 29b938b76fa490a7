package knowledge

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Article is one text of the knowledge base.
type Article struct {
	// Slug is the name of the article's file without its ending: lower-case words joined by hyphens.
	Slug string
	// Title and Summary are one line of plain text each.
	Title, Summary string
	// Species are those that the article is about: dog, cat, rabbit, ferret.
	Species []string
	// Topics are key words and phrases, some in a pet owner's words. The search trusts them like the title.
	Topics []string
	// Body is Markdown without the front matter: headings, paragraphs, one level of lists, links by LinkPrefix.
	Body string
}

// LinkPrefix, followed by a slug, is how one article links to another.
const LinkPrefix = "vetassist://knowledge/"

// maxArticle is the largest file that Load reads, in bytes.
const maxArticle = 64 << 10

var (
	slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	linkForm = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)
	species  = []string{"dog", "cat", "rabbit", "ferret"}
)

// Library holds the articles and their index. It is made by Load and never changes.
type Library struct {
	articles []Article     // sorted by slug
	index    func() *index // made at the first search: most cold starts of a Lambda function never search
	later    func() *Library
}

// Later is a library that is loaded when somebody first asks it something: to read and check the articles takes longer than all else in the
// start of a function. The files are those of our own program and tests load them; should they be wrong nevertheless, what asks panics.
func Later(fsys fs.FS) *Library {
	return &Library{later: sync.OnceValue(func() *Library {
		l, err := Load(fsys)
		if err != nil {
			panic(err)
		}
		return l
	})}
}

func (l *Library) loaded() *Library {
	if l.later != nil {
		return l.later()
	}
	return l
}

// Load reads every knowledge/*.md of fsys. It refuses all of them if one is broken: an article that silently went
// missing would be found much later. The error names the file, and the line where there is one.
func Load(fsys fs.FS) (*Library, error) {
	names, err := fs.Glob(fsys, "knowledge/*.md")
	if err != nil {
		return nil, fmt.Errorf("knowledge: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("knowledge: no articles: knowledge/*.md matches nothing")
	}
	l := &Library{articles: make([]Article, 0, len(names))}
	for _, name := range names {
		a, err := read(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("knowledge: %w", err)
		}
		l.articles = append(l.articles, a)
	}
	slices.SortFunc(l.articles, func(a, b Article) int { return strings.Compare(a.Slug, b.Slug) })
	for _, a := range l.articles {
		if err := l.check(a); err != nil {
			return nil, fmt.Errorf("knowledge: knowledge/%s.md: %w", a.Slug, err)
		}
	}
	l.index = sync.OnceValue(func() *index { return newIndex(l.articles) })
	return l, nil
}

func read(fsys fs.FS, name string) (Article, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return Article{}, err
	}
	if info.Size() > maxArticle {
		return Article{}, fmt.Errorf("%s: larger than %d bytes", name, maxArticle)
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Article{}, err
	}
	slug := strings.TrimSuffix(path.Base(name), ".md")
	if !slugForm.MatchString(slug) {
		return Article{}, fmt.Errorf("%s: a file name is lower-case words joined by hyphens", name)
	}
	if !utf8.Valid(b) {
		return Article{}, fmt.Errorf("%s: not UTF-8", name)
	}
	a, err := parse(name, string(b))
	a.Slug = slug
	return a, err
}

// check looks at what needs the other articles, or the text as a reader sees it.
func (l *Library) check(a Article) error {
	if len(blocks(a.Body)) == 0 {
		return fmt.Errorf("the article has no text")
	}
	for _, m := range linkForm.FindAllStringSubmatch(a.Body, -1) {
		slug, ours := strings.CutPrefix(m[2], LinkPrefix)
		if _, known := l.find(slug); !ours || !known {
			return fmt.Errorf("the link %s leads to no article", m[0])
		}
	}
	return nil
}

func (l *Library) find(slug string) (int, bool) {
	return slices.BinarySearchFunc(l.articles, slug, func(a Article, s string) int { return strings.Compare(a.Slug, s) })
}

// Get returns the article of that slug, and whether there is one.
func (l *Library) Get(slug string) (Article, bool) {
	l = l.loaded()
	i, ok := l.find(slug)
	if !ok {
		return Article{}, false
	}
	return l.articles[i].clone(), true
}

// All returns every article, sorted by slug.
func (l *Library) All() []Article {
	l = l.loaded()
	all := make([]Article, len(l.articles))
	for i, a := range l.articles {
		all[i] = a.clone()
	}
	return all
}

// clone keeps callers from writing into the library's slices.
func (a Article) clone() Article {
	a.Species, a.Topics = slices.Clone(a.Species), slices.Clone(a.Topics)
	return a
}
