package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	asPath   = "/.well-known/oauth-authorization-server"
	oidcPath = "/.well-known/openid-configuration"
	prPath   = "/.well-known/oauth-protected-resource"
	keysPath = "/.well-known/jwks.json"

	warmRounds    = 4
	slowCold      = 3 * time.Second
	slowWarm      = time.Second
	skewTolerated = 5 * time.Second
	skewWrong     = time.Minute
	certWarning   = 14 * 24 * time.Hour
)

// connection finds out whether and how the server can be reached. If not, there is nothing more to look at.
func (x *exam) connection(ctx context.Context) (goOn bool) {
	l := x.look("reachable", "GET "+x.base+asPath)
	if strings.HasPrefix(x.base, "http://") && !x.local {
		l.wrong("Plain http: whoever is on the way reads passwords, codes and tokens.", "OAuth 2.1 §1.5, RFC 8414 §2",
			"Serve it with TLS, and ask for the https address. Plain http is for localhost only.")
		return false
	}
	first, err := x.get(ctx, asPath)
	if err != nil {
		l.failed(err)
		return false
	}
	l.ok("It answers: "+first.says()+".", "")
	x.encrypted(ctx, first)
	x.plainHTTP(ctx)
	first = x.settle(ctx, first)
	x.clock(first)
	x.requestID(first)
	x.latency(ctx, first)
	return true
}

// encrypted looks at TLS and the certificate. That the certificate is valid, the client has checked already.
func (x *exam) encrypted(ctx context.Context, first answer) {
	if first.tls == nil {
		x.look("tls", "the connection").ok("Plain http, as is right on this machine, and nowhere else.", "OAuth 2.1 §1.5")
		return
	}
	l := x.look("tls", "the TLS handshake")
	if version := x.oldTLS(ctx); version != 0 {
		l.warning("It speaks "+tls.VersionName(first.tls.Version)+", but also "+tls.VersionName(version)+", which is broken.", "RFC 9325 §3.1.1, RFC 8996",
			"Set the lowest version to TLS 1.2: at API Gateway by a custom domain with the security policy TLS_1_2.")
	} else {
		l.ok(tls.VersionName(first.tls.Version)+"; nothing older than TLS 1.2 is accepted.", "RFC 9325 §3.1.1")
	}
	// The chain that was verified, not the one that was sent: what ends first ends it all.
	chain := first.tls.PeerCertificates
	if len(first.tls.VerifiedChains) > 0 {
		chain = first.tls.VerifiedChains[0]
	}
	l = x.look("certificate", "the certificate of "+x.host)
	end := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	left := end.Sub(x.now())
	when := fmt.Sprintf("valid until %s (%d days)", end.UTC().Format(time.DateOnly), int(left.Hours()/24))
	if left < certWarning {
		l.warning("It is "+when+": from then on nobody gets in.", "RFC 5280 §4.1.2.5",
			"Renew it now, and see why it was not renewed by itself (ACM does it when its DNS record is still there).")
		return
	}
	l.ok("It is for this name, from whom this machine trusts, and "+when+".", "RFC 9525 §6")
}

// oldTLS offers TLS 1.1 at most, and returns what the server agrees to: 0 is right.
func (x *exam) oldTLS(ctx context.Context) uint16 {
	u, err := url.Parse(x.base)
	if err != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	dial := x.transport.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return 0
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		InsecureSkipVerify: true}) // nothing is sent or believed: it is only about which version is agreed on
	if c.HandshakeContext(ctx) != nil {
		return 0
	}
	return c.ConnectionState().Version
}

// plainHTTP looks at port 80 of a server that has https: closed, or a redirect.
func (x *exam) plainHTTP(ctx context.Context) {
	u, err := url.Parse(x.base)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout/3) // firewalls answer with silence
	defer cancel()
	l := x.look("plain-http", "GET http://"+u.Host+"/")
	a, err := x.send(ctx, http.MethodGet, "http://"+u.Host+"/", "")
	to := a.header.Get("Location")
	const mend = "Let port 80 do nothing but redirect to https, or close it. API Gateway has it closed; a load balancer or CloudFront needs the rule."
	switch {
	case err != nil:
		l.ok("Plain http is not answered.", "OAuth 2.1 §1.5")
	case a.status >= 300 && a.status < 400 && strings.HasPrefix(to, "https://"+u.Host+"/"):
		l.ok("Plain http is redirected to https.", "OAuth 2.1 §1.5")
	case a.status >= 300 && a.status < 400:
		l.wrong("Plain http is redirected to "+clip(to)+", not to the same address with https.", "OAuth 2.1 §1.5", mend)
	case a.status >= 400:
		l.ok("Plain http is refused with "+a.says()+".", "OAuth 2.1 §1.5")
	default:
		l.wrong("Plain http is answered with "+a.says()+": a person who types the name without https sends the password in the open.", "OAuth 2.1 §1.5", mend)
	}
}

// clock compares the server's clock with ours. Tokens and codes live minutes, so a wrong clock refuses good ones.
func (x *exam) clock(a answer) {
	l := x.look("clock", "the header Date")
	theirs, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		l.warning("There is none, or it is no date: the clock cannot be compared.", "RFC 9110 §6.6.1", "See what in front of the server takes it away.")
		return
	}
	if age, err := strconv.Atoi(a.header.Get("Age")); err == nil && age > 0 && age < 1<<31 { // it was made when a cache stored the answer (RFC 9111 §5.1)
		theirs = theirs.Add(time.Duration(age) * time.Second)
	}
	// The header has whole seconds, and was written at some time between our request and its answer.
	skew := time.Duration(0)
	if early := a.sent.Truncate(time.Second).Sub(theirs); early > 0 {
		skew = -early
	} else if late := theirs.Sub(a.received); late > 0 {
		skew = late
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	reason := fmt.Sprintf("The server's clock is %s %s this machine's.", skew.Abs().Round(time.Second), way)
	const mend = "Set the clock that is wrong, here or there, by NTP. In Lambda it is always right; then something in front answers from a cache, or writes its own Date."
	switch {
	case skew.Abs() > skewWrong:
		l.wrong(reason+" Tokens are refused as run out, or as not valid yet.", "RFC 7519 §4.1.4, §4.1.5", mend)
	case skew.Abs() > skewTolerated:
		l.warning(reason, "RFC 7519 §4.1.4", mend)
	default:
		l.ok(fmt.Sprintf("It agrees with this machine's clock to within %s.", skewTolerated), "RFC 7519 §4.1.4")
	}
}

// requestID looks for the number that a person reports when something breaks.
func (x *exam) requestID(a answer) {
	l := x.look("request-id", "the header X-Request-Id")
	if a.header.Get("X-Request-Id") == "" {
		l.warning("There is none, so nobody can find in the log what somebody reports.", "", "See what in front of the server takes it away, or whether it is another server that answers.")
		return
	}
	l.ok("Every answer names the request in the log that it belongs to.", "")
}

// latency compares the first answer of each function with later ones. In the cloud the first may start the function.
func (x *exam) latency(ctx context.Context, first answer) {
	for _, f := range []struct{ name, path string }{
		{"authorization server", asPath}, {"keys", keysPath}, {"MCP server", prPath}, {"admin", "/admin/"}, {"chat app", "/"},
	} {
		l := x.look("latency", fmt.Sprintf("%s, %d times GET %s", f.name, warmRounds+1, f.path))
		cold, err := first, error(nil)
		if f.path != asPath {
			cold, err = x.get(ctx, f.path)
		}
		var warm []time.Duration
		for range warmRounds {
			if err != nil {
				break
			}
			var a answer
			a, err = x.get(ctx, f.path)
			warm = append(warm, a.took)
		}
		if err != nil {
			l.failed(err)
			return // the others would fail as slowly
		}
		slices.Sort(warm)
		median := (warm[len(warm)/2-1] + warm[len(warm)/2]) / 2
		reason := fmt.Sprintf("The first answer took %s, later ones %s (median).", milliseconds(cold.took), milliseconds(median))
		switch {
		case median > slowWarm:
			l.warning(reason+" That is slow for every user.", "", "See in the trace where the time goes: a function with too little memory has too little CPU, and a table in another region is far away.")
		case cold.took > slowCold:
			l.warning(reason+" The start is slow.", "", "Give the function more memory (CPU comes with it), or provisioned concurrency if the first user of the day matters.")
		default:
			l.ok(reason, "")
		}
	}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
}
