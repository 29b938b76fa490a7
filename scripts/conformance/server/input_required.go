//lint:file-ignore SA1019 the suite asks for what 2026-07-28 deprecates, too

package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// addInputRequired adds the tools that need more of the client before they can answer, and say so in their result (2026-07-28,
// Multi Round-Trip Requests). It works without a stream and without a session: what the server must remember travels with the client, signed.
func addInputRequired(s *sdk.Server) {
	tool(s, "test_input_required_result_elicitation", "Asks the user", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if name, _ := accepted(req.Params.InputResponses, "user_name")["name"].(string); name != "" {
			return say("Hello, %s!", name), nil
		}
		return ask("", sdk.InputRequestMap{"user_name": askFor("name")}), nil
	})
	tool(s, "test_input_required_result_sampling", "Asks the client's model", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if text, ok := sampled(req.Params.InputResponses["capital_question"]); ok {
			return say("The model says: %s", text), nil
		}
		return ask("", sdk.InputRequestMap{"capital_question": question("What is the capital of France?")}), nil
	})
	tool(s, "test_input_required_result_list_roots", "Asks for the client's roots", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if res, ok := req.Params.InputResponses["client_roots"].(*sdk.ListRootsResult); ok {
			return say("The client has %d roots.", len(res.Roots)), nil
		}
		return ask("", sdk.InputRequestMap{"client_roots": &sdk.ListRootsParams{}}), nil
	})
	tool(s, "test_input_required_result_multiple_inputs", "Asks for all three", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		in := req.Params.InputResponses
		name, _ := accepted(in, "user_name")["name"].(string)
		greeting, ok := sampled(in["greeting"])
		if roots, listed := in["client_roots"].(*sdk.ListRootsResult); ok && listed && name != "" {
			return say("%s %s (%d roots)", greeting, name, len(roots.Roots)), nil
		}
		return ask(seal("multiple"), sdk.InputRequestMap{"user_name": askFor("name"), "greeting": question("Generate a greeting"), "client_roots": &sdk.ListRootsParams{}}), nil
	})
	tool(s, "test_input_required_result_request_state", "Gets its state back", confirm)
	tool(s, "test_input_required_result_tampered_state", "Refuses a state that is not its own", confirm)
	tool(s, "test_input_required_result_multi_round", "Asks twice", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		state, ok := unseal(req.Params.RequestState)
		switch {
		case req.Params.RequestState == "":
			return ask(seal("first"), sdk.InputRequestMap{"step1": askFor("name")}), nil
		case !ok:
			return nil, badState
		case state == "first":
			name, _ := accepted(req.Params.InputResponses, "step1")["name"].(string)
			return ask(seal("second "+name), sdk.InputRequestMap{"step2": askFor("color")}), nil
		}
		return say("%s likes %v", strings.TrimPrefix(state, "second "), accepted(req.Params.InputResponses, "step2")["color"]), nil
	})
	tool(s, "test_input_required_result_capabilities", "Asks for what the client can give", func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		can, requests := req.ClientCapabilities(), sdk.InputRequestMap{}
		if can != nil && can.Elicitation != nil {
			requests["user_name"] = askFor("name")
		}
		if can != nil && can.Sampling != nil {
			requests["greeting"] = question("Generate a greeting")
		}
		if len(requests) == 0 || len(req.Params.InputResponses) > 0 {
			return say("There is nothing to ask for."), nil
		}
		return ask("", requests), nil
	})
}

func ask(state string, requests sdk.InputRequestMap) *sdk.CallToolResult {
	return &sdk.CallToolResult{InputRequests: requests, RequestState: state}
}

func askFor(field string) *sdk.ElicitParams {
	schema, err := json.Marshal(map[string]any{"type": "object", "properties": map[string]any{field: map[string]string{"type": "string"}}, "required": []string{field}})
	if err != nil {
		panic(err)
	}
	return &sdk.ElicitParams{Message: "What is your " + field + "?", RequestedSchema: json.RawMessage(schema)}
}

// accepted is what a user filled in, if anything.
func accepted(in sdk.InputResponseMap, key string) map[string]any {
	if res, ok := in[key].(*sdk.ElicitResult); ok && res != nil && res.Action == "accept" {
		return res.Content
	}
	return nil
}

func sampled(in sdk.InputResponse) (string, bool) {
	res, ok := in.(*sdk.CreateMessageWithToolsResult)
	if !ok || res == nil || len(res.Content) == 0 {
		return "", false
	}
	text, ok := res.Content[0].(*sdk.TextContent)
	return text.Text, ok
}

var badState = &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "The requestState is not one that this server gave."}

func confirm(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	if req.Params.RequestState != "" {
		if _, ok := unseal(req.Params.RequestState); !ok {
			return nil, badState
		}
		if accepted(req.Params.InputResponses, "confirm") != nil {
			return say("state-ok"), nil
		}
	}
	return ask(seal("confirm"), sdk.InputRequestMap{"confirm": &sdk.ElicitParams{Message: "Please confirm",
		RequestedSchema: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`)}}), nil
}

var stateKey = []byte(rand.Text())

func seal(state string) string {
	mac := hmac.New(sha256.New, stateKey)
	mac.Write([]byte(state))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + base64.RawURLEncoding.EncodeToString([]byte(state))
}

func unseal(sealed string) (string, bool) {
	_, part, _ := strings.Cut(sealed, ".")
	state, err := base64.RawURLEncoding.DecodeString(part)
	return string(state), err == nil && hmac.Equal([]byte(seal(string(state))), []byte(sealed))
}
