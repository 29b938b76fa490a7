package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// publishedAhead is how long, in seconds, a new key is published before it signs.
const publishedAhead = 300

// publicKey is what matters here of a JWK (RFC 7517 §4). The last two must be absent.
type publicKey struct {
	ID        string          `json:"kid"`
	Type      string          `json:"kty"`
	Algorithm string          `json:"alg"`
	Private   json.RawMessage `json:"d"`
	Symmetric json.RawMessage `json:"k"`
}

// keys reads the JWKS.
func (x *exam) keys(ctx context.Context) (goOn bool) {
	l := x.look("jwks", x.base+keysPath)
	a, m, ok := x.document(ctx, l, keysPath, "RFC 7517 §5")
	if !ok {
		return true
	}
	var keys []publicKey
	const which = "See which server answers here, and whether its table is the right one."
	if err := json.Unmarshal(m["keys"], &keys); err != nil {
		l.wrong("It holds no list of keys.", "RFC 7517 §5.1", which)
		return true
	}
	if len(keys) == 0 {
		l.wrong("It is empty: no token can be verified.", "RFC 7517 §5.1", "The first key is made when the server first starts, or by: vetassist seed. If tokens are issued already, the function that serves the keys reads another table.")
		return true
	}
	var ids, algorithms []string
	for _, k := range keys {
		switch {
		case k.Private != nil || k.Symmetric != nil:
			l.wrong("A PRIVATE key is published: anybody can make tokens.", "RFC 7517 §9.2", "Take the server off the net, rotate the keys twice, and see who serves this.")
			return true
		case k.ID == "":
			l.wrong("A key has no kid, so a token cannot name it.", "RFC 7517 §4.5", which)
			return true
		case slices.Contains(ids, k.ID):
			l.wrong("Two keys have the kid "+clip(k.ID)+": which one a verifier takes is chance.", "RFC 7517 §4.5", "Retire it in the console under Keys, after a rotation. "+which)
			return true
		}
		ids = append(ids, k.ID)
		algorithms = append(algorithms, k.Algorithm)
	}
	if !slices.ContainsFunc(keys, func(k publicKey) bool {
		return k.Algorithm == "ES256" && k.Type == "EC"
	}) {
		l.wrong(fmt.Sprintf("No key is for ES256, with which VetAssist signs, but for: %s.", clip(strings.Join(algorithms, ", "))), "RFC 7518 §3.4", which)
		return true
	}
	l.ok("It has "+count(len(keys), "key")+", each named by a kid of its own.", "RFC 7517 §4.5")
	x.keysAge(a)
	x.jwksURI()
	return true
}

// keysAge: whoever keeps the keys longer than a new one is announced meets tokens that it cannot verify.
func (x *exam) keysAge(a answer) {
	l := x.look("jwks-age", "Cache-Control and Age of the JWKS")
	const rule = "RFC 9111 §5.2.2.1, §5.1"
	const mend = "Let what stands in front (CloudFront, a cache policy) keep to the Cache-Control that the server sends: max-age=300."
	maxAge, stored := -1, true
	for directive := range strings.SplitSeq(a.header.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "max-age", "s-maxage":
			if n, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil {
				maxAge = max(maxAge, n)
			}
		case "no-store", "no-cache":
			stored = false
		}
	}
	age, _ := strconv.Atoi(a.header.Get("Age")) // missing: 0
	switch {
	case age > publishedAhead:
		l.wrong(fmt.Sprintf("A cache on the way serves keys that are %d seconds old. A new key signs after %d.", age, publishedAhead), rule, mend)
	case maxAge > publishedAhead:
		l.wrong(fmt.Sprintf("They may be kept for %d seconds, but a new key signs after %d: a verifier meets tokens whose key it has not seen, and trusts a withdrawn one too long.", maxAge, publishedAhead), rule, mend)
	case !stored || maxAge < 0:
		l.warning("Nothing says how long they may be kept, or that they may not: some verifiers then ask for every token.", rule, mend)
	default:
		l.ok(fmt.Sprintf("They may be kept for %d seconds, and are %d old.", maxAge, age), rule)
	}
}

func (x *exam) jwksURI() {
	if x.jwks == "" || x.jwks == x.base+keysPath || x.ours(x.jwks) != "" { // missing or elsewhere: said already
		return
	}
	x.look("jwks-uri", "jwks_uri in the metadata").warning("It is "+clip(x.jwks)+", not "+x.base+keysPath+", which was examined.", "RFC 8414 §2", "See which server answers here.")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
