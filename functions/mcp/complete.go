package mcp

import (
	"context"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/rbac"
)

const maxValues = 20 // MCP allows 100

// complete suggests pets that the person may see, and articles. Without the scope to see pets there are no suggestions: typing a
// letter is no moment to ask for consent.
func (t *tools) complete(ctx context.Context, req *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
	ref, arg := req.Params.Ref, req.Params.Argument
	if ref == nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "ref is missing"}
	}
	var values []string
	var err error
	prompt := slices.IndexFunc(prompts, func(p promptSpec) bool { return ref.Type == "ref/prompt" && p.name == ref.Name })
	switch {
	case prompt >= 0 && arg.Name == "pet":
		values, err = t.completePets(ctx, arg.Value, false)
	case prompt >= 0 && prompts[prompt].concern && arg.Name == "concern":
	case ref.Type == "ref/resource" && ref.URI == petTemplate && arg.Name == "id":
		values, err = t.completePets(ctx, arg.Value, true)
	case ref.Type == "ref/resource" && ref.URI == articleTemplate && arg.Name == "slug":
		for _, a := range t.lib.All() {
			if strings.HasPrefix(a.Slug, arg.Value) {
				values = append(values, a.Slug)
			}
		}
	default:
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "There is nothing by this name to complete."}
	}
	if err != nil {
		return nil, t.wire(ctx, "completion/complete", err)
	}
	more := len(values) > maxValues
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: append([]string{}, values[:min(len(values), maxValues)]...), HasMore: more}}, nil
}

func (t *tools) completePets(ctx context.Context, prefix string, ids bool) ([]string, error) {
	who := callerFrom(ctx)
	if !rbac.Satisfies(who.Scopes(), []string{rbac.PetProfileRead}) {
		return nil, nil
	}
	pets, err := t.clinic.CompletePets(ctx, who.actor(), prefix, maxValues+1)
	var values []string
	for i, p := range pets {
		// A name that two pets share would be ambiguous; they come next to each other.
		twin := i > 0 && pets[i-1].Name == p.Name || i+1 < len(pets) && pets[i+1].Name == p.Name
		if ids || twin {
			values = append(values, p.ID)
		} else {
			values = append(values, p.Name)
		}
	}
	return values, err
}
