package admin

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/audit"
)

// changeKey is the key of the change that a request makes, while it is being made.
type changeKey struct{}

type change struct {
	mu      sync.Mutex
	details map[string]string
}

// note adds a detail to what the audit log will say of this request. It must not be a secret.
func note(ctx context.Context, name, value string) {
	if c, ok := ctx.Value(changeKey{}).(*change); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.details[name] = value
	}
}

// record writes every change into the audit log, and every one that was refused, so that no operation can forget it.
func (a *api) record(ctx huma.Context, next func(huma.Context)) {
	if needed(ctx.Method()) == scopeRead {
		next(ctx)
		return
	}
	c := &change{details: map[string]string{"action": ctx.Operation().OperationID}}
	watched := huma.WithValue(ctx, changeKey{}, c)
	status := http.StatusInternalServerError // of one that panics
	defer func() {
		caller := callerFrom(ctx.Context())
		event := audit.Event{Name: audit.Administration, Outcome: audit.OK, UserID: userID(caller), ClientID: caller.ClientID, Proven: true, Details: c.details}
		if status >= http.StatusBadRequest {
			event.Outcome = audit.Refused
			c.details["status"] = strconv.Itoa(status)
		}
		for _, name := range pathParameters {
			if value := ctx.Param(name); value != "" {
				c.details[name] = value
			}
		}
		a.audit.Record(ctx.Context(), event)
	}()
	next(watched)
	status = watched.Status()
}

// pathParameters are what names the thing that a change is about.
var pathParameters = []string{"server_id", "role", "user_id", "client_id", "passkey_id", "consent_id", "grant_id", "session_id", "kid", "snapshot_id", "token_id", "issuer_id", "link_id", "relying_id"}
