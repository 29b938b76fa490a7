package trace

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Who knows the id of a flow, such as from the address of its page on a projector, could send requests in its name: it would show what
// never happened, or be full. So the parties seal what they send to each other, with a key that all processes over one store have.

const keyPartition = "trace/key"

// sealed is the MAC of something that only the parties may make; empty: the key cannot be read now.
func (r *Recorder) sealed(ctx context.Context, what ...string) string {
	ctx, cancel := context.WithTimeoutCause(ctx, r.patience(), errSlow)
	defer cancel()
	key, err := r.key.Bytes(ctx)
	if err != nil {
		if ctx.Err() == nil || context.Cause(ctx) == errSlow { // else the client hung up, or the request's own time is over
			r.failed("flight recorder: no key", err)
		}
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(what, " ")))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// state is the tracestate of a request that a party sends within an exchange (W3C Trace Context §3.3); empty: it cannot be sealed now.
func (r *Recorder) state(ctx context.Context, from Party, flow, exchange string) string {
	seal := r.sealed(ctx, "tracestate", string(from), flow, exchange)
	if seal == "" {
		return ""
	}
	return stateName + string(from) + ":" + seal
}

// carried reads a traceparent of ours. That of a stranger says nothing to us: it is not a flow of ours.
func (r *Recorder) carried(ctx context.Context, traceparent, tracestate string) (flow, parent string, party Party, ok bool) {
	name, ok := strings.CutPrefix(tracestate, stateName)
	name, seal, sealed := strings.Cut(name, ":")
	parts := strings.Split(traceparent, "-")
	if !ok || !sealed || len(parts) != 4 || len(parts[2]) != 16 || !r.ours(parts[1]) {
		return "", "", "", false
	}
	switch p := Party(name); p {
	case App, OAuth, MCP:
		want := r.sealed(ctx, "tracestate", name, parts[1], parts[2])
		return parts[1], parts[2], p, want != "" && hmac.Equal([]byte(seal), []byte(want))
	}
	return "", "", "", false
}

// userKey is what a flow is known by to whom a device shows its user code. That is short enough to be found from a plain hash by trying all.
func (r *Recorder) userKey(ctx context.Context, code string) []string {
	if seal := r.sealed(ctx, byUser, code); seal != "" {
		return []string{key(byUser, seal)}
	}
	return nil
}

// sealPattern finds a seal in a message: it is a secret.
var sealPattern = pattern(`(` + stateName + `[a-z]+:)[A-Za-z0-9_-]+`)
