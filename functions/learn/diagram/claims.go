package diagram

import (
	"bytes"
	"encoding/json"

	"github.com/vetassist/vetassist/shared/trace"
)

// Claim is a member of a token's header or payload.
type Claim struct {
	Part    string `json:"part"` // "header" or "payload"
	Name    string `json:"name"`
	Value   string `json:"value"`          // as in the token: JSON, of a text without quotes
	Time    string `json:"time,omitempty"` // of a number that is a time
	Meaning string `json:"meaning"`
}

// ClaimsOf are the members of a token, in its own order, each explained.
func ClaimsOf(t trace.Token) []Claim {
	var claims []Claim
	for part, raw := range map[string]json.RawMessage{"header": t.Header, "payload": t.Claims} {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.Token()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				break
			}
			var v json.RawMessage
			if d.Decode(&v) != nil {
				break
			}
			claims = append(claims, Claim{Part: part, Name: name.(string), Value: string(v)})
		}
	}
	return claims
}
