package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed templates/*.html static/*
var shared embed.FS

// Pages renders a function's HTML pages inside the common layout and serves the files that they load.
type Pages struct {
	prefix string
	pages  map[string]func() (*template.Template, error)
	assets map[string][]byte
	hashes map[string]string
	module string // names all assets as they are together
}

// NewPages reads files/pages/*.html and files/static/*, of which either may be missing. A page defines the
// template "main", and may define "head" (scripts) and "nav" (right-hand side of the header). What several pages share is in files/pages/parts. prefix is the path
// under which AssetsPattern is mounted, such as "/oauth"; each function serves its own, so that each can have an
// origin of its own.
func NewPages(prefix string, files fs.FS) (*Pages, error) {
	p := &Pages{prefix: prefix, pages: map[string]func() (*template.Template, error){}, assets: map[string][]byte{}, hashes: map[string]string{}}
	for _, source := range []fs.FS{shared, files} {
		names, err := fs.Glob(source, "static/*")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			body, err := fs.ReadFile(source, name)
			if err != nil {
				return nil, err
			}
			sum := sha256.Sum256(body)
			p.assets[path.Base(name)], p.hashes[path.Base(name)] = body, hex.EncodeToString(sum[:6])
		}
	}
	p.module = p.together()
	layout := sync.OnceValues(func() (*template.Template, error) { return p.layout(files) })
	for _, from := range []struct {
		source  fs.FS
		pattern string
	}{{shared, "templates/error.html"}, {files, "pages/*.html"}} {
		names, err := fs.Glob(from.source, from.pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			p.pages[path.Base(name)] = sync.OnceValues(func() (*template.Template, error) {
				t, err := layout()
				if err != nil {
					return nil, err
				}
				if t, err = t.Clone(); err != nil {
					return nil, err
				}
				return t.ParseFS(from.source, name)
			})
		}
	}
	return p, nil
}

// layout is what surrounds every page, with the parts that several share.
func (p *Pages) layout(files fs.FS) (*template.Template, error) {
	layout, err := template.New("layout.html").Funcs(template.FuncMap{"asset": p.asset, "module": p.moduleURL}).ParseFS(shared, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	if parts, err := fs.Glob(files, "pages/parts/*.html"); err != nil || len(parts) == 0 {
		return layout, err
	}
	return layout.ParseFS(files, "pages/parts/*.html")
}

// page is the template of a page, read when it is first shown: a function that starts to answer one request shows one page at most.
func (p *Pages) page(name string) (*template.Template, error) {
	read, ok := p.pages[name]
	if !ok {
		return nil, fmt.Errorf("web: no page %q", name)
	}
	return read()
}

// Check reads all pages and says what is wrong with the first that cannot be read. It is for tests.
func (p *Pages) Check() error {
	for _, name := range slices.Sorted(maps.Keys(p.pages)) {
		if _, err := p.page(name); err != nil {
			return err
		}
	}
	return nil
}

// asset is the URL of a static file; it changes when the file does, so it may be cached for a year.
func (p *Pages) asset(name string) (string, error) {
	h, ok := p.hashes[name]
	if !ok {
		return "", fmt.Errorf("web: no asset %q", name)
	}
	return p.prefix + "/assets/" + name + "?v=" + h, nil
}

// together is a hash of all assets.
func (p *Pages) together() string {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.hashes)) {
		fmt.Fprintln(all, name, p.hashes[name])
	}
	return hex.EncodeToString(all.Sum(nil)[:6])
}

// moduleURL is the URL of a script that imports others. A relative import takes over the folder of an address but not its
// query, so here the hash is a folder, of all assets together: "./dom.js" is then as fresh as who imports it, a page never
// runs half of one release and half of another, and all of it may be cached for a year. (An import map would do too, but it
// is an inline script, which the Content-Security-Policy forbids.)
func (p *Pages) moduleURL(name string) (string, error) {
	if _, ok := p.hashes[name]; !ok {
		return "", fmt.Errorf("web: no asset %q", name)
	}
	return p.prefix + "/assets/" + p.module + "/" + name, nil
}

// Module is the URL of a script that imports others, for who loads it from elsewhere than our pages.
func (p *Pages) Module(name string) (string, error) { return p.moduleURL(name) }

// Page is what the layout needs, besides the data of the page itself.
type Page struct {
	Title  string
	Data   any
	NoHTML bool // the page's scripts build elements and never write HTML; the browser holds them to it
}

// Render writes a page with the security headers of SecurePage. When it returns an error, nothing was written.
func (p *Pages) Render(w http.ResponseWriter, status int, name string, page Page) error {
	t, err := p.page(name)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, page); err != nil {
		return err
	}
	SecurePage(w)
	if page.NoHTML {
		w.Header().Add("Content-Security-Policy", noHTML)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(buf.Bytes()) // what fails here is the caller's connection
	return nil
}

// Fragment renders one template of a page alone, for scripts that insert it; the layout is left out.
func (p *Pages) Fragment(page, name string, data any) (string, error) {
	t, err := p.page(page)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	err = t.ExecuteTemplate(&buf, name, data)
	return buf.String(), err
}

// ErrorPage is what a person reads when something cannot go on.
type ErrorPage struct {
	Title   string
	Message string // what happened, in plain words
	Next    string // what the person can do now
	Detail  string // optional: for whoever wrote the program that sent them here, such as an OAuth error code
	Link    string // optional: where to go on
	Label   string // text of the link
}

// RenderError writes an ErrorPage.
func (p *Pages) RenderError(w http.ResponseWriter, status int, e ErrorPage) error {
	return p.Render(w, status, "error.html", Page{Title: e.Title, Data: e})
}

// AssetsPattern is the mux pattern of Assets, such as "GET /oauth/assets/{file}".
func (p *Pages) AssetsPattern() string { return "GET " + p.prefix + "/assets/{file}" }

// ModulesPattern is the mux pattern of Assets for scripts that import each other, such as "GET /admin/assets/{module}/{file}".
func (p *Pages) ModulesPattern() string { return "GET " + p.prefix + "/assets/{module}/{file}" }

// Assets serves the static files.
func (p *Pages) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		body, ok := p.assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch folder := r.PathValue("module"); {
		case folder == p.module, folder == "" && r.URL.Query().Get("v") == p.hashes[name]:
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		case folder == "":
			w.Header().Set("Cache-Control", "public, max-age=300")
		default: // of a page from before an update; what is here now must not stay under that address
			w.Header().Set("Cache-Control", "no-store")
		}
		http.ServeContent(w, r, strings.ToLower(name), time.Time{}, bytes.NewReader(body))
	})
}
