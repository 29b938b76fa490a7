package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	aws "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vetassist/vetassist/shared/egress"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// Start is the main of a function in Lambda: it opens the function with the base URL of h, or without one with that of the
// first event, and answers events until the process ends. What h has of no clock, randomness, HTTP client and log, it gets. The log
// is in the format and at the level that the function's settings say (AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL).
func Start(h host.Host, party trace.Party, open func(host.Host) (http.Handler, error)) {
	if h.Now == nil {
		h.Now = host.Clock
	}
	if h.Rand == nil {
		h.Rand = rand.Reader
	}
	if h.Outside == nil {
		h.Outside = egress.Client(h.ClientDomains, nil)
	}
	if h.HTTP == nil {
		h.HTTP = Client(h.Config)
	}
	if h.Log == nil {
		h.Log = lambdacontext.NewLogger()
	}
	f, err := observed(h, party, open)
	if err != nil {
		h.Log.Error("cannot start", "err", err)
		os.Exit(1) // Lambda tells it as an error of the start
	}
	if h.SAMLocal {
		aws.Start(f.invokeLocal)
	}
	aws.Start(f.invoke)
}

// observed is what answers the events of a function, with what all functions share around it.
func observed(h host.Host, party trace.Party, open func(host.Host) (http.Handler, error)) (*Function, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	return New(h.BaseURL, func(baseURL string) (http.Handler, error) {
		h := h
		h.BaseURL = baseURL
		handler, err := recorded(h, party, open)
		if err != nil {
			return nil, err
		}
		return web.Observe(h.Log, http.MaxBytesHandler(handler, web.MaxBody)), nil
	}, h.Log)
}

// recorded opens a function, behind the flight recorder if that is on. A function that is no party of a flow, or records its parties
// itself, has none.
func recorded(h host.Host, party trace.Party, open func(host.Host) (http.Handler, error)) (http.Handler, error) {
	if !h.Records() || party == "" {
		return open(h)
	}
	r, err := trace.New(trace.Options{BaseURL: h.BaseURL, Store: h.Store, Now: h.Now, Log: h.Log, Direct: true})
	if err != nil {
		return nil, err
	}
	h.HTTP, h.Outside = r.Client(party, h.HTTP), r.Strangers(party, h.Outside)
	handler, err := open(h)
	if err != nil {
		return nil, err
	}
	return r.Handler(party, handler), nil
}

// invoke is Invoke for an event that may be anything: aws-lambda-go by itself takes whatever is JSON, with most of it left out.
func (f *Function) invoke(ctx context.Context, raw json.RawMessage) (events.APIGatewayV2HTTPResponse, error) {
	e, err := parse(raw)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return f.Invoke(ctx, e)
}

func parse(raw json.RawMessage) (e httpEvent, err error) {
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	return e, nil
}
