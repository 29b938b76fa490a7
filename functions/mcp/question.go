package mcp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A tool may ask the person something before it does its work: the result says input_required, with the question and with a
// requestState, and the client calls again with both the answer and the state (MCP 2026-07-28, Multi Round-Trip Requests). Nothing
// is kept here in between, so any process can take the answer.
//
// The state is in the hands of the client, so it is signed (Server Requirements, 4), and what it is signed with binds it to the
// person, the client, the tool and its arguments, and to a few minutes (Server Requirements, 5). It holds no secret: what was
// offered stands in the question beside it. It may be used twice, and needs no list of used ones: it gives nobody a right, since
// token, scope and owner are checked in the second call as in the first, and a booking is a conditional write, so whoever
// repeats an answer is told that the pet has this appointment already.

const (
	questionLife = 10 * time.Minute
	maxQuestions = 5       // about one call; after that, what could have been asked is a plain result
	maxState     = 2 << 10 // bytes
	stateVersion = "v1"
)

// errNotOpen is the one answer to every state that is not good: an attacker learns nothing from it, everybody else what to do.
var errNotOpen = &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams,
	Message: "This question is not open any more. Start again: call the tool without requestState and inputResponses."}

func badAnswer(why string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "The answer in inputResponses was not understood: " + why + "."}
}

// asked is what a state remembers.
type asked struct {
	Expires int64    `json:"exp"`
	Number  int      `json:"n"`       // how many questions there were, with this one
	Offered []string `json:"offered"` // what may be chosen
}

// subject is what a question is about. A state is good for no other.
type subject struct {
	person, client, tool string
	arguments            []byte // as the tool understood them: defaults filled in, members in order
}

func subjectOf(who caller, tool string, arguments any) (subject, error) {
	raw, err := json.Marshal(arguments)
	return subject{who.Subject, who.ClientID, tool, raw}, err
}

// sign makes the state of a question.
func (t *tools) sign(ctx context.Context, about subject, a asked) (string, error) {
	a.Expires = t.clinic.Now().Add(questionLife).Unix()
	payload, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	sum, err := t.sum(ctx, about, payload)
	if err != nil {
		return "", err
	}
	return stateVersion + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + base64.RawURLEncoding.EncodeToString(sum), nil
}

// recall reads a state that came back. Why one is refused is for the log only.
func (t *tools) recall(ctx context.Context, about subject, state string) (asked, error) {
	a, err := t.verify(ctx, about, state)
	var refused *stateError
	if errors.As(err, &refused) {
		t.log.InfoContext(ctx, "requestState refused", "tool", about.tool, "why", refused.why)
		return asked{}, errNotOpen
	}
	return a, err
}

type stateError struct{ why string }

func (e *stateError) Error() string { return "requestState: " + e.why }

func (t *tools) verify(ctx context.Context, about subject, state string) (a asked, err error) {
	parts := strings.Split(state[:min(len(state), maxState)], ".")
	if len(state) > maxState || len(parts) != 3 || parts[0] != stateVersion || strings.ContainsAny(state, "\r\n") { // which base64 overlooks, even a strict one
		return a, &stateError{"not of our form"}
	}
	payload, err1 := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	sum, err2 := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err := errors.Join(err1, err2); err != nil {
		return a, &stateError{err.Error()}
	}
	want, err := t.sum(ctx, about, payload)
	if err != nil {
		return a, err
	}
	if !hmac.Equal(sum, want) {
		return a, &stateError{"not signed by us for this person, client and call"}
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		return a, &stateError{err.Error()}
	}
	if t.clinic.Now().Unix() >= a.Expires {
		return a, &stateError{"expired"}
	}
	return a, nil
}

// sum is HMAC-SHA-256 over the purpose, the subject and the payload, each with its length before it, so that none runs into the next.
func (t *tools) sum(ctx context.Context, about subject, payload []byte) ([]byte, error) {
	key, err := t.secret.Bytes(ctx)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte("requestState " + stateVersion), []byte(about.person), []byte(about.client), []byte(about.tool), about.arguments, payload} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil), nil
}

// mayAsk tells whether the client can be asked with a form: it says so in every request (Elicitation, Capabilities), and it speaks
// a revision in which a result can ask. Before 2026-07-28 a question takes a session and a stream, and here are neither.
func mayAsk(req *sdk.CallToolRequest) bool {
	revision, _ := req.Params.Meta[sdk.MetaKeyProtocolVersion].(string)
	can := req.ClientCapabilities()
	if revision < revisions[0] || can == nil || can.Elicitation == nil {
		return false
	}
	return can.Elicitation.Form != nil || can.Elicitation.URL == nil // an empty object means forms
}

// isAnswer tells whether a call comes with the answer to a question.
func isAnswer(req *sdk.CallToolRequest) bool {
	return req.Params.RequestState != "" || req.Params.InputResponses != nil
}
