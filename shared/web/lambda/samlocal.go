package lambda

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// pause is how long an invocation lasts at least under "sam local". SAM holds every answer back until it has read the line REPORT
// in the container's log, and overlooks that line when it comes together with START and END, as it does after a quick answer.
// Then it waits a second. With the pause, START has come before.
const pause = 10 * time.Millisecond

// invokeLocal is invoke under "sam local".
func (f *Function) invokeLocal(ctx context.Context, raw json.RawMessage) (events.APIGatewayV2HTTPResponse, error) {
	defer time.Sleep(pause)
	e, err := parse(raw)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		e.RequestContext.RequestID = lc.AwsRequestID // SAM gives all events the same; this one stands in its log
	}
	return f.Invoke(ctx, e)
}
