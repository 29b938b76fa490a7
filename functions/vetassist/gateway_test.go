package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const public = "https://demo.example.com"

// gateway is what stands in front of a deployed server: TLS, a name, and whatever it does to what passes.
type gateway struct {
	to      string // the server's address
	clock   *clock
	cert    certificate
	trusted bool
	lowest  uint16 // TLS version
	port80  http.HandlerFunc
	before  func(*http.Request)            // changes a request on its way in
	after   func(*http.Response)           // changes an answer on its way out
	instead func(*http.Request) (int, any) // answers itself; status 0: it does not
}

type certificate struct {
	name string
	ends time.Duration // from now
}

// transport starts the gateway and reaches it under any name.
func (g *gateway) transport(t *testing.T) *http.Transport {
	t.Helper()
	front := httptest.NewUnstartedServer(http.HandlerFunc(g.serve))
	authority, leaf := makeCertificate(t, g.cert, g.clock.Now())
	front.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: g.lowest}
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is tested
	front.StartTLS()
	t.Cleanup(front.Close)
	var open *httptest.Server
	if g.port80 != nil {
		open = httptest.NewServer(g.port80)
		t.Cleanup(open.Close)
	}
	roots := x509.NewCertPool()
	if g.trusted {
		roots.AddCert(authority)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		to := front.Listener.Addr()
		if strings.HasSuffix(address, ":80") {
			if open == nil {
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			to = open.Listener.Addr()
		}
		return (&net.Dialer{}).DialContext(ctx, network, to.String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", g.clock.Now().UTC().Format(http.TimeFormat))
	if g.instead != nil {
		if status, body := g.instead(r); status != 0 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
			return
		}
	}
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", g.to
	if g.before != nil {
		g.before(out)
	}
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	resp.Header.Set("Date", w.Header().Get("Date"))
	resp.Header.Del("Content-Length") // a change of the body changes it
	if g.after != nil {
		g.after(resp)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// makeCertificate makes an authority, and a certificate of it.
func makeCertificate(t *testing.T, c certificate, now time.Time) (authority *x509.Certificate, leaf tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(template *x509.Certificate, parent *x509.Certificate) *x509.Certificate {
		template.NotBefore = now.Add(-400 * 24 * time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, NotAfter: now.Add(4000 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	authority = sign(root, root)
	own := sign(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: c.name}, NotAfter: now.Add(c.ends), DNSNames: []string{c.name}}, authority)
	return authority, tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: key}
}
