package diagram

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// The parts of a token.
const (
	Header  = "header"
	Payload = "payload"
)

// Claim is a member of a token's header or payload.
type Claim struct {
	Part    string `json:"part"` // Header or Payload
	Name    string `json:"name"` // of a member of a member: cnf.jkt
	Value   string `json:"value"`
	Time    string `json:"time,omitempty"` // of a number that is a time
	Meaning string `json:"meaning"`
	Known   bool   `json:"known"`
}

// meanings say in one sentence what a member is for: of a header, and of a payload.
var headerMeanings = map[string]string{
	"alg":      "The algorithm of the signature. The verifier decides which ones it takes; it never lets the token choose.",
	"kid":      "The name of the key that signed this. The verifier looks it up in the issuer's published keys.",
	"typ":      "What kind of JWT this is, so that none can be passed off as another kind: at+jwt is an access token, dpop+jwt a proof of a key.",
	"jwk":      "The public key of the sender itself. Whoever holds the private key can make such a proof, nobody else.",
	"jwk.kty":  "The family of the public key: EC for elliptic curves, RSA, or OKP.",
	"jwk.crv":  "The curve of the public key.",
	"jwk.x":    "One coordinate of the public key; no secret.",
	"jwk.y":    "The other coordinate of the public key; no secret.",
	"jwk.n":    "The modulus of the public RSA key; no secret.",
	"jwk.e":    "The exponent of the public RSA key; no secret.",
	"jwk.kid":  "The name of the public key.",
	"jwk.alg":  "The algorithm that the public key is for.",
	"jwk.use":  "What the public key is for: sig is signatures.",
	"cty":      "The type of what is inside, when that is a JWT again.",
	"crit":     "Members of this header that the verifier must understand, or refuse the token.",
	"x5t":      "The thumbprint of a certificate of the key.",
	"x5t#S256": "The thumbprint of a certificate of the key.",
}

var payloadMeanings = map[string]string{
	"iss":                "The issuer: who made and signed this token. The verifier takes tokens of the issuer that it trusts only.",
	"sub":                "The subject: whom the token is about. For a program that acts for nobody it is the program itself.",
	"aud":                "The audience: who may accept this token. Everybody else must refuse it, so it cannot be carried to another server.",
	"exp":                "The end: from this moment on the token is refused.",
	"nbf":                "The beginning: before this moment the token is refused.",
	"iat":                "When the token was issued.",
	"jti":                "The token's own number. With it a token can be named in a log, and one that counts once can be told from its copy.",
	"client_id":          "The application that got the token.",
	"scope":              "What the token allows: what the application asked for, is authorized for, the role allows and the person consented to.",
	"roles":              "The person's roles. The MCP server uses them to tell a missing permission from an impossible one.",
	"act":                "Who acts for the subject: an agent that the person's application handed its task to.",
	"act.sub":            "The name of the one who acts.",
	"act.act":            "Who acted before in a chain of handings-on; of history only, it decides nothing.",
	"may_act":            "Who may be handed this token to act for the subject.",
	"may_act.sub":        "The name of the one who may act.",
	"cnf":                "The confirmation: the key that the sender must prove to have. Without the key a stolen token is worth nothing.",
	"cnf.jkt":            "The thumbprint of that key (SHA-256 of the public key). The proof beside the token must be of the same key.",
	"htm":                "The HTTP method that this proof is for. With another it is refused.",
	"htu":                "The address that this proof is for, without query. At another it is refused.",
	"ath":                "The hash of the access token that this proof goes with, so that it cannot be used with another.",
	"nonce":              "A value that the other side chose, which must come back, so that the token cannot have been made or taken earlier.",
	"auth_time":          "When the person logged in.",
	"acr":                "How strong the login was, as a class.",
	"amr":                "How the person logged in: pwd is a password, hwk a key in hardware, swk one in software, user means that somebody was there.",
	"at_hash":            "A hash of the access token that came with this ID token, so that neither can be swapped.",
	"c_hash":             "A hash of the code that came with this ID token.",
	"azp":                "The application that this ID token was made for.",
	"sid":                "The login that this belongs to.",
	"name":               "The person's name, for people to read.",
	"preferred_username": "The name with which the person logs in. It can change; sub does not.",
	"email":              "The person's address. It can change; sub does not.",
	"resource":           "The server that the next token is wanted for.",
	"events":             "What kind of notice this is, such as the end of a login.",
}

// Tokens of other kinds give some members a meaning of their own.
var byKind = map[string]map[string]string{
	"client_assertion": {
		"iss": "The client that signed this, by its client_id.",
		"sub": "The client again: it speaks for itself.",
		"aud": "The authorization server that this is for; with no other it can log the client in.",
		"jti": "The number of this assertion. The server remembers it, so that a copy is refused.",
	},
	"assertion": {
		"iss": "Who vouches for the subject: an issuer that an administrator has come to trust.",
		"aud": "The authorization server that this is for.",
	},
	"id_token": {
		"aud":   "The client that this is for. An ID token tells it who has logged in; it opens no server.",
		"nonce": "The random value of the client's request. It shows the client that this answers its own request.",
	},
	"DPoP": {
		"jti":   "The number of this proof. The server remembers it, so that a copy is refused.",
		"iat":   "When the proof was made. It counts for a short while only.",
		"nonce": "A value that the server gave out, which shows that the proof was made just now.",
	},
}

// times are the members that are seconds since 1970 (RFC 7519 §2, NumericDate).
var times = map[string]bool{"exp": true, "nbf": true, "iat": true, "auth_time": true}

const unknownClaim = "A claim that this page does not know. A reader of the token that does not know it either ignores it (RFC 7519 §4)."

// ClaimsOf are the members of a token, header first, in the order of the token, each explained.
func ClaimsOf(t trace.Token) []Claim {
	own := byKind[t.Where]
	claims := members(Header, "", t.Header, headerMeanings, nil)
	return append(claims, members(Payload, "", t.Claims, payloadMeanings, own)...)
}

func members(part, prefix string, raw json.RawMessage, known, own map[string]string) []Claim {
	var claims []Claim
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return claims
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return claims
		}
		c := Claim{Part: part, Name: prefix + name.(string), Value: show(value)}
		c.Meaning, c.Known = own[c.Name], true
		if c.Meaning == "" {
			c.Meaning, c.Known = known[c.Name]
		}
		if strings.HasSuffix(c.Name, "act.act") { // a chain has no end
			c.Meaning, c.Known = known["act.act"]
		}
		if !c.Known {
			c.Meaning = unknownClaim
		}
		if part == Payload && times[c.Name] {
			c.Time = date(value)
		}
		claims = append(claims, c)
		if inner := bytes.TrimSpace(value); len(inner) > 0 && inner[0] == '{' && strings.Count(c.Name, ".") < 2 {
			claims = append(claims, members(part, c.Name+".", inner, known, own)...)
		}
	}
	return claims
}

// show is a value as it is read: a text without quotes, a list of texts with commas, all else as JSON.
func show(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return strings.Join(list, ", ")
	}
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}

func date(value json.RawMessage) string {
	var seconds float64
	if json.Unmarshal(value, &seconds) != nil || math.Abs(seconds) > 1e11 {
		return ""
	}
	return time.Unix(int64(seconds), 0).UTC().Format("2 January 2006, 15:04:05 UTC")
}
