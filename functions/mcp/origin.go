package mcp

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/trace"
)

// origins decides which pages may call us from a browser (MCP, Streamable HTTP, Security: the Origin must be
// validated, against DNS rebinding).
type origins struct {
	own     string
	allowed []string
	local   bool
}

func newOrigins(base *url.URL, allowed []string) *origins {
	return &origins{own: base.Scheme + "://" + base.Host, allowed: allowed, local: config.IsLoopback(base.Hostname())}
}

// valid accepts our own origin, the configured ones and, while we are on this machine ourselves, any page of this machine.
func (o *origins) valid(origin string) bool {
	if origin == o.own || slices.Contains(o.allowed, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return o.local && err == nil && (u.Scheme == "http" || u.Scheme == "https") && origin == u.Scheme+"://"+u.Host && config.IsLoopback(u.Hostname())
}

// host refuses foreign names while we are on this machine: a page whose name was rebound to 127.0.0.1 sends its own
// name as Host. Elsewhere the name is the business of whoever routes to us, and proxies change it.
func (o *origins) host(host string) bool {
	return !o.local || config.IsLoopbackHost(host)
}

// exposed are what a page may read of an answer. The second is the first under the name that API Gateway may give it.
const exposed = "WWW-Authenticate, X-Amzn-Remapped-Www-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id"

func (o *origins) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if !o.host(r.Host) {
			traceRefused(r.Context(), trace.ClientCheck, "This Host is not ours: a page may have made its own name point here (DNS rebinding).")
			rpcError(w, http.StatusForbidden, nil, codeInvalidRequest, "This Host is not ours.", nil)
			return
		}
		if sent := r.Header.Values("Origin"); len(sent) > 0 {
			if len(sent) > 1 || !o.valid(sent[0]) {
				traceRefused(r.Context(), trace.ClientCheck, "A page of an Origin that is not allowed may not call this server.")
				rpcError(w, http.StatusForbidden, nil, codeInvalidRequest, "Pages of this Origin may not call this server.", nil)
				return
			}
			h.Set("Access-Control-Allow-Origin", sent[0])
			h.Set("Access-Control-Expose-Headers", exposed)
		}
		if r.Method == http.MethodOptions {
			h.Set("Allow", "POST")
			h.Set("Access-Control-Allow-Methods", "POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID, traceparent, tracestate")
			h.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
