package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/web"
)

const (
	maxBody  = 1 << 20 // bytes of a request
	maxBatch = 20      // messages in a batch, which only revision 2025-03-26 has

	// Our own codes lie outside the range that JSON-RPC and MCP reserve (MCP, Base Protocol, Error Codes).
	codeInvalidRequest = jsonrpc.CodeInvalidRequest
	codeUnauthorized   = 401 // data says which OAuth error it is
	codeTooMany        = 429
	codeBusy           = 503
)

// message is what a challenge must know of a request: who asks for what.
type message struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage
	call   *plainCall // nil: something else, or not plain
}

// UnmarshalJSON takes members by their exact names, as the SDK does: encoding/json alone would let "Method" pass for "method",
// and the challenge be chosen for another request than the one that is carried out.
func (m *message) UnmarshalJSON(data []byte) error {
	members, err := exact(data)
	if err != nil {
		return err
	}
	m.ID, m.Params = members["id"], members["params"]
	return json.Unmarshal(members["method"], &m.Method)
}

func exact(data []byte) (members map[string]json.RawMessage, err error) {
	err = json.Unmarshal(data, &members)
	return members, err
}

// target is the name of the tool or prompt, or the URI of the resource, that a message is about.
func (m message) target() (name, uri string) {
	if m.call != nil {
		return m.call.name, ""
	}
	members, err := exact(m.Params)
	if err != nil {
		return "", "" // the SDK will say what is wrong with it
	}
	_ = json.Unmarshal(members["name"], &name) // the same
	_ = json.Unmarshal(members["uri"], &uri)
	return name, uri
}

// readBody reads a bounded request and puts it back for the SDK. When it cannot be a message, the answer has been written.
func readBody(w http.ResponseWriter, r *http.Request) (messages []message, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		rpcError(w, http.StatusRequestEntityTooLarge, nil, codeInvalidRequest, "The request is larger than 1 MiB.", nil)
		return nil, false
	case err != nil:
		rpcError(w, http.StatusBadRequest, nil, codeInvalidRequest, "The request ended early.", nil)
		return nil, false
	case !json.Valid(body):
		rpcError(w, http.StatusBadRequest, nil, jsonrpc.CodeParseError, "The request is not JSON.", nil)
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if c := readPlain(body); c != nil {
		return []message{{ID: c.id, Method: "tools/call", Params: c.params, call: c}}, true
	}
	if trimmed := bytes.TrimSpace(body); trimmed[0] == '[' {
		var parts []json.RawMessage
		if json.Unmarshal(trimmed, &parts) != nil || len(parts) == 0 || len(parts) > maxBatch {
			rpcError(w, http.StatusBadRequest, nil, codeInvalidRequest, "A batch has 1 to 20 messages.", nil)
			return nil, false
		}
		for _, part := range parts {
			var m message
			_ = json.Unmarshal(part, &m) // what is no message needs no scope, and the SDK will refuse it
			messages = append(messages, m)
		}
	} else {
		var m message
		_ = json.Unmarshal(body, &m)
		messages = []message{m}
	}
	if wrong := checkIDs(messages); wrong != "" {
		rpcError(w, http.StatusBadRequest, nil, codeInvalidRequest, wrong, nil)
		return nil, false
	}
	return messages, true
}

const maxID = 1<<53 - 1 // beyond it, JSON's numbers are not exact everywhere (RFC 8259 §6)

// checkIDs says what is wrong with ids that the SDK would give back changed, so that nobody knew their answers again, and with
// batches that have one twice. An id is a string or an integer (MCP, Base Protocol, Requests).
func checkIDs(messages []message) string {
	seen := map[string]bool{}
	for _, m := range messages {
		if len(messages) > 1 && m.Method == "initialize" { // 2025-03-26, Lifecycle, Initialization
			return "initialize cannot be part of a batch."
		}
		if m.Method == "" || len(m.ID) == 0 || string(m.ID) == "null" {
			continue // no request, or a mistake that the SDK will find
		}
		var id any
		_ = json.Unmarshal(m.ID, &id) // it is JSON
		switch id := id.(type) {
		case string:
		case float64:
			if id != math.Trunc(id) || math.Abs(id) > maxID {
				return "An id is a string or an integer of at most 53 bits."
			}
		default:
			return "An id is a string or an integer."
		}
		key := fmt.Sprintf("%T %v", id, id)
		if seen[key] {
			return "Two requests of a batch have the same id."
		}
		seen[key] = true
	}
	return ""
}

// idOf is the id to answer with: the request's own, null where there is none or several.
func idOf(messages []message) json.RawMessage {
	if len(messages) != 1 {
		return nil
	}
	return messages[0].ID
}

// rpcAnswer is an error in the protocol's own form. Scope and ResourceMetadata repeat what the challenge says, for
// clients behind a gateway that renames WWW-Authenticate.
type rpcAnswer struct {
	Version          string          `json:"jsonrpc"`
	ID               json.RawMessage `json:"id"` // nil is null
	Error            rpcProblem      `json:"error"`
	Scope            string          `json:"scope,omitempty"`
	ResourceMetadata string          `json:"resource_metadata,omitempty"`
}

type rpcProblem struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

type challengeData struct {
	Error            string `json:"error,omitempty"`
	Scope            string `json:"scope,omitempty"`
	ResourceMetadata string `json:"resource_metadata,omitempty"`
}

func rpcError(w http.ResponseWriter, status int, id json.RawMessage, code int64, text string, data any) {
	a := rpcAnswer{Version: "2.0", ID: id, Error: rpcProblem{code, text, data}}
	if c, ok := data.(*challengeData); ok {
		a.Scope, a.ResourceMetadata = c.Scope, c.ResourceMetadata
	}
	web.JSON(w, status, a)
}

// protocolErrors turns the SDK's plain-text refusals into the protocol's form. And the SDK answers 200 whatever a handler's error is,
// so the answer to a single message that may be sent again gets the status that says so.
type protocolErrors struct {
	http.ResponseWriter
	one    bool
	busy   atomic.Bool // of the handler, which runs on a goroutine of the SDK
	status int
	sent   int // the status, where it was not held back
	text   bytes.Buffer
	begun  bool
}

type busyKey struct{}

// noteBusy tells the writer of the answer of a failure where trying again may help.
func noteBusy(ctx context.Context) {
	if busy, ok := ctx.Value(busyKey{}).(*atomic.Bool); ok {
		busy.Store(true)
	}
}

// failureCode is the JSON-RPC error of a failure that is ours: our own code where trying again may help, as with the others.
func failureCode(status int) int64 {
	if status == http.StatusServiceUnavailable {
		return codeBusy
	}
	return jsonrpc.CodeInternalError
}

func (p *protocolErrors) WriteHeader(status int) {
	p.begun = true
	if p.busy.Load() && p.one && status == http.StatusOK {
		status = http.StatusServiceUnavailable
	}
	if status >= 400 && strings.HasPrefix(p.Header().Get("Content-Type"), "text/plain") {
		p.status = status
		return
	}
	p.sent = status
	p.ResponseWriter.WriteHeader(status)
}

func (p *protocolErrors) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	if p.status == 0 {
		return p.ResponseWriter.Write(b)
	}
	if p.text.Len() < 2048 {
		p.text.Write(b)
	}
	return len(b), nil
}

// finish writes the refusal that was held back, if there was one.
func (p *protocolErrors) finish(r *http.Request, id json.RawMessage) {
	if !p.begun && errors.Is(r.Context().Err(), context.DeadlineExceeded) { // the SDK gave up
		status := web.FailureStatus(r.Context().Err())
		rpcError(p.ResponseWriter, status, id, failureCode(status), web.Sorry(r.Context(), status), nil)
	}
	if p.status == 0 {
		return
	}
	text := strings.TrimSpace(shorten(p.text.String(), 400))
	code, data := int64(codeInvalidRequest), any(nil)
	switch {
	case strings.Contains(text, "JSON RPC not handled"):
		code = jsonrpc.CodeMethodNotFound
	case strings.Contains(text, "nsupported protocol version"):
		code = sdk.CodeUnsupportedProtocolVersion
		data = sdk.UnsupportedProtocolVersionData{Supported: revisions, Requested: r.Header.Get("MCP-Protocol-Version")}
	}
	rpcError(p.ResponseWriter, p.status, id, code, text, data)
}
