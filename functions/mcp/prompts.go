package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/rbac"
)

// promptSpec is a prompt about one pet: its record goes along as a resource, marked off from the instructions.
type promptSpec struct {
	name, title, description string
	concern                  bool // has the argument "concern"
	text                     func(pet, concern string) string
}

const maxConcern = 500 // characters

var prompts = []promptSpec{
	{"prepare_for_visit", "Prepare for a visit to the vet", "Helps to get ready for an appointment: what to bring, what to watch for, what to ask.", true,
		func(pet, concern string) string {
			text := fmt.Sprintf("Help me prepare for %s's next visit to the vet. Use the record above. ", pet)
			if concern != "" {
				text += fmt.Sprintf("My concern is: %s. ", strings.TrimRight(concern, ". "))
			}
			return text + "Tell me what to bring and what to observe until then, list the questions that I should ask, and say which vaccinations are due. " +
				"Look up articles with search_pet_health where they help. If it sounds like an emergency, say so first."
		}},
	{"explain_vaccination_plan", "Explain a vaccination plan", "Explains a pet's vaccinations in plain words: what each protects from, and what is due when.", false,
		func(pet, _ string) string {
			return fmt.Sprintf("Explain %s's vaccination plan to me in plain words, from the record above: what each vaccine protects from, which were given, "+
				"which is due next and when, and what happens if it is late. Use search_pet_health for background and do not invent dates.", pet)
		}},
}

func (t *tools) addPrompts(s *sdk.Server) {
	for _, p := range prompts {
		args := []*sdk.PromptArgument{{Name: "pet", Title: "Pet", Description: "Name or id of the pet", Required: true}}
		if p.concern {
			args = append(args, &sdk.PromptArgument{Name: "concern", Title: "Concern", Description: "What you are worried about, if anything"})
		}
		s.AddPrompt(&sdk.Prompt{Name: p.name, Title: p.title, Description: p.description, Arguments: args, Meta: sdk.Meta{"vetassist/scope": rbac.PetProfileRead}},
			func(ctx context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
				res, err := t.prompt(ctx, p, req.Params.Arguments)
				if err != nil {
					return nil, t.wire(ctx, "prompts/get", err)
				}
				return res, nil
			})
	}
}

func (t *tools) prompt(ctx context.Context, p promptSpec, args map[string]string) (*sdk.GetPromptResult, error) {
	who := callerFrom(ctx)
	if err := t.policy.check(ctx, who, rbac.PetProfileRead); err != nil {
		return nil, err
	}
	concern := strings.TrimSpace(args["concern"])
	if utf8.RuneCountInString(concern) > maxConcern {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("The concern is longer than %d characters.", maxConcern)}
	}
	pet, err := t.clinic.Pet(ctx, who.actor(), args["pet"])
	if err != nil {
		return nil, err
	}
	plan, _, err := t.vaccinationInfo(ctx, who.actor(), petIn{pet.ID})
	if err != nil {
		return nil, err
	}
	record, err := json.MarshalIndent(struct {
		Pet          petOut          `json:"pet"`
		Vaccinations vaccinationInfo `json:"vaccinations"`
	}{t.petOut(pet), plan}, "", "  ")
	if err != nil {
		return nil, err
	}
	return &sdk.GetPromptResult{Description: p.description, Messages: []*sdk.PromptMessage{
		{Role: "user", Content: &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: petURI(pet.ID), MIMEType: jsonType, Text: string(record)}}},
		{Role: "user", Content: &sdk.TextContent{Text: p.text(pet.Name, concern)}},
	}}, nil
}
