package attack

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/possession"
)

// holder is a client whose tokens are bound to its key (RFC 9449), or a thief with a key of their own.
type holder struct {
	*try
	key    clientkey.Key
	nonces map[string]string // that the servers gave it last, by path
}

func (t *try) holder() *holder {
	key, err := clientkey.New()
	t.must(err)
	return &holder{t, key, map[string]string{}}
}

// proof is one for a request, at a time.
func (h *holder) proof(method, path, access string, at time.Time) string {
	raw, err := possession.Prove(h.key, possession.Request{Method: method, URL: h.base + path, AccessToken: access, Nonce: h.nonces[path]}, at)
	h.must(err)
	return raw
}

// tokens asks the token endpoint with a proof, once more with the nonce that it then hands out.
func (h *holder) tokenRequest(form url.Values) visitor.Tokens {
	got := visitor.Tokens{}
	for range 2 {
		got = h.form("/oauth/token", form, "DPoP", h.proof(http.MethodPost, "/oauth/token", "", h.now()))
		h.nonces["/oauth/token"] = got.Header.Get(possession.NonceHeader)
		if got.Error != "use_dpop_nonce" {
			break
		}
	}
	return got
}

// bound is tokens that are bound to the key.
func (h *holder) bound() visitor.Tokens {
	c := h.client()
	code, a := h.code("bob", nil)
	got := h.tokenRequest(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.Verifier}, "client_id": {c.ID},
		"redirect_uri": {c.Redirect}, "resource": {c.Resource}})
	h.control(got.Type == "DPoP" && got.Refresh != "", "the honest client gets no bound token: %s", saidTokens(got))
	h.keep(c, got)
	return got
}

// call lists the pets with a token and a proof of the key, once more with the nonce that the server then hands out.
func (h *holder) call(access string) visitor.Answer {
	a := h.with(access, h.proof(http.MethodPost, "/mcp", access, h.now()))
	if strings.Contains(strings.Join(a.Header.Values("WWW-Authenticate"), " "), "use_dpop_nonce") {
		a = h.with(access, h.proof(http.MethodPost, "/mcp", access, h.now()))
	}
	return a
}

// with lists the pets with a token and a certain proof.
func (h *holder) with(access, proof string) visitor.Answer {
	a := h.list("", "Authorization", "DPoP "+access, "DPoP", proof)
	if nonce := a.Header.Get(possession.NonceHeader); nonce != "" {
		h.nonces["/mcp"] = nonce
	}
	return a
}
