package tokenrequest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/tokenrequest"
)

// answers is a token endpoint's one answer.
type answers struct {
	status int
	body   string
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// FuzzAnswer: whatever a token endpoint answers, a token that is believed fits a header line, ends later than now or nobody knows when, and
// came with status 200 and no error.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"a","token_type":"bearer","expires_in":600,"scope":"x"}`)
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":-1,"error":""}`)
	f.Add(200, `{"access_token":"a b","token_type":"Bearer","expires_in":9223372036854775807}`)
	f.Add(400, `{"error":"invalid_grant","error_description":"it is over"}`)
	f.Add(307, `{}`)
	f.Add(503, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
		a, err := tokenrequest.Send(t.Context(), &http.Client{Transport: answers{status, body}}, "https://as.example/token", nil, nil)
		if err != nil {
			if a.Token != "" {
				t.Errorf("%v, and a token", err)
			}
			return
		}
		held, err := a.Bearer(now)
		if status != http.StatusOK || err == nil && (held.Token == "" || len(held.Token) > 16<<10 || strings.ContainsAny(held.Token, " \r\n\t\x00\x7f") || !held.Until.IsZero() && !held.Until.After(now)) {
			t.Errorf("status %d: %+v, %v", status, held, err)
		}
	})
}
