package dynamo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// maxAnswer bounds an answer: DynamoDB's own bound is 1 MB a query.
const maxAnswer = 16 << 20

// attributes are an item, a key or the values of an expression.
type attributes map[string]attribute

// attribute is a text or a number, which is all that the table has.
type attribute struct {
	S *string `json:",omitempty"`
	N *string `json:",omitempty"`
}

// action is what is asked of the table, in DynamoDB's words: each operation knows some.
type action map[string]any

// answer is what comes of an action.
type answer struct {
	Item             attributes
	Items            []attributes
	LastEvaluatedKey attributes
	Table            struct{ TableStatus string }
}

// refusal is an answer that is none, in DynamoDB's words.
type refusal struct {
	Type                string `json:"__type"`
	Message             string
	Item                attributes // of a condition that did not hold: what is there
	CancellationReasons []reason   // of a transaction: one for each of its items

	status int
}

type reason struct{ Code string }

var _ smithy.APIError = (*refusal)(nil)

func (e *refusal) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.ErrorCode(), e.Message) }

// ErrorCode is the type without its namespace. This and the rest is what the SDK's retryer looks for.
func (e *refusal) ErrorCode() string             { return e.Type[strings.LastIndexByte(e.Type, '#')+1:] }
func (e *refusal) ErrorMessage() string          { return e.Message }
func (e *refusal) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }
func (e *refusal) HTTPStatusCode() int           { return e.status }

// sendError is a request of which nobody knows whether it arrived.
type sendError struct{ error }

func (e sendError) Unwrap() error         { return e.error }
func (e sendError) ConnectionError() bool { return true }

// client speaks DynamoDB's protocol, AWS JSON 1.0, as far as the table needs it, with the SDK's signer and retryer; doc.go says
// why not with its client. It knows no clock but this machine's: one that is wrong by minutes is refused.
type client struct {
	http        *http.Client
	url, region string
	credentials aws.CredentialsProviderFunc
	signer      *signer.Signer
}

// do carries out an operation, in as many attempts as retryer and ctx allow.
func (c *client) do(ctx context.Context, retryer aws.RetryerV2, operation string, in action) (*answer, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	refund := func(error) error { return nil }
	for attempt := 1; ; attempt++ {
		release, err := retryer.GetAttemptToken(ctx)
		if err != nil {
			return nil, err
		}
		out, err := c.attempt(ctx, operation, body)
		release(err)
		refund(err) // a retry that helped costs nothing, as in the SDK
		if err == nil || !retryer.IsErrorRetryable(err) || attempt == retryer.MaxAttempts() {
			return out, err
		}
		if refund, err = pause(ctx, retryer, attempt, err); err != nil {
			return nil, err
		}
	}
}

// pause waits until after cause another attempt may be made, and gives back what has to hear how that ended. An error is that there may be none.
func pause(ctx context.Context, retryer aws.RetryerV2, attempt int, cause error) (refund func(error) error, err error) {
	if refund, err = retryer.GetRetryToken(ctx, cause); err != nil {
		return nil, fmt.Errorf("%w: %w", err, cause)
	}
	delay, err := retryer.RetryDelay(attempt, cause)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return refund, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
}

func (c *client) attempt(ctx context.Context, operation string, body []byte) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	who, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, who, r, hex.EncodeToString(sum[:]), "dynamodb", c.region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, sendError{err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, sendError{err}
	}
	return understand(resp, text)
}

// understand reads an answer. One that is garbled is told from one that is a refusal: what it answers may have been carried out.
func understand(resp *http.Response, text []byte) (*answer, error) {
	if sum := resp.Header.Get("X-Amz-Crc32"); sum != "" && sum != strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10) {
		return nil, &smithy.DeserializationError{Err: fmt.Errorf("the answer's checksum is not %s", sum)}
	}
	if resp.StatusCode != http.StatusOK {
		e := &refusal{status: resp.StatusCode}
		if json.Unmarshal(text, e) != nil { // by something in between
			e = &refusal{status: resp.StatusCode, Message: resp.Status}
		}
		return nil, e
	}
	var out answer
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, &smithy.DeserializationError{Err: err}
	}
	return &out, nil
}
