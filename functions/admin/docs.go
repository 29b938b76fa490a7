package admin

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/vetassist/vetassist/shared/web"
)

// docs serves the description of the API, for programs and for people. Both are made of the same document.
type docs struct {
	pages   func() (*web.Pages, error)
	openapi func() ([]byte, error)
	log     *slog.Logger
	view    func() (docsView, error)
}

// docsView is what docs.html shows.
type docsView struct {
	Address string
	About   []string
	Groups  []docsGroup
}

type docsGroup struct {
	Name, ID, Description string
	Operations            []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Parameters                                    []docsField
	Request                                       []docsField
	Responses                                     []docsResponse
}

type docsResponse struct {
	Status, Description string
	Fields              []docsField
}

// docsField is a parameter, or a field of a body; those of an object within come after it, with a longer name.
type docsField struct {
	Name, Type, Description string
	Required                bool
}

// The parts of an OpenAPI document that the page shows.
type (
	openAPI struct {
		Info  struct{ Description string }
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]struct {
			OperationID string
			Summary     string
			Description string
			Tags        []string
			Security    []map[string][]string
			Parameters  []struct {
				Name, In, Description string
				Required              bool
				Schema                schema
			}
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
			Responses map[string]struct {
				Description string
				Content     map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	schema struct {
		Ref         string `json:"$ref"`
		Type        any    // a name, or names
		Format      string
		Description string
		Enum        []any
		Items       *schema
		Properties  map[string]schema
		Required    []string
	}
)

// newDocs makes nothing of the document before somebody asks for it.
func newDocs(baseURL string, openapi func() ([]byte, error), log *slog.Logger) *docs {
	return &docs{
		pages:   sync.OnceValues(func() (*web.Pages, error) { return web.NewPages("/admin", consoleFiles) }),
		openapi: openapi, log: log,
		view: sync.OnceValues(func() (docsView, error) {
			description, err := openapi()
			if err != nil {
				return docsView{}, err
			}
			var doc openAPI
			err = json.Unmarshal(description, &doc)
			return doc.view(baseURL + versionPath), err
		}),
	}
}

func (d *docs) document(w http.ResponseWriter, r *http.Request) {
	description, err := d.openapi()
	if err != nil {
		web.Fail(w, r, d.log, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Access-Control-Allow-Origin", "*") // no secret in it, and tools read it from a browser
	w.Write(description)                               // what fails here is the caller's connection
}

func (d *docs) page(w http.ResponseWriter, r *http.Request) {
	view, err := d.view()
	if err != nil {
		web.Fail(w, r, d.log, err)
		return
	}
	pages, err := d.pages()
	if err == nil {
		err = pages.Render(w, http.StatusOK, "docs.html", web.Page{Title: "Admin API", Data: view})
	}
	if err != nil {
		web.Fail(w, r, d.log, err)
	}
}

func (doc openAPI) view(address string) docsView {
	v := docsView{Address: address, About: strings.Split(doc.Info.Description, "\n\n")}
	for _, tag := range doc.Tags {
		g := docsGroup{Name: tag.Name, ID: strings.ToLower(strings.ReplaceAll(tag.Name, " ", "-")), Description: tag.Description}
		for path, methods := range doc.Paths {
			for method, op := range methods {
				if !slices.Contains(op.Tags, tag.Name) {
					continue
				}
				o := docsOperation{ID: op.OperationID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Description: op.Description}
				for _, s := range op.Security {
					o.Scope = strings.Join(s["oauth"], " ")
				}
				for _, p := range op.Parameters {
					o.Parameters = append(o.Parameters, docsField{p.Name + " (" + p.In + ")", doc.typeOf(p.Schema), p.Description, p.Required})
				}
				for _, content := range op.RequestBody.Content {
					o.Request = doc.fields("", content.Schema, 0)
				}
				for status, r := range op.Responses {
					if status[0] != '2' {
						continue
					}
					response := docsResponse{Status: status, Description: r.Description}
					for _, content := range r.Content {
						response.Fields = doc.fields("", content.Schema, 0)
					}
					o.Responses = append(o.Responses, response)
				}
				slices.SortFunc(o.Responses, func(x, y docsResponse) int { return -cmp.Compare(x.Status, y.Status) })
				g.Operations = append(g.Operations, o)
			}
		}
		order := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
		slices.SortFunc(g.Operations, func(x, y docsOperation) int {
			return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(slices.Index(order, x.Method), slices.Index(order, y.Method)))
		})
		v.Groups = append(v.Groups, g)
	}
	return v
}

const maxDepth = 4 // of objects within objects; none of ours is deeper

// fields lists what an object holds, by name.
func (doc openAPI) fields(prefix string, s schema, depth int) []docsField {
	s = doc.resolve(s)
	if s.Items != nil {
		return doc.fields(prefix+"[]", *s.Items, depth)
	}
	var out []docsField
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := s.Properties[name]
		full := strings.TrimPrefix(prefix+"."+name, ".")
		out = append(out, docsField{full, doc.typeOf(p), cmp.Or(p.Description, doc.resolve(p).Description), slices.Contains(s.Required, name)})
		if depth < maxDepth {
			out = append(out, doc.fields(full, p, depth+1)...)
		}
	}
	return out
}

func (doc openAPI) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return doc.Components.Schemas[name]
	}
	return s
}

func (doc openAPI) typeOf(s schema) string {
	s = doc.resolve(s)
	name, _ := s.Type.(string)
	if several, ok := s.Type.([]any); ok {
		var all []string
		for _, t := range several {
			text, _ := t.(string)
			all = append(all, text)
		}
		name = strings.Join(all, " or ")
	}
	switch {
	case s.Items != nil:
		return "list of " + doc.typeOf(*s.Items)
	case len(s.Enum) > 0:
		var all []string
		for _, e := range s.Enum {
			text, _ := e.(string)
			all = append(all, text)
		}
		return strings.Join(all, " | ")
	case s.Format != "":
		return cmp.Or(map[string]string{"date-time": "time", "int64": "number"}[s.Format], name)
	}
	return name
}
