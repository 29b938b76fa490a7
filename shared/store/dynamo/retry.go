package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/vetassist/vetassist/shared/store"
)

// newRetryer is the SDK's, with pauses that fit DynamoDB's milliseconds and with what it does not know to be worth another
// attempt: a transaction in the way of ours, and an answer that breaks off. Its bucket of tokens keeps
// retries from making an outage worse.
func newRetryer() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 10
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return rand.N(min(25*time.Millisecond<<min(attempt, 10), time.Second)), nil
		})
		o.Retryables = append([]retry.IsErrorRetryable{retry.NoRetryCanceledError{}, retry.IsErrorRetryableFunc(passing)}, o.Retryables...)
	})
}

// passing knows what the SDK's own checks do not.
func passing(err error) aws.Ternary {
	var refused *refusal
	var garbled *smithy.DeserializationError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == "TransactionCanceledException":
		return aws.BoolTernary(unmetIn(err) < 0 && refused.hasReason("TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"))
	case errors.As(err, &refused) && refused.ErrorCode() == "TransactionConflictException", errors.As(err, &garbled), errors.Is(err, io.ErrUnexpectedEOF):
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// unmetIn is the first operation of a cancelled transaction whose condition did not hold, or -1.
func unmetIn(err error) int {
	var cancelled *refusal
	if !errors.As(err, &cancelled) {
		return -1
	}
	return slices.IndexFunc(cancelled.CancellationReasons, func(r reason) bool { return r.Code == "ConditionalCheckFailed" })
}

func (e *refusal) hasReason(codes ...string) bool {
	return slices.ContainsFunc(e.CancellationReasons, func(r reason) bool { return slices.Contains(codes, r.Code) })
}

// watching is a retryer that remembers whether an attempt may have been carried out without our knowing.
type watching struct {
	*retry.Standard
	unsure bool
}

// IsErrorRetryable is asked after each attempt that failed.
func (w *watching) IsErrorRetryable(err error) bool {
	var api smithy.APIError
	var answer interface{ HTTPStatusCode() int }
	var dial *net.OpError
	refused := errors.As(err, &api) && errors.As(err, &answer) && answer.HTTPStatusCode() < 500
	if !refused && !(errors.As(err, &dial) && dial.Op == "dial") {
		w.unsure = true
	}
	return w.Standard.IsErrorRetryable(err)
}

// explain turns what the SDK says into the contract's errors and plain words. The caller's context's own error stays itself.
func (db *DB) explain(caller context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := caller.Err(); ended != nil {
		return fmt.Errorf("dynamodb: %w", ended)
	}
	var api smithy.APIError
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch code {
	case "ResourceNotFoundException":
		return fmt.Errorf("there is no DynamoDB table %q in %s: deploy template.yaml, which makes it, or name another with VETASSIST_TABLE: %w", db.table, db.where, err)
	case "AccessDeniedException":
		return fmt.Errorf("AWS does not let this process do that with the DynamoDB table %q: see the policies in template.yaml: %w", db.table, err)
	case "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException", "MissingAuthenticationToken",
		"IncompleteSignatureException", "ExpiredTokenException", "InvalidClientTokenId":
		return fmt.Errorf("AWS does not know the credentials in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or they have expired, or the clock of this machine is wrong: %w", err)
	}
	if errors.Is(err, errNoCredentials) {
		return fmt.Errorf("DynamoDB needs credentials: %w", err)
	}
	if errors.Is(err, context.DeadlineExceeded) || db.retryer.IsErrorRetryable(err) {
		return fmt.Errorf("%w (%v)", store.ErrBusy, err)
	}
	return fmt.Errorf("dynamodb: %w", err)
}
