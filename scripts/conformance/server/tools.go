//lint:file-ignore SA1019 the suite asks for what 2026-07-28 deprecates, too

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

var (
	picture = decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==") // one red pixel
	silence = decode("UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=")
)

func decode(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

type handler = func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error)

var anyObject = json.RawMessage(`{"type":"object"}`)

func tool(s *sdk.Server, name, description string, do handler) {
	s.AddTool(&sdk.Tool{Name: name, Description: description, InputSchema: anyObject}, do)
}

func say(format string, args ...any) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

// always is a tool that has one answer.
func always(content ...sdk.Content) handler {
	return func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: content}, nil
	}
}

// addTools adds those that the suite calls by name. What it wants of each is in its scenarios (src/scenarios/server).
func addTools(s *sdk.Server) {
	embedded := &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: "test://embedded-resource", MIMEType: "text/plain", Text: "An embedded resource."}}
	image := &sdk.ImageContent{Data: picture, MIMEType: "image/png"}
	tool(s, "test_simple_text", "Answers with text", always(&sdk.TextContent{Text: "This is a simple text response for testing."}))
	tool(s, "test_image_content", "Answers with an image", always(image))
	tool(s, "test_audio_content", "Answers with sound", always(&sdk.AudioContent{Data: silence, MIMEType: "audio/wav"}))
	tool(s, "test_embedded_resource", "Answers with a resource", always(embedded))
	tool(s, "test_multiple_content_types", "Answers with all of these", always(&sdk.TextContent{Text: "Several kinds of content:"}, image, embedded))
	tool(s, "test_error_handling", "Fails", func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		res := say("This tool intentionally returns an error for testing")
		res.IsError = true
		return res, nil
	})
	tool(s, "test_tool_with_progress", "Reports progress", progress)
	tool(s, "test_tool_with_logging", "Logs to the client", logs)
	tool(s, "test_logging_tool", "Logs to the client, which did not ask for it", logs)
	tool(s, "test_sampling", "Asks the client's model on a stream of its own", sample)
	tool(s, "test_elicitation", "Asks the user on a stream of its own", elicit(&jsonschema.Schema{Type: "object", Required: []string{"username"},
		Properties: map[string]*jsonschema.Schema{"username": {Type: "string"}}}))
	tool(s, "test_elicitation_sep1034_defaults", "Asks with defaults", elicit(defaults))
	tool(s, "test_elicitation_sep1330_enums", "Asks with choices", elicit(choices))
	tool(s, "test_missing_capability", "Needs a capability of the client", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if c := req.ClientCapabilities(); c != nil && c.Sampling != nil {
			return say("The client has it."), nil
		}
		data, err := json.Marshal(sdk.MissingRequiredClientCapabilityData{RequiredCapabilities: &sdk.ClientCapabilities{Sampling: &sdk.SamplingCapabilities{}}})
		if err != nil {
			return nil, err
		}
		return nil, &jsonrpc.Error{Code: sdk.CodeMissingRequiredClientCapabilities, Message: "The client lacks the capability sampling.", Data: data}
	})
	tool(s, "test_streaming_elicitation", "Sends no request of its own", always(&sdk.TextContent{Text: "Nothing but this result."}))
	tool(s, "test_reconnection", "Ends its stream early, if it has one", always(&sdk.TextContent{Text: "There was no stream."}))
	s.AddTool(&sdk.Tool{Name: "json_schema_2020_12_tool", Description: "Has a schema with much of JSON Schema 2020-12", InputSchema: richSchema}, always(&sdk.TextContent{Text: "Called."}))
	s.AddTool(&sdk.Tool{Name: "test_x_mcp_header", Description: "Repeats an argument in a header", InputSchema: json.RawMessage(`{"type":"object",
		"properties":{"region":{"type":"string","x-mcp-header":"Region"},"level":{"type":"integer"}}}`)}, always(&sdk.TextContent{Text: "Called."}))
	// Both change what the server has, which it has promised nobody to tell of.
	tool(s, "test_trigger_tool_change", "Adds a tool", func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		tool(s, "added_later", "Was added later", always(&sdk.TextContent{Text: "Called."}))
		return say("Added."), nil
	})
	tool(s, "test_trigger_prompt_change", "Adds a prompt", func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		prompt(s, "added_later", nil, func(map[string]string) []sdk.Content { return nil })
		return say("Added."), nil
	})
}

func progress(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	token := req.Params.GetProgressToken()
	for _, done := range []float64{0, 50, 100} {
		_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: done, Total: 100}) // if anybody listens
	}
	return say("%v", token), nil
}

func logs(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	for _, line := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
		_ = req.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "info", Data: line}) // the same
	}
	return say("Logged."), nil
}

func sample(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	res, err := req.Session.CreateMessage(ctx, question("What is the capital of France?"))
	if err != nil {
		return nil, err
	}
	text, _ := res.Content.(*sdk.TextContent)
	return say("LLM response: %v", text), nil
}

func question(text string) *sdk.CreateMessageParams {
	return &sdk.CreateMessageParams{MaxTokens: 100, Messages: []*sdk.SamplingMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}}}
}

func elicit(schema any) handler {
	return func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		res, err := req.Session.Elicit(ctx, &sdk.ElicitParams{Message: "Please fill this in", RequestedSchema: schema})
		if err != nil {
			return nil, err
		}
		return say("Elicitation result: action=%s, content=%v", res.Action, res.Content), nil
	}
}

var (
	defaults = json.RawMessage(`{"type":"object","properties":{"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
		"score":{"type":"number","default":95.5},"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}}`)
	choices = json.RawMessage(`{"type":"object","properties":{
		"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
		"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"}]},
		"legacyEnum":{"type":"string","enum":["opt1","opt2"],"enumNames":["Option One","Option Two"]},
		"untitledMulti":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string","enum":["option1","option2"]}},
		"titledMulti":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string","anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"}]}}}}`)
	richSchema = json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
		"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
		"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
		"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
		"if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},
		"additionalProperties":false}`)
)
