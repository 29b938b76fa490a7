package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/web"
)

// maxSites bounds the domain names that one process answers for. An API has its own and perhaps one or two more.
const maxSites = 8

// Function answers events. It is safe for concurrent use.
type Function struct {
	baseURL string
	open    func(baseURL string) (http.Handler, error)
	log     *slog.Logger

	mu    sync.Mutex
	sites map[string]site // by base URL
}

type site struct {
	host    string // of the base URL
	handler http.Handler
}

// New makes what answers HTTP API events (payload 2.0) with an http.Handler. Without a base URL the handler is opened at the
// first event, for https:// and its domain name, which API Gateway sets; with one, the handler is opened at once, and names
// that requests come by do not matter. An open that fails is logged and tried again at the next event, which is answered 503.
func New(baseURL string, open func(baseURL string) (http.Handler, error), log *slog.Logger) (*Function, error) {
	f := &Function{open: open, log: log, sites: map[string]site{}}
	if baseURL == "" {
		return f, nil
	}
	var err error
	if f.baseURL, err = config.Origin(baseURL); err != nil {
		return nil, fmt.Errorf("the base URL: %w", err)
	}
	if _, err := f.site(""); err != nil {
		log.Error("cannot open", "baseURL", f.baseURL, "err", err)
	}
	return f, nil
}

// Invoke answers one event. An error means that the event is none of an HTTP API; all else is an answer.
func (f *Function) Invoke(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	in, err := read(e)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	id := e.RequestContext.RequestID
	if id == "" {
		id = rand.Text()[:12]
	}
	ctx = web.WithRequestID(ctx, id)
	adapter := httpadapter.NewV2(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, err := f.site(e.RequestContext.DomainName)
		finish(r, e, site.host)
		if err != nil {
			f.refuse(w, r, http.StatusServiceUnavailable, "cannot open", err)
			return
		}
		f.serve(w, r, site.handler)
	}))
	out, err := adapter.ProxyWithContext(ctx, in)
	if err != nil {
		return out, err
	}
	if !fits(out) {
		w := core.NewProxyResponseWriterV2()
		r := (&http.Request{Method: e.RequestContext.HTTP.Method, URL: &url.URL{Path: path(e)}}).WithContext(ctx)
		f.refuse(w, r, http.StatusInternalServerError, "failed", errTooLarge)
		return w.GetProxyResponse()
	}
	return out, nil
}

var errManyNames = errors.New("lambda: too many domain names; set the base URL")

// site is the handler for a domain name, opened when it is not.
func (f *Function) site(domain string) (site, error) {
	baseURL := f.baseURL
	if baseURL == "" {
		var err error
		if baseURL, err = origin(domain); err != nil {
			return site{}, fmt.Errorf("the event's domain name: %w", err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.sites[baseURL]
	if ok {
		return s, nil
	}
	_, s.host, _ = strings.Cut(baseURL, "://")
	if len(f.sites) == maxSites {
		return s, errManyNames
	}
	var err error
	if s.handler, err = f.open(baseURL); err != nil {
		return s, err
	}
	f.sites[baseURL] = s
	return s, nil
}

// origin is the base URL at a domain name. A port and the dot of the root are left out: they lead to the same API, and each spelling
// would be an issuer of its own and take one of the maxSites.
func origin(domain string) (string, error) {
	u, err := url.Parse("https://" + domain)
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(u.Hostname(), ".")
	if config.IsLoopback(name) { // or everybody would log in with the demo's passwords
		return "", fmt.Errorf("%s is not one of AWS", name)
	}
	u.Host = name
	return config.Origin(u.String())
}
