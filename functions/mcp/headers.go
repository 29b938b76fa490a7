package mcp

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/trace"
)

var (
	errTwice   = errors.New("an MCP header came twice")
	errEncoded = errors.New("Mcp-Name looks like Base64 and is none")
)

// headers prepares those of Streamable HTTP (2026-07-28, Request Metadata) for the SDK, which compares them with the body. An
// intermediary may have chosen its way by them, so what could be read in two ways is refused.
func (g *guard) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		// Sessions and streams to resume are of older revisions; who sends their headers is answered all the same (Backward
		// Compatibility, Earlier Streamable HTTP Revisions).
		h.Del("Mcp-Session-Id")
		h.Del("Last-Event-Id")
		err := once(h)
		if name := h.Get("Mcp-Name"); err == nil && name != "" {
			// Mcp-Param-* the SDK decodes itself, this one only after v1.8.0 (go-sdk#1234).
			name, err = plainValue(name)
			h.Set("Mcp-Name", name)
		}
		if err != nil {
			traceRefused(r.Context(), trace.ClientCheck, "The headers can be read in two ways: "+err.Error()+".")
			rpcError(w, http.StatusBadRequest, nil, sdk.CodeHeaderMismatch, "Header mismatch: "+err.Error()+".", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// once: of two values, an intermediary may read the other one.
func once(h http.Header) error {
	for name, values := range h {
		mirrors := name == "Mcp-Protocol-Version" || name == "Mcp-Method" || name == "Mcp-Name" || strings.HasPrefix(name, "Mcp-Param-")
		if mirrors && len(values) > 1 {
			return errTwice
		}
	}
	return nil
}

// plainValue decodes a header's value (Value Encoding).
func plainValue(value string) (string, error) {
	encoded, begins := strings.CutPrefix(value, "=?base64?")
	encoded, ends := strings.CutSuffix(encoded, "?=")
	if !begins || !ends {
		return value, nil
	}
	plain, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", errEncoded
	}
	return string(plain), nil
}
