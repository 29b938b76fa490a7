package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	maxBody   = 256 << 10 // bytes of one answer
	maxHeader = 64 << 10
)

// newClient follows no redirect: where one leads is a finding.
func newClient(t *http.Transport, now func() time.Time) *http.Client {
	t.MaxResponseHeaderBytes = maxHeader
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.Time = now
	return &http.Client{Transport: t, Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what came back.
type answer struct {
	status         int
	header         http.Header
	body           []byte
	tls            *tls.ConnectionState
	sent, received time.Time
	took           time.Duration // from the request, on an open connection, to the answer's header
}

func (x *exam) get(ctx context.Context, path string, headers ...string) (answer, error) {
	return x.send(ctx, http.MethodGet, x.base+path, "", headers...)
}

// send makes one request. Headers come as name, value, name, value.
func (x *exam) send(ctx context.Context, method, url, body string, headers ...string) (a answer, err error) {
	connected := time.Time{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = x.now() }})
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("User-Agent", "vetassist-doctor")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	a.sent = x.now()
	resp, err := x.http.Do(r)
	a.received = x.now()
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(a.body) > maxBody {
		err = fmt.Errorf("the answer is larger than %d KiB", maxBody>>10)
	}
	a.status, a.header, a.tls, a.took = resp.StatusCode, resp.Header, resp.TLS, a.received.Sub(connected)
	return a, err
}

// says is an answer in a few words.
func (a answer) says() string {
	s := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	if to := a.header.Get("Location"); to != "" {
		s += " to " + clip(to)
	}
	return s
}

// jsonType tells whether the answer calls itself JSON.
func (a answer) jsonType() bool {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// clip keeps what a stranger's server says from filling the screen, and from what is not seen: commands to the terminal, marks that turn the
// writing round.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// unreachable is why there was no answer, and what helps.
func (x *exam) unreachable(err error) (reason, rule, mend string) {
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		plain   tls.RecordHeaderError
		timeout net.Error
	)
	switch {
	case errors.As(err, &unknown):
		return "The certificate is signed by nobody whom this machine trusts. Clients refuse such a server.", "RFC 9525 §6, RFC 9325 §7.1",
			"Use a certificate of a public authority (ACM, Let's Encrypt), and serve the whole chain with it. Behind API Gateway or a load balancer, that is the one of the domain name there."
	case errors.As(err, &name):
		return "The certificate is for another name: " + clip(name.Error()) + ".", "RFC 9525 §6.3",
			"Get a certificate that names " + x.host + ", or use the name that it has; then that is the base URL."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate has run out, or is not valid yet: " + clip(invalid.Error()) + ".", "RFC 5280 §4.1.2.5",
			"Renew it. If it is valid, the clock of this machine is wrong."
	case errors.As(err, &invalid):
		return "The certificate cannot be used: " + clip(invalid.Error()) + ".", "RFC 5280 §6", "Replace it with one of a public authority."
	case errors.As(err, &plain):
		return "It answers on this port, but not with TLS.", "OAuth 2.1 §1.5", "Put TLS in front, or name the port that has it."
	case errors.As(err, &dns):
		return "The name " + x.host + " leads nowhere.", "", "Look for a typing error. If the domain is new, its DNS record is missing or not known everywhere yet."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nobody listens there.", "", "Start the server, or check the port. On your own machine: go run ./functions/vetassist"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "No answer within " + requestTimeout.String() + ".", "", "See whether a firewall or a security group is in the way, and whether the function runs into its own timeout (its log says so)."
	}
	return "There was no usable answer: " + clip(err.Error()) + ".", "", "See the log of the server, and of what stands in front of it."
}

// failed ends a check that got no answer at all.
func (l look) failed(err error) { l.wrong(l.x.unreachable(err)) }
