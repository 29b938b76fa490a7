package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// proofJudge stands before both servers of a world, binds what they give to a key, and takes bound tokens with a good proof only.
type proofJudge struct {
	w *world

	// What a test may change.
	atServer, atResource []string // dpop_signing_alg_values_supported; nil: not said
	challenged           bool     // the challenge of the MCP server names the scheme
	tokenNonce, mcpNonce string   // to be in the proofs
	bearer               bool     // the token endpoint takes no notice of proofs

	mu     sync.Mutex
	keys   map[string]string // code, refresh or access token to the thumbprint that it is bound to
	proofs map[string]bool   // jti
	asked  []string          // dpop_jkt of authorization requests; "" where there was none
	found  []string          // what was wrong with a proof
	seen   []string          // "token" or "mcp", and the nonce, of each request with a proof that is in order
	bare   int               // tokens that were sent as bearer tokens to the MCP server
}

// judged puts a judge in front of a world's servers.
func (w *world) judged() *proofJudge {
	j := &proofJudge{w: w, atServer: []string{"RS256", "ES256"}, atResource: []string{"ES256"}, keys: map[string]string{}, proofs: map[string]bool{}}
	inner := w.other.Config.Handler
	w.other.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { j.serve(rw, r, inner) })
	return j
}

func (j *proofJudge) serve(rw http.ResponseWriter, r *http.Request, inner http.Handler) {
	switch r.URL.Path {
	case "/.well-known/oauth-protected-resource/mcp":
		j.describe(rw, r, inner, j.atResource)
	case "/.well-known/oauth-authorization-server":
		j.describe(rw, r, inner, j.atServer)
	case "/authorize":
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		to, err := answer.Result().Location()
		if err != nil {
			j.w.t.Error(err)
			return
		}
		j.mu.Lock()
		j.asked = append(j.asked, r.FormValue("dpop_jkt"))
		j.keys[to.Query().Get("code")] = r.FormValue("dpop_jkt")
		j.mu.Unlock()
		http.Redirect(rw, r, to.String(), http.StatusSeeOther)
	case "/token":
		j.token(rw, r, inner)
	case "/mcp":
		j.mcp(rw, r, inner)
	default:
		inner.ServeHTTP(rw, r)
	}
}

func (j *proofJudge) describe(rw http.ResponseWriter, r *http.Request, inner http.Handler, algorithms []string) {
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, r)
	var m map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &m); err != nil {
		j.w.t.Error(err)
	}
	if algorithms != nil {
		m["dpop_signing_alg_values_supported"] = algorithms
	}
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(m)
}

var errStaleNonce = errors.New("use_dpop_nonce")

// check returns the thumbprint of the key that a proof is by (RFC 9449 §4.3), or "" without a proof.
func (j *proofJudge) check(r *http.Request, place, token, nonce string) (string, error) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return "", nil
	}
	thumbprint := ""
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(strings.Join(headers, ","), claims, func(t *jwt.Token) (any, error) {
		jwk, ok := t.Header["jwk"].(map[string]any)
		if !ok || jwk["d"] != nil || jwk["crv"] != "P-256" || jwk["kty"] != "EC" {
			return nil, errors.New("no public key")
		}
		x, errX := base64.RawURLEncoding.DecodeString(jwk["x"].(string))
		y, errY := base64.RawURLEncoding.DecodeString(jwk["y"].(string))
		sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + jwk["x"].(string) + `","y":"` + jwk["y"].(string) + `"}`))
		thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		return key, errors.Join(errX, errY, err)
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(j.w.now))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(token))
	hash := any(base64.RawURLEncoding.EncodeToString(sum[:]))
	if token == "" {
		hash = nil
	}
	issued, _ := claims["iat"].(float64)
	id, _ := claims["jti"].(string)
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case parsed.Header["typ"] != "dpop+jwt":
		return "", errors.New("typ")
	case claims["htm"] != r.Method || claims["htu"] != "http://"+r.Host+r.URL.EscapedPath():
		return "", errors.New("for another request")
	case j.w.now().Sub(time.Unix(int64(issued), 0)).Abs() > time.Minute:
		return "", errors.New("iat")
	case id == "" || j.proofs[id]:
		return "", errors.New("used before")
	case claims["ath"] != hash:
		return "", errors.New("ath")
	}
	j.proofs[id] = true
	sent, _ := claims["nonce"].(string)
	j.seen = append(j.seen, strings.TrimSpace(place+" "+sent))
	if nonce != "" && sent != nonce {
		return "", errStaleNonce
	}
	return thumbprint, nil
}

func (j *proofJudge) token(rw http.ResponseWriter, r *http.Request, inner http.Handler) {
	refuse := func(code string) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(rw).Encode(map[string]string{"error": code})
	}
	if nonce := j.tokenNonce; nonce != "" {
		rw.Header().Set("DPoP-Nonce", nonce)
	}
	key, err := j.check(r, "token", "", j.tokenNonce)
	switch {
	case errors.Is(err, errStaleNonce):
		refuse("use_dpop_nonce")
		return
	case err != nil:
		j.complain("token", err)
		refuse("invalid_dpop_proof")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		j.w.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	held := r.PostFormValue("code") + r.PostFormValue("refresh_token")
	r.Body = io.NopCloser(bytes.NewReader(body))
	j.mu.Lock()
	bound, known := j.keys[held]
	j.mu.Unlock()
	if known && bound != "" && bound != key {
		j.complain("token", errors.New("another key than that of the code or refresh token"))
		refuse("invalid_grant")
		return
	}
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, r)
	var m map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &m); err != nil {
		j.w.t.Error(err)
	}
	if m["access_token"] != nil && key != "" && !j.bearer {
		m["token_type"] = "DPoP"
		j.mu.Lock()
		j.keys[m["access_token"].(string)] = key
		if refresh, ok := m["refresh_token"].(string); ok {
			j.keys[refresh] = key
		}
		j.mu.Unlock()
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(answer.Code)
	json.NewEncoder(rw).Encode(m)
}

func (j *proofJudge) mcp(rw http.ResponseWriter, r *http.Request, inner http.Handler) {
	refuse := func(code string) {
		rw.Header().Set("WWW-Authenticate", `DPoP algs="ES256", error="`+code+`"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}
	scheme, token, sent := strings.Cut(r.Header.Get("Authorization"), " ")
	if sent && scheme == "Bearer" {
		j.mu.Lock()
		j.bare++
		bound := j.keys[token] != ""
		j.mu.Unlock()
		if bound { // RFC 9449 §7.2
			refuse("invalid_token")
			return
		}
	}
	if j.mcpNonce != "" {
		rw.Header().Set("DPoP-Nonce", j.mcpNonce)
	}
	if sent && scheme == "DPoP" {
		key, err := j.check(r, "mcp", token, j.mcpNonce)
		j.mu.Lock()
		bound := j.keys[token]
		j.mu.Unlock()
		switch {
		case errors.Is(err, errStaleNonce):
			refuse("use_dpop_nonce")
			return
		case err != nil || key == "" || key != bound:
			j.complain("mcp", errors.Join(err, errors.New("not the key of the token")))
			refuse("invalid_dpop_proof")
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
	} else if !sent && j.challenged {
		rw.Header().Set("WWW-Authenticate", `DPoP resource_metadata="`+j.w.other.URL+`/.well-known/oauth-protected-resource/mcp", scope="pet-profile:read"`)
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	inner.ServeHTTP(rw, r)
}

func (j *proofJudge) complain(place string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found = append(j.found, place+": "+err.Error())
}
