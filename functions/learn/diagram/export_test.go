package diagram

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// archive is what a reader of HTTP Archives takes: each member that the text of HAR 1.2 does not call optional is a pointer here, and must
// be there.
type archive struct {
	Log *struct {
		Version *string                          `json:"version"`
		Creator *struct{ Name, Version *string } `json:"creator"`
		Comment string                           `json:"comment"`
		Entries *[]struct {
			Started *time.Time `json:"startedDateTime"`
			Time    *float64   `json:"time"`
			Request *struct {
				Method      *string `json:"method"`
				URL         *string `json:"url"`
				HTTPVersion *string `json:"httpVersion"`
				Cookies     *[]pair `json:"cookies"`
				Headers     *[]pair `json:"headers"`
				QueryString *[]pair `json:"queryString"`
				PostData    *struct {
					MimeType *string `json:"mimeType"`
					Params   []pair  `json:"params"`
					Text     *string `json:"text"`
					Comment  string  `json:"comment"`
				} `json:"postData"`
				HeadersSize *int `json:"headersSize"`
				BodySize    *int `json:"bodySize"`
			} `json:"request"`
			Response *struct {
				Status      *int    `json:"status"`
				StatusText  *string `json:"statusText"`
				HTTPVersion *string `json:"httpVersion"`
				Cookies     *[]pair `json:"cookies"`
				Headers     *[]pair `json:"headers"`
				Content     *struct {
					Size     *int    `json:"size"`
					MimeType *string `json:"mimeType"`
					Text     string  `json:"text"`
					Comment  string  `json:"comment"`
				} `json:"content"`
				RedirectURL *string `json:"redirectURL"`
				HeadersSize *int    `json:"headersSize"`
				BodySize    *int    `json:"bodySize"`
			} `json:"response"`
			Cache   *struct{}                               `json:"cache"`
			Timings *struct{ Send, Wait, Receive *float64 } `json:"timings"`
			Comment string                                  `json:"comment"`
		} `json:"entries"`
	} `json:"log"`
}

type pair struct {
	Name     *string `json:"name"`
	Value    *string `json:"value"`
	Path     string  `json:"path"`
	HTTPOnly bool    `json:"httpOnly"`
	Secure   bool    `json:"secure"`
}

func token() trace.Record {
	r := with(exchangeOf("b", "", trace.App, trace.OAuth, 5, 17, "POST /oauth/token?x=%20y"), "grant_type=authorization_code&code=abc%E2%80%A6&redirect_uri=http%3A%2F%2Fx%2Fcb&code_verifier=q7Vd2n…", formType,
		200, `{"access_token":"eyJ…"}`, jsonType, "Set-Cookie", "a=b…; Path=/; HttpOnly", "Cache-Control", "no-store")
	r.Request.Headers = []trace.Header{{Name: "Host", Value: "localhost:8080"}, {Name: "Content-Type", Value: formType}, {Name: "Cookie", Value: "vetassist_app=abc…; other=d"}, {Name: "Authorization", Value: "Basic …"}}
	return r
}

func TestHAR(t *testing.T) {
	first := exchangeOf("a", "", trace.Browser, trace.App, 1, 3, "GET /connect?for=1")
	first.Response = trace.Message{Status: 303, Headers: []trace.Header{{Name: "Location", Value: "/oauth/authorize"}}}
	outside := exchangeOf("c", "", trace.OAuth, trace.Outside, 20, 30, "GET /client.json")
	outside.Host, outside.Response = "client.example", trace.Message{}
	b, err := HAR([]trace.Record{token(), first, outside}, "http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	var got archive
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if *got.Log.Version != "1.2" || len(*got.Log.Entries) != 3 || *got.Log.Creator.Name == "" || *got.Log.Creator.Version == "" {
		t.Fatalf("%s", b)
	}
	for i, e := range *got.Log.Entries {
		if e.Started == nil || e.Time == nil || e.Cache == nil || *e.Timings.Send+*e.Timings.Wait+*e.Timings.Receive != *e.Time {
			t.Errorf("entry %d: its time is not that of its timings: %+v", i, e)
		}
		r, a := e.Request, e.Response
		for name, missing := range map[string]bool{"method": r.Method == nil, "url": r.URL == nil || !strings.HasPrefix(*r.URL, "http"), "httpVersion": r.HTTPVersion == nil || a.HTTPVersion == nil, "cookies": r.Cookies == nil || a.Cookies == nil,
			"headers": r.Headers == nil || a.Headers == nil, "queryString": r.QueryString == nil, "headersSize": r.HeadersSize == nil || a.HeadersSize == nil, "bodySize": r.BodySize == nil || a.BodySize == nil,
			"status": a.Status == nil || a.StatusText == nil, "content": a.Content == nil || a.Content.Size == nil || a.Content.MimeType == nil, "redirectURL": a.RedirectURL == nil} {
			if missing {
				t.Errorf("entry %d: %s is missing or wrong", i, name)
			}
		}
	}
	e := (*got.Log.Entries)
	if *e[0].Request.URL != "http://localhost:8080/connect?for=1" || *e[0].Response.RedirectURL != "/oauth/authorize" || *e[2].Request.URL != "https://client.example/client.json" || *e[2].Response.Status != 0 {
		t.Errorf("%s", b)
	}
	post, query := e[1].Request.PostData, *e[1].Request.QueryString
	if len(query) != 1 || *query[0].Value != " y" || *e[1].Time != 12 || !e[1].Started.Equal(moment(5).Time) {
		t.Errorf("%s", b)
	}
	if len(post.Params) != 4 || *post.Params[2].Value != "http://x/cb" || *post.Text != "" { // one or the other
		t.Errorf("%+v", post)
	}
	if c := *e[1].Request.Cookies; len(c) != 2 || *c[1].Name != "other" || *c[1].Value != "d" {
		t.Errorf("%+v", c)
	}
	if c := (*e[1].Response.Cookies); len(c) != 1 || c[0].Path != "/" || !c[0].HTTPOnly {
		t.Errorf("%+v", c)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var x, y any
	if json.Unmarshal(b, &x) != nil || json.Unmarshal(again, &y) != nil {
		t.Error("it does not come back")
	}
	if empty, err := HAR(nil, "http://x"); err != nil || !strings.Contains(string(empty), `"entries": []`) {
		t.Errorf("%s, %v", empty, err)
	}
}

func TestCurl(t *testing.T) {
	get := exchangeOf("a", "", trace.Client, trace.MCP, 1, 2, "GET /.well-known/oauth-protected-resource/mcp")
	get.Request.Headers = []trace.Header{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "it's me"}, {Name: "Traceparent", Value: "00-…"}}
	call := with(exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp"), `{"method":"tools/call","params":{"name":"say","arguments":{"text":"it's $HOME"},"requestState": "abc…"}}`, jsonType, 200, "", "")
	call.Request.Headers = []trace.Header{{Name: "Authorization", Value: "DPoP eyJ0eX…"}, {Name: "Content-Type", Value: jsonType}, {Name: "Dpop", Value: "eyJhbG…"}}
	outside := exchangeOf("c", "", trace.OAuth, trace.Outside, 20, 30, "GET /client.json")
	outside.Host = "client.example"
	hostile := exchangeOf("d", "", trace.Client, trace.OAuth, 1, 2, "DELETE /oauth/x?'$(touch%20x)=`id`…&b='")
	hostile.Request.Headers = []trace.Header{{Name: "X'\n", Value: "'; touch y; '…"}}
	for _, c := range []struct {
		name   string
		record trace.Record
		want   string
	}{
		{"metadata", get, "curl -i \\\n  'http://localhost:8080/.well-known/oauth-protected-resource/mcp' \\\n  -H 'Accept: */*'\n"},
		{"token request", token(), `# $COOKIE_VETASSIST_APP: the cookie vetassist_app of the browser, as its developer tools show it
# $COOKIE_OTHER: the cookie other of the browser, as its developer tools show it
# $CLIENT_CREDENTIALS: client_id:client_secret, in base64
# $CODE: the code in the redirect to the client's redirect URI; it works once, for 60 seconds
# $CODE_VERIFIER: the secret whose SHA-256 hash was sent as code_challenge
curl -i \
  'http://localhost:8080/oauth/token?''x=%20y' \
  -H 'Content-Type: application/x-www-form-urlencoded' \
  -b 'vetassist_app='"$COOKIE_VETASSIST_APP"'; ''other='"$COOKIE_OTHER" \
  -H 'Authorization: Basic '"$CLIENT_CREDENTIALS" \
  --data-raw 'grant_type=authorization_code&code='"$CODE"'&redirect_uri=http%3A%2F%2Fx%2Fcb&code_verifier='"$CODE_VERIFIER"
`},
		{"a call", call, `# $ACCESS_TOKEN: access_token in the answer of the token endpoint
# $DPOP_PROOF: a JWT that the client signs for this one request with its key (RFC 9449 §4.2)
# $REQUEST_STATE: requestState in the server's question
curl -i \
  'http://localhost:8080/mcp' \
  -H 'Authorization: DPoP '"$ACCESS_TOKEN" \
  -H 'Content-Type: application/json' \
  -H 'DPoP: '"$DPOP_PROOF" \
  --data-raw '{"method":"tools/call","params":{"name":"say","arguments":{"text":"it'\''s $HOME"},"requestState": "'"$REQUEST_STATE"'"}}'
`},
		{"a stranger", outside, "curl -i \\\n  'https://client.example/client.json'\n"},
	} {
		if got := Curl(c.record, "http://localhost:8080"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if got := Curl(hostile, "http://localhost:8080"); strings.Contains(got, "\n; touch") || strings.Contains(got, "\n'") || strings.Contains(got, "' touch") {
		t.Errorf("a stranger's text is a command:\n%s", got)
	}
}

// TestMarkdown: what strangers said stays text.
func TestMarkdown(t *testing.T) {
	r := with(exchangeOf("a", "", trace.Client, trace.MCP, 1, 2, "POST /mcp"), "{\"method\":\"tools/call\",\"params\":{\"name\":\"<img src=x>|[a](b)\"}}", jsonType, 200, "```\n# no heading\n````", "text/plain")
	r.Response.Tokens = []trace.Token{{Where: "x", Header: json.RawMessage(`{"alg":"ES256"}`), Claims: json.RawMessage(`{"exp":0,"sub":"a|b"}`)}}
	r.Decisions = []trace.Decision{{At: moment(1), Kind: trace.Policy, Outcome: trace.Allowed, Text: "All of it.", Compared: []trace.Compared{{What: "audience", Wanted: "a", Got: "b"}}, Sets: &trace.Sets{Granted: []string{"pet-profile:read"}}}}
	got := Markdown([]trace.Record{r}, "http://localhost:8080")
	for _, want := range []string{"```mermaid\nsequenceDiagram\n", "### 1. POST /mcp · tools/call &lt;img src=x&gt;\\|\\[a\\](b)", "`````http\n200 OK\n\n```\n# no heading\n````\n`````\n", "| exp | 0 (1 January 1970, 00:00:00 UTC) |",
		"| sub | a\\|b |", "**Policy: allowed.** All of it.", "| audience | a | b | does not fit |", "pet-profile:read", "curl -i"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
