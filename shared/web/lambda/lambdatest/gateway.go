package lambdatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Gateway is an API Gateway HTTP API with payload format 2.0: an http.Handler that turns requests into events.
type Gateway struct {
	Domain string // what events say of the domain name; empty: the Host of the request without its port
	Stage  string // empty: $default, which has no prefix
	// Remap renames a WWW-Authenticate header, as API Gateway does unasked for some.
	Remap bool

	routes []route
}

// NewGateway reads the routes, which may come in any order.
func NewGateway(routes ...Route) (*Gateway, error) {
	read, err := readRoutes(routes)
	if err != nil {
		return nil, err
	}
	return &Gateway{routes: read}, nil
}

const (
	maxRequest = 10 << 20 // that API Gateway takes
	maxWait    = 30 * time.Second
)

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	path, ok := g.path(r)
	if !ok {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	for _, route := range g.routes {
		params, ok := route.match(r.Method, path)
		if !ok {
			continue
		}
		event, err := g.event(w, r, route.Key, params, id)
		if err != nil {
			fail(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), maxWait)
		defer cancel()
		answer, err := route.To.Invoke(ctx, event)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			fail(w, http.StatusServiceUnavailable, "Service Unavailable")
		case err != nil:
			fail(w, http.StatusInternalServerError, "Internal Server Error")
		default:
			g.answer(w, answer)
		}
		return
	}
	fail(w, http.StatusNotFound, "Not Found")
}

// fail is what API Gateway itself says, with no correlation id of ours.
func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}

// path is the path without the stage, decoded. API Gateway loses what follows an encoded question mark.
func (g *Gateway) path(r *http.Request) (string, bool) {
	path, _, _ := strings.Cut(r.URL.Path, "?")
	if g.Stage == "" {
		return path, true
	}
	rest, ok := strings.CutPrefix(path, "/"+g.Stage)
	if rest == "" {
		rest = "/"
	}
	return rest, ok && rest[0] == '/'
}

func (g *Gateway) event(w http.ResponseWriter, r *http.Request, key string, params map[string]string, id string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	path, _, _ := strings.Cut(r.URL.Path, "?")
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	domain, stage, now := g.Domain, g.Stage, time.Now().UTC()
	if domain == "" {
		domain = r.Host
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			domain = name
		}
	}
	if stage == "" {
		stage = "$default"
	}
	prefix, _, _ := strings.Cut(domain, ".")
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: key, RawPath: path, RawQueryString: r.URL.RawQuery,
		Headers: headers(r, source, len(body)), Cookies: cookies(r), PathParameters: params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: key, AccountID: "123456789012", Stage: stage, RequestID: id, APIID: "a1b2c3d4e5", DomainName: domain, DomainPrefix: prefix,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range query {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	if len(body) > 0 {
		e.Body, e.IsBase64Encoded = string(body), binary(r.Header, body)
		if e.IsBase64Encoded {
			e.Body = base64.StdEncoding.EncodeToString(body)
		}
	}
	return json.Marshal(e)
}

// headers are in lower case, several of a name joined by commas; those of the connection stay behind, and API Gateway adds its own.
func headers(r *http.Request, source string, length int) map[string]string {
	h := map[string]string{}
	for name, values := range r.Header {
		switch name {
		case "Cookie", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		default:
			h[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	h["host"] = r.Host
	h["content-length"] = fmt.Sprint(length)
	if before := h["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	h["x-forwarded-for"] = source
	h["x-forwarded-proto"], h["x-forwarded-port"] = "http", "80"
	if r.TLS != nil {
		h["x-forwarded-proto"], h["x-forwarded-port"] = "https", "443"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		h["x-forwarded-port"] = port
	}
	h["x-amzn-trace-id"] = fmt.Sprintf("Root=1-%x-%s", time.Now().Unix(), hexText(12))
	return h
}

func cookies(r *http.Request) []string {
	var list []string
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				list = append(list, cookie)
			}
		}
	}
	return list
}

// binary reports whether a body is sent as base64: all that API Gateway does not know as text, forms included.
func binary(h http.Header, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case h.Get("Content-Encoding") != "" || !utf8.Valid(body):
		return true
	case kind == "application/json", kind == "application/xml", kind == "application/javascript":
		return false
	}
	return !strings.HasPrefix(kind, "text/")
}

// answer writes what a function answered. What is no answer in format 2.0 is the function's fault.
func (g *Gateway) answer(w http.ResponseWriter, raw []byte) {
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(raw, &out); err != nil || out.StatusCode < 200 || out.StatusCode > 599 {
		fail(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	body := []byte(out.Body)
	if out.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
			fail(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
	}
	h := w.Header()
	for name, value := range out.Headers {
		if g.Remap && strings.EqualFold(name, "WWW-Authenticate") {
			name = "X-Amzn-Remapped-Www-Authenticate"
		}
		h.Set(name, value)
	}
	for _, cookie := range out.Cookies {
		h.Add("Set-Cookie", cookie)
	}
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = nil // net/http would guess
		if len(body) > 0 {
			h.Set("Content-Type", "text/plain;charset=UTF-8")
		}
	}
	w.WriteHeader(out.StatusCode)
	w.Write(body)
}

func requestID() string {
	b := make([]byte, 11)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
