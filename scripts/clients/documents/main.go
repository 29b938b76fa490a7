// Command documents publishes the metadata documents of clients: https://localhost:PORT/NAME.json describes the client NAME, whose
// client_id that address is (https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document). Its certificate comes
// from an authority that lives as long as the program, and whose certificate it writes to the file of -ca.
//
// NAME-key.json is a client that proves itself with a key (RFC 7523), which is written to the file of -key.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"
)

func main() {
	ca := flag.String("ca", "", "where to write the certificate of the authority")
	key := flag.String("key", "", "where to write the key of clients that have one")
	flag.Parse()
	if err := serve(*ca, *key); err != nil {
		log.Fatal(err)
	}
}

func serve(caFile, keyFile string) error {
	cert, ca, err := certificate()
	if err != nil {
		return err
	}
	keys, err := clientKey(keyFile)
	if err != nil {
		return err
	}
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	base := fmt.Sprintf("https://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	fmt.Println(base)
	server := http.Server{Handler: documents(base, keys), ReadHeaderTimeout: 5 * time.Second, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	return server.ServeTLS(l, "", "")
}

var name = regexp.MustCompile(`^/([a-z0-9-]+?)(-key)?\.json$`)

func documents(base string, keys json.RawMessage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := name.FindStringSubmatch(r.URL.Path)
		if m == nil {
			http.NotFound(w, r)
			return
		}
		d := map[string]any{
			"client_id":   base + r.URL.Path,
			"client_name": m[1],
			"client_uri":  base + "/",
			// A native client listens at whatever port is free (RFC 8252 §7.3).
			"redirect_uris":              []string{"http://127.0.0.1/callback", "http://localhost/callback"},
			"application_type":           "native",
			"grant_types":                []string{"authorization_code", "refresh_token"},
			"response_types":             []string{"code"},
			"token_endpoint_auth_method": "none",
		}
		if m[2] != "" {
			d["token_endpoint_auth_method"], d["jwks"] = "private_key_jwt", keys
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=60")
		json.NewEncoder(w).Encode(d)
	})
}

// certificate makes an authority, and under it a certificate for localhost.
func certificate() (tls.Certificate, []byte, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Clients of VetAssist"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), err
}

// clientKey makes a key, writes it to a file (PKCS #8), and returns the JWKS of its public half.
func clientKey(file string) (json.RawMessage, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "alg": "ES256", "use": "sig", "kid": "1"},
	}})
}
