package lambda

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/net/http/httpguts"
)

type httpEvent = events.APIGatewayV2HTTPRequest

// ErrEvent says that an event is not what an HTTP API sends.
var ErrEvent = errors.New("lambda: this is no event of an API Gateway HTTP API with payload format 2.0")

// maxTarget bounds path and query, for a caller that is not API Gateway; what that lets through is shorter.
const maxTarget = 64 << 10

// read checks an event and makes of it one that aws-lambda-go-api-proxy reads rightly: a path that is encoded, a query without
// characters that a URL cannot have, a body that is plain, and no headers, which finish sets.
func read(e httpEvent) (httpEvent, error) {
	if err := check(e); err != nil {
		return httpEvent{}, err
	}
	if e.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return httpEvent{}, fmt.Errorf("%w: the body is not base64: %w", ErrEvent, err)
		}
		e.Body, e.IsBase64Encoded = string(body), false
	}
	decoded := url.URL{Path: path(e)}
	e.RawPath = decoded.EscapedPath()
	e.RawQueryString = encodeQuery(e.RawQueryString)
	e.QueryStringParameters, e.Headers, e.Cookies = nil, nil, nil
	e.RequestContext.DomainName = "host.invalid" // finish sets the host
	return e, nil
}

func check(e httpEvent) error {
	c := e.RequestContext
	switch {
	case e.Version != "2.0":
		return fmt.Errorf("%w: its version is %q", ErrEvent, e.Version)
	case !httpguts.ValidHeaderFieldName(c.HTTP.Method): // a method is a token, as a header's name is (RFC 9110 §9.1)
		return fmt.Errorf("%w: its method is %q", ErrEvent, c.HTTP.Method)
	case len(e.RawPath)+len(e.RawQueryString) > maxTarget:
		return fmt.Errorf("%w: its path or query is too long", ErrEvent)
	}
	return nil
}

// path is the path as the client meant it, decoded: without the prefix that a stage with a name has.
func path(e httpEvent) string {
	p := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(p, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			p = rest
		}
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return p
}

// encodeQuery leaves a query as it is, but for bytes that cannot stand in one (RFC 3986 §3.4), of which API Gateway sends none.
func encodeQuery(q string) string {
	var b strings.Builder
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("#\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// finish makes the request that aws-lambda-go-api-proxy built into what a server would have got.
func finish(r *http.Request, e httpEvent, host string) {
	r.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	r.RequestURI = r.URL.RequestURI()
	r.Host = host
	r.Header = header(e)
	r.RemoteAddr = ""
	if ip, err := netip.ParseAddr(e.RequestContext.HTTP.SourceIP); err == nil {
		r.RemoteAddr = net.JoinHostPort(ip.String(), "0") // the port stays with API Gateway
	}
}

// header has each value as it came. API Gateway has joined the values of headers that were sent more than once, and nobody can
// tell that comma from one of the client's.
func header(e httpEvent) http.Header {
	h := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if value := e.Headers[name]; httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) {
			h.Add(name, value)
		}
	}
	h.Del("Host") // as net/http does
	if len(e.Cookies) > 0 {
		cookies := slices.DeleteFunc(slices.Clone(e.Cookies), func(c string) bool { return !httpguts.ValidHeaderFieldValue(c) })
		h.Set("Cookie", strings.Join(cookies, "; ")) // in place of any header: "sam local" sends both
	}
	return h
}
