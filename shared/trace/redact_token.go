package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// tokenMembers are where a JWT may be in JSON.
var tokenMembers = []string{"access_token", "id_token", "issued_token", "client_assertion", "assertion", "subject_token", "actor_token", "id_token_hint"}

func (m *Message) jsonTokens(body []byte) {
	var members map[string]json.RawMessage
	if !bytes.Contains(body, []byte("token")) && !bytes.Contains(body, []byte("assertion")) { // as in most
		return
	}
	if json.Unmarshal(body, &members) != nil {
		return
	}
	for _, name := range tokenMembers {
		var value string
		if json.Unmarshal(members[name], &value) == nil {
			m.token(name, value)
		}
	}
}

// token adds a JWT, if the value is one, without its signature.
func (m *Message) token(where, value string) {
	if scheme, rest, ok := strings.Cut(value, " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		value = rest
	}
	parts := strings.Split(value, ".")
	if len(parts) != 3 || len(m.Tokens) == maxTokens || len(value) > 8<<10 {
		return
	}
	t := Token{Where: clip(scrub(clean(where)), 40)}
	for i, into := range []*json.RawMessage{&t.Header, &t.Claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || !json.Valid(b) {
			return
		}
		if *into = plainObject(b); *into != nil {
			continue
		}
		if *into = withoutSecrets(b); *into == nil {
			return
		}
	}
	m.Tokens = append(m.Tokens, t)
}

// plainClaims are hashes, keys and names, which are of no use to others. Any other claim that looks like a secret is shortened.
var plainClaims = []string{"jwk", "cnf", "ath", "at_hash", "kid", "aud", "iss", "htu"}

// plainObject is a JSON object in which nothing looks like a secret, as in most tokens, however it is read; else nil.
func plainObject(object []byte) json.RawMessage {
	if text := string(object); text[0] != '{' || strings.Contains(text, "eyJ") || strings.Contains(text, `\`) || long(text) || !utf8.Valid(object) || strings.ContainsFunc(text, acts) {
		return nil
	}
	return object
}

// withoutSecrets is a JSON object without them, its members in their own order; nil: it is no object.
func withoutSecrets(object []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber() // as it was written
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	out := []byte{'{'}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value any
		if d.Decode(&value) != nil {
			return nil
		}
		if !slices.Contains(plainClaims, name.(string)) {
			value = scrubAll(value)
		}
		key, _ := json.Marshal(scrub(name.(string))) // text, and decoded JSON
		member, _ := json.Marshal(value)
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), member...)
	}
	return append(out, '}')
}

// scrubAll shortens what looks like a secret in a value of JSON.
func scrubAll(value any) any {
	switch v := value.(type) {
	case string:
		return scrub(v)
	case []any:
		for i := range v {
			v[i] = scrubAll(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = scrubAll(v[name])
		}
	}
	return value
}
