package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/possession"
)

// Where the authorization server and the MCP server both take proofs (RFC 9449 §5.1; RFC 9728 §2 or a challenge that names DPoP; MCP,
// SEP-1932), each login has a key of its own. It is made with the authorization request and sealed as the tokens are. What is issued
// is bound to it, so that a token that leaks is of no use to whoever finds it. A login keeps its kind: bound or not.

var proofAlgorithm = jwt.SigningMethodES256.Alg()

const (
	useNonce  = "use_dpop_nonce" // RFC 9449 §8, §9
	maxNonces = 16               // endpoints whose latest nonce we know
	maxNonce  = 1 << 10

	keyName = "proof key"
)

// errNotBound says that a key was proved, and the tokens are not bound to it.
var errNotBound = errors.New("token endpoint: the token is not bound to our key, although the authorization server promised that")

func newProofKey(s sealer) (sealed, thumbprint string, err error) {
	key, err := clientkey.New()
	if err != nil {
		return "", "", err
	}
	sealed, err = sealKey(s, key)
	return sealed, key.ID(), err
}

func sealKey(s sealer, key clientkey.Key) (string, error) {
	text, err := key.PEM()
	if err != nil {
		return "", err
	}
	return s.seal(keyName, string(text))
}

// openKey returns nil where there is no key.
func openKey(s sealer, sealed string) (*clientkey.Key, error) {
	if sealed == "" {
		return nil, nil
	}
	text, err := s.open(keyName, sealed)
	if err != nil {
		return nil, err
	}
	key, err := clientkey.Parse([]byte(text))
	return &key, err
}

// nonces are the latest that each endpoint gave. One of the authorization server means nothing to the MCP server (RFC 9449 §9), and they
// may share an origin.
type nonces struct {
	mu sync.Mutex
	of map[string]string // by address, without its query
}

func (n *nonces) at(address string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[endpointAt(address)]
}

// note remembers what an answer says, whatever its status (RFC 9449 §8.2).
func (n *nonces) note(address string, h http.Header) {
	nonce := h.Get(possession.NonceHeader)
	bad := func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' } // RFC 9449 §8.1
	if nonce == "" || len(nonce) > maxNonce || strings.ContainsFunc(nonce, bad) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	endpoint := endpointAt(address)
	if _, known := n.of[endpoint]; n.of == nil || !known && len(n.of) >= maxNonces {
		n.of = map[string]string{} // a nonce that is forgotten costs one more request
	}
	n.of[endpoint] = nonce
}

func endpointAt(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return possession.Target(u)
}

// errorCode is that of a refusal of the token endpoint (RFC 6749 §5.2).
func errorCode(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Error
}

// prover stands under the SDK, which knows bearer tokens only, and sends bound ones as RFC 9449 §7.1 wants it: with the scheme DPoP and a
// fresh proof in each request.
type prover struct {
	app  *app
	next http.RoundTripper
	key  func() *clientkey.Key // nil: the token is not bound
}

func (p *prover) RoundTrip(req *http.Request) (*http.Response, error) {
	token, held := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	key := p.key()
	if !held || key == nil {
		return p.next.RoundTrip(req)
	}
	if req.Body != nil {
		defer req.Body.Close()
	}
	address := req.URL.String()
	nonce := p.app.nonces.at(address)
	resp, err := p.send(req, *key, token, nonce)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	if fresh := p.app.nonces.at(address); fresh != nonce && asksForNonce(resp) {
		resp.Body.Close()
		return p.send(req, *key, token, fresh) // it was not carried out (RFC 9449 §9); a second refusal stands
	}
	return resp, nil
}

func (p *prover) send(req *http.Request, key clientkey.Key, token, nonce string) (*http.Response, error) {
	proof, err := possession.Prove(key, possession.Request{Method: req.Method, URL: req.URL.String(), AccessToken: token, Nonce: nonce}, p.app.now())
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	if req.GetBody != nil {
		if out.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	out.Header.Set("Authorization", possession.Scheme+" "+token)
	out.Header.Set(possession.Header, proof)
	resp, err := p.next.RoundTrip(out)
	if err == nil {
		p.app.nonces.note(req.URL.String(), resp.Header)
	}
	return resp, err
}

// asksForNonce reads a 401 and leaves it as it was.
func asksForNonce(resp *http.Response) bool {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxChallengeBody))
	if err != nil {
		body = nil // the headers may still say it
	}
	resp.Body.Close()
	copied := *resp
	copied.Body, resp.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	return readChallenge(&copied).Error == useNonce
}
