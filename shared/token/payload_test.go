package token

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store/storetest"
)

// What a token is made of is read as Claims, all of it.
func TestPayload(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	ring := NewKeyring("https://auth.example.com", storetest.Open(t, clock.Now), clock.Now, zeros{})
	g := Grant{ID: "id", Subject: "user-bob", ClientID: "chat", Audience: []string{"https://auth.example.com/mcp"}, Scopes: []string{"a", "b"}, Roles: []string{"Pet Owner"},
		Key: "thumb", Actor: &Actor{Subject: "agent", Actor: &Actor{Subject: "before"}}, MayAct: &Actor{Subject: "next"}}
	raw, expires, err := ring.Mint(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(raw, ".")
	var texts [2]string
	for i := range texts {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	if want := `{"alg":"ES256","kid":"` + ring.kid + `","typ":"at+jwt"}`; texts[0] != want {
		t.Errorf("the header is %s, want %s", texts[0], want)
	}
	var c Claims
	if err := json.Unmarshal([]byte(texts[1]), &c); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var sent, read map[string]any
	if json.Unmarshal([]byte(texts[1]), &sent) != nil || json.Unmarshal(again, &read) != nil || !reflect.DeepEqual(sent, read) {
		t.Errorf("sent %s, read %s", texts[1], again)
	}
	if len(sent) != reflect.TypeFor[payload]().NumField() || sent["exp"] != float64(expires.Unix()) || sent["iat"] != float64(clock.Now().Truncate(time.Second).Unix()) {
		t.Errorf("%s, and it expires %s", texts[1], expires)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
