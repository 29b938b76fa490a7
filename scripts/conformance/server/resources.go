package main

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

func addResources(s *sdk.Server) {
	add := func(uri, kind string, content func(uri string) *sdk.ResourceContents) {
		name := strings.NewReplacer("test://", "", "/{id}/data", "").Replace(uri)
		read := func(_ context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
			c := content(req.Params.URI)
			c.URI, c.MIMEType = req.Params.URI, kind
			return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{c}, Cacheable: sdk.Cacheable{CacheScope: "private"}}, nil
		}
		if strings.Contains(uri, "{") {
			s.AddResourceTemplate(&sdk.ResourceTemplate{Name: name, Description: "A template of the suite", URITemplate: uri, MIMEType: kind}, read)
			return
		}
		s.AddResource(&sdk.Resource{Name: name, Description: "A resource of the suite", URI: uri, MIMEType: kind}, read)
	}
	text := func(string) *sdk.ResourceContents {
		return &sdk.ResourceContents{Text: "This is the content of the static text resource."}
	}
	add("test://static-text", "text/plain", text)
	add("test://watched-resource", "text/plain", text)
	add("test://static-binary", "image/png", func(string) *sdk.ResourceContents { return &sdk.ResourceContents{Blob: picture} })
	add("test://template/{id}/data", "application/json", func(uri string) *sdk.ResourceContents {
		id := strings.TrimSuffix(strings.TrimPrefix(uri, "test://template/"), "/data")
		return &sdk.ResourceContents{Text: fmt.Sprintf(`{"id":%q,"templateTest":true,"data":"Data for ID: %s"}`, id, id)}
	})
}

func addPrompts(s *sdk.Server) {
	prompt(s, "test_simple_prompt", nil, func(map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.TextContent{Text: "This is a simple prompt for testing."}}
	})
	prompt(s, "test_prompt_with_arguments", []string{"arg1", "arg2"}, func(args map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", args["arg1"], args["arg2"])}}
	})
	prompt(s, "test_prompt_with_embedded_resource", []string{"resourceUri"}, func(args map[string]string) []sdk.Content {
		return []sdk.Content{
			&sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: args["resourceUri"], MIMEType: "text/plain", Text: "Embedded."}},
			&sdk.TextContent{Text: "Please process the embedded resource above."},
		}
	})
	prompt(s, "test_prompt_with_image", nil, func(map[string]string) []sdk.Content {
		return []sdk.Content{&sdk.ImageContent{Data: picture, MIMEType: "image/png"}, &sdk.TextContent{Text: "Please analyze the image above."}}
	})
	s.AddPrompt(&sdk.Prompt{Name: "test_input_required_result_prompt", Description: "Asks for the context first"},
		func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			if given := accepted(req.Params.InputResponses, "user_context"); given != nil {
				return messages(&sdk.TextContent{Text: fmt.Sprintf("Context: %v", given["context"])}), nil
			}
			return &sdk.GetPromptResult{InputRequests: sdk.InputRequestMap{"user_context": askFor("context")}}, nil
		})
}

func prompt(s *sdk.Server, name string, args []string, content func(map[string]string) []sdk.Content) {
	p := &sdk.Prompt{Name: name, Description: "A prompt of the suite"}
	for _, a := range args {
		p.Arguments = append(p.Arguments, &sdk.PromptArgument{Name: a, Description: "An argument", Required: true})
	}
	s.AddPrompt(p, func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
		return messages(content(req.Params.Arguments)...), nil
	})
}

func messages(content ...sdk.Content) *sdk.GetPromptResult {
	res := &sdk.GetPromptResult{Description: "A prompt of the suite", Messages: []*sdk.PromptMessage{}}
	for _, c := range content {
		res.Messages = append(res.Messages, &sdk.PromptMessage{Role: "user", Content: c})
	}
	return res
}

func complete(context.Context, *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: []string{}}}, nil
}
