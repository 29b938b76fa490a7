package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// direct is the short way of a call of a tool. For each request go-sdk v1.8.0 sets up a session and a connection with its goroutines, and
// parses the body some ten times, each time into a new buffer of 32 KB. A call of the plain shape (plain.go) needs none of it, so it goes
// to the SDK's own handler at once: the same registry, the same middleware, the same results. Everything else goes the long way, and
// TestDirect and FuzzDirect hold that nobody can tell by an answer which way it came.
type direct struct {
	handle   sdk.MethodHandler
	sessions map[string]*sdk.ServerSession // one of each revision; they remember nothing of those whom they serve
}

// newDirect is made when the server has all its middleware.
func newDirect(ctx context.Context, server *sdk.Server) (*direct, error) {
	d := &direct{sessions: map[string]*sdk.ServerSession{}}
	server.AddReceivingMiddleware(func(next sdk.MethodHandler) sdk.MethodHandler {
		d.handle = next
		return next
	})
	for _, revision := range revisions {
		state := &sdk.ServerSessionState{InitializeParams: &sdk.InitializeParams{ProtocolVersion: revision}, InitializedParams: &sdk.InitializedParams{}, LogLevel: "info"}
		session, err := server.Connect(ctx, &sdk.StreamableServerTransport{Stateless: true}, &sdk.ServerSessionOptions{State: state})
		if err != nil {
			return nil, err
		}
		d.sessions[revision] = session
	}
	return d, nil
}

// request is the call as the SDK would hand it on; nil: let the SDK judge it.
func (d *direct) request(h http.Header, c *plainCall) *sdk.CallToolRequest {
	if h.Get("Content-Type") != "application/json" || h.Get("Accept") != "application/json, text/event-stream" || len(h["Accept"]) > 1 {
		return nil
	}
	revision := h.Get("Mcp-Protocol-Version")
	if revision == "" {
		revision = revisions[len(revisions)-1] // 2025-06-18, Transports, Protocol Version Header
	}
	req := &sdk.CallToolRequest{Session: d.sessions[revision], Params: &sdk.CallToolParamsRaw{Name: c.name, Arguments: c.arguments}, Extra: &sdk.RequestExtra{Header: h}}
	if req.Session == nil || len(c.meta) > 0 && json.Unmarshal(c.meta, &req.Params.Meta) != nil {
		return nil
	}
	meta := req.Params.Meta
	if revision != revisions[0] {
		if _, modern := meta[sdk.MetaKeyProtocolVersion]; modern {
			return nil
		}
		return req
	}
	// What the newest revision says in headers it says in the body too (2026-07-28, Streamable HTTP, Request Metadata).
	_, named := meta[sdk.MetaKeyClientInfo]
	if h.Get("Mcp-Method") != "tools/call" || h.Get("Mcp-Name") != c.name || meta[sdk.MetaKeyProtocolVersion] != any(revision) ||
		req.ClientCapabilities() == nil || named && req.ClientInfo() == nil {
		return nil
	}
	return req
}

// answer carries out a single plain call and answers it. Anything else it leaves as it is, and returns false.
func (d *direct) answer(w http.ResponseWriter, r *http.Request, messages []message) bool {
	if d == nil || len(messages) != 1 || messages[0].call == nil {
		return false
	}
	call := messages[0].call
	req := d.request(r.Header, call)
	if req == nil {
		return false
	}
	modern := req.Session == d.sessions[revisions[0]]
	ctx := r.Context()
	if !modern { // whose client may just have lost its connection (2025-11-25, Transports, Sending Messages to the Server)
		ctx = context.WithoutCancel(ctx)
	}
	body, err := d.carryOut(ctx, req, call.id, modern)
	w.Header().Set("Cache-Control", "no-cache, no-transform")
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	if err != nil {
		body, status = failure(call.id, err, modern)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // if the client is gone, nobody is there to be told
	return true
}

func (d *direct) carryOut(ctx context.Context, req *sdk.CallToolRequest, id json.RawMessage, modern bool) ([]byte, error) {
	got, err := d.handle(ctx, "tools/call", req)
	if err != nil {
		return nil, err
	}
	res, ok := got.(*sdk.CallToolResult)
	if !ok {
		return nil, errors.New("mcp: a tool gave what is no result")
	}
	if modern { // 2026-07-28, Base Protocol, _meta
		if res.Meta == nil {
			res.Meta = sdk.Meta{}
		}
		res.Meta[sdk.MetaKeyServerInfo] = implementation
	}
	result, err := res.MarshalJSON()
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, len(result)+len(id)+40)
	body = append(body, `{"jsonrpc":"2.0","id":`...)
	body = append(body, id...)
	body = append(body, `,"result":`...)
	body = append(body, result...)
	return append(body, '}'), nil
}

// failure is the answer for an error. The newest revision has a status for some (2026-07-28, Streamable HTTP, Sending Messages), of which a call
// of a tool that is there never meets that of a method that is not.
func failure(id json.RawMessage, err error, modern bool) (body []byte, status int) {
	var value any
	_ = json.Unmarshal(id, &value) // of a plain one
	said, _ := jsonrpc.MakeID(value)
	body, _ = jsonrpc.EncodeMessage(&jsonrpc.Response{ID: said, Error: err}) // readable has seen to its data
	var wire *jsonrpc.Error
	if modern && errors.As(err, &wire) {
		switch wire.Code {
		case jsonrpc.CodeInvalidParams, sdk.CodeUnsupportedProtocolVersion, sdk.CodeMissingRequiredClientCapabilities:
			return body, http.StatusBadRequest
		}
	}
	return body, http.StatusOK
}
