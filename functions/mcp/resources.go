package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/rbac"
)

const (
	petTemplate     = "vetassist://pets/{id}"
	articleTemplate = "vetassist://knowledge/{slug}"
	jsonType        = "application/json"
	markdown        = "text/markdown"
)

func petURI(id string) string       { return "vetassist://pets/" + id }
func articleURI(slug string) string { return "vetassist://knowledge/" + slug }

func (t *tools) addResources(s *sdk.Server) {
	s.AddResourceTemplate(&sdk.ResourceTemplate{Name: "pet", Title: "Pet record", URITemplate: petTemplate, MIMEType: jsonType,
		Description: "The record of one of the user's pets, by its id.", Meta: sdk.Meta{"vetassist/scope": rbac.PetProfileRead}}, t.readPet)
	s.AddResourceTemplate(&sdk.ResourceTemplate{Name: "article", Title: "Pet health article", URITemplate: articleTemplate, MIMEType: markdown,
		Description: "An article of the clinic's knowledge base, by its slug. search_pet_health finds them."}, t.readArticle)
}

// listResources answers resources/list in the place of the SDK, whose list is the same for everybody: the pets that this
// person may see, then the articles.
func (t *tools) listResources(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		list, ok := req.(*sdk.ListResourcesRequest)
		if !ok || method != "resources/list" {
			return next(ctx, method, req)
		}
		cursor := ""
		if list.Params != nil {
			cursor = list.Params.Cursor
		}
		res := &sdk.ListResourcesResult{Resources: []*sdk.Resource{}, Cacheable: sdk.Cacheable{CacheScope: "private"}}
		who := callerFrom(ctx)
		if rbac.Satisfies(who.Scopes(), []string{rbac.PetProfileRead}) {
			traceOwn(ctx, who.actor())
			pets, after, err := t.clinic.ListPets(ctx, who.actor(), clinic.PetFilter{Cursor: cursor})
			if err != nil {
				return nil, t.wire(ctx, method, err)
			}
			for _, p := range pets {
				res.Resources = append(res.Resources, &sdk.Resource{URI: petURI(p.ID), Name: p.ID, Title: p.Name, MIMEType: jsonType,
					Description: p.Species + " of " + p.Owner.Name})
			}
			if res.NextCursor = after; after != "" {
				return res, nil
			}
		} else if cursor != "" {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "This cursor is not one that an earlier page gave."}
		}
		for _, a := range t.lib.All() {
			res.Resources = append(res.Resources, &sdk.Resource{URI: articleURI(a.Slug), Name: a.Slug, Title: a.Title, MIMEType: markdown, Description: a.Summary})
		}
		return res, nil
	}
}

func (t *tools) readPet(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	who := callerFrom(ctx)
	if err := t.policy.check(ctx, who, rbac.PetProfileRead); err != nil {
		return nil, t.wire(ctx, "resources/read", err)
	}
	// By id only: a URI names one thing for everybody, a pet's name does not.
	id := strings.TrimPrefix(req.Params.URI, petURI(""))
	p, err := t.clinic.Pet(ctx, who.actor(), id)
	if err == nil && p.ID != id {
		return nil, sdk.ResourceNotFoundError(req.Params.URI)
	}
	if err != nil {
		if refused(err) {
			return nil, sdk.ResourceNotFoundError(req.Params.URI)
		}
		return nil, t.failed(ctx, "resources/read", err)
	}
	body, err := json.MarshalIndent(t.petOut(p), "", "  ")
	if err != nil {
		return nil, t.failed(ctx, "resources/read", err)
	}
	return &sdk.ReadResourceResult{
		Contents:  []*sdk.ResourceContents{{URI: req.Params.URI, MIMEType: jsonType, Text: string(body)}},
		Cacheable: sdk.Cacheable{CacheScope: "private"},
	}, nil
}

func (t *tools) readArticle(_ context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	a, ok := t.lib.Get(strings.TrimPrefix(req.Params.URI, articleURI("")))
	if !ok {
		return nil, sdk.ResourceNotFoundError(req.Params.URI)
	}
	return &sdk.ReadResourceResult{
		Contents:  []*sdk.ResourceContents{{URI: req.Params.URI, MIMEType: markdown, Text: "# " + a.Title + "\n\n" + a.Body}},
		Cacheable: sdk.Cacheable{CacheScope: "public", TTLMs: int(cacheTime.Milliseconds())},
	}, nil
}

// refused reports whether an error is a refusal by the clinic rather than a failure.
func refused(err error) bool {
	var e *clinic.Error
	return errors.As(err, &e)
}
