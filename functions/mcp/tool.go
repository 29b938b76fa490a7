package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/web"
)

// tools is what the handlers of tools, resources and prompts need.
type tools struct {
	clinic *clinic.Clinic
	lib    *knowledge.Library
	policy policy
	secret *secret.Key // see question.go
	log    *slog.Logger
}

// refusal is the structured result of a tool that could not do what was asked.
type refusal struct {
	Error        string `json:"error" jsonschema:"why it was refused, only in a refusal: not_found, invalid, slot_taken, closed, past, conflict, too_many, role_forbidden or declined"`
	Message      string `json:"message" jsonschema:"the reason in words for the user"`
	Alternatives []slot `json:"alternatives,omitempty" jsonschema:"free appointment times instead"`
}

// hints tell a host how careful to be with a tool.
type hints struct{ readOnly, destructive, idempotent bool }

var (
	reads   = hints{readOnly: true, idempotent: true}
	adds    = hints{}
	changes = hints{destructive: true, idempotent: true}
)

// add registers a tool that asks nothing. do gets arguments that fit the schema and returns the structured result with its text for
// a person; an error of the clinic becomes a result with isError.
func add[In, Out any](t *tools, s *sdk.Server, name, title, description string, h hints, in *jsonschema.Schema, do func(context.Context, clinic.Actor, In) (Out, string, error)) {
	register[In, Out](t, s, name, title, description, h, in, func(ctx context.Context, who caller, req *sdk.CallToolRequest, args In) (*sdk.CallToolResult, error) {
		if isAnswer(req) {
			return t.refuse(ctx, name, errNotOpen)
		}
		out, text, err := do(ctx, who.actor(), args)
		if err != nil {
			return t.refuse(ctx, name, err)
		}
		return result(out, text, false)
	})
}

// register has do called by whoever may, with arguments that fit.
func register[In, Out any](t *tools, s *sdk.Server, name, title, description string, h hints, in *jsonschema.Schema,
	do func(context.Context, caller, *sdk.CallToolRequest, In) (*sdk.CallToolResult, error)) {
	scope, known := rbac.Tools[name]
	if !known {
		panic("mcp: the tool policy does not name " + name)
	}
	resolved, err := in.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		panic(fmt.Sprintf("mcp: input schema of %s: %v", name, err)) // wrong in every process, so found by the first test
	}
	closed := false
	tool := &sdk.Tool{
		Name: name, Title: title, Description: description, InputSchema: in, OutputSchema: output[Out](),
		Annotations: &sdk.ToolAnnotations{Title: title, ReadOnlyHint: h.readOnly, DestructiveHint: &h.destructive, IdempotentHint: h.idempotent, OpenWorldHint: &closed},
	}
	if scope != rbac.AnyToken {
		tool.Meta = sdk.Meta{"vetassist/scope": scope}
	}
	s.AddTool(tool, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		who := callerFrom(ctx)
		t.log.InfoContext(ctx, "tool call", "id", web.RequestID(ctx), "tool", name, "sub", who.Subject, "client", who.ClientID, "act", strings.Join(who.Actors(), " "))
		if err := t.policy.check(ctx, who, scope); err != nil {
			return t.refuse(ctx, name, err)
		}
		var args In
		if err := decode(req.Params.Arguments, resolved, &args); err != nil {
			return t.refuse(ctx, name, err)
		}
		res, err := do(ctx, who, req, args)
		if agent := who.agent(); err == nil && !res.IsError && agent != "" {
			res.Meta = sdk.Meta{agentMeta: agent}
		} else if err == nil && !res.IsError && who.machine() {
			res.Meta = sdk.Meta{machineMeta: who.ClientID}
		}
		return res, err
	})
}

// What a result's _meta names: the program that made the call for nobody but itself, or the agent that made it for the token's user.
const (
	machineMeta = "vetassist/machine"
	agentMeta   = "vetassist/agent"
)

func result(structured any, text string, isError bool) (*sdk.CallToolResult, error) {
	raw, err := json.Marshal(structured)
	if err != nil {
		return nil, err
	}
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}, StructuredContent: json.RawMessage(raw), IsError: isError}, nil
}

// refuse turns an error into what the caller may know of it.
func (t *tools) refuse(ctx context.Context, what string, err error) (*sdk.CallToolResult, error) {
	var refused *clinic.Error
	if errors.As(err, &refused) {
		r := refusal{Error: refused.Code, Message: refused.Message}
		text := refused.Message
		for i, s := range refused.Alternatives {
			r.Alternatives = append(r.Alternatives, slotOf(s))
			if i == 0 {
				text += " Free instead:"
			} else {
				text += ","
			}
			text += fmt.Sprintf(" %s %s %s", s.Date.Weekday(), s.Date, s.Time)
		}
		return result(r, text, true)
	}
	return nil, t.failed(ctx, what, err)
}

// failed keeps the cause in the log and off the wire.
func (t *tools) failed(ctx context.Context, what string, err error) error {
	var wire *jsonrpc.Error
	if errors.As(err, &wire) {
		return wire
	}
	t.log.Log(ctx, web.FailureLevel(ctx), "mcp request failed", "id", web.RequestID(ctx), "what", what, "err", err)
	if web.Temporary(err) {
		noteBusy(ctx)
	}
	status := web.FailureStatus(err)
	return &jsonrpc.Error{Code: failureCode(status), Message: web.Sorry(ctx, status)}
}

// wire is a refusal in a place where the protocol has no result with isError: resources and prompts.
func (t *tools) wire(ctx context.Context, what string, err error) error {
	var refused *clinic.Error
	if !errors.As(err, &refused) {
		return t.failed(ctx, what, err)
	}
	data, err := json.Marshal(refusal{Error: refused.Code, Message: refused.Message})
	if err != nil {
		return t.failed(ctx, what, err)
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: refused.Message, Data: data}
}

// decode checks arguments against the tool's schema and fills in its defaults. A model can mend what it got wrong, so
// the error is a result, not a protocol error (MCP, Tools, Error Handling).
func decode(raw json.RawMessage, schema *jsonschema.Resolved, into any) error {
	args := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &args); err != nil {
			return badArguments("they are not a JSON object")
		}
	}
	if err := schema.Validate(args); err != nil {
		return badArguments(plain(schema.Schema(), args, err))
	}
	if err := schema.ApplyDefaults(&args); err != nil {
		return fmt.Errorf("mcp: defaults: %w", err)
	}
	full, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("mcp: arguments: %w", err)
	}
	if err := json.Unmarshal(full, into); err != nil {
		return badArguments("a value is of the wrong type")
	}
	return nil
}

func badArguments(why string) error {
	return &clinic.Error{Code: clinic.Invalid, Message: "The arguments are wrong: " + why + "."}
}

var validationPath = regexp.MustCompile(`validating [^ ]+: `)

// plain says what is wrong with arguments. The two mistakes that models make most are named; for the others the
// validator's own words are kept, without its path through the schema.
func plain(s *jsonschema.Schema, args map[string]any, err error) string {
	for _, name := range s.Required {
		if _, ok := args[name]; !ok {
			return fmt.Sprintf("%q is missing", name)
		}
	}
	for name := range args {
		if s.Properties[name] == nil {
			return fmt.Sprintf("there is no argument %q; there are %s", shorten(name, 40), strings.Join(s.PropertyOrder, ", "))
		}
	}
	where := ""
	if i := strings.LastIndex(err.Error(), "/properties/"); i >= 0 {
		where, _, _ = strings.Cut(err.Error()[i+len("/properties/"):], ":")
		where = fmt.Sprintf("%q: ", where)
	}
	return shorten(where+validationPath.ReplaceAllString(err.Error(), ""), 300)
}

func shorten(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// parseDate reads a date that may be left out.
func parseDate(s string) (clinic.Date, error) {
	if s == "" {
		return clinic.Date{}, nil
	}
	return clinic.ParseDate(s)
}
