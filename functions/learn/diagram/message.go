package diagram

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// pathOf is the path of a request.
func pathOf(r trace.Record) string {
	path, _, _ := strings.Cut(r.Request.URL, "?")
	return path
}

// queryOf are the parameters in the address of a request.
func queryOf(r trace.Record) url.Values {
	_, query, _ := strings.Cut(r.Request.URL, "?")
	return values(query)
}

// formOf are the parameters in the body of a request.
func formOf(r trace.Record) url.Values {
	if r.Request.Type != formType {
		return nil
	}
	return values(r.Request.Body)
}

const formType = "application/x-www-form-urlencoded"

// values reads as many parameters as can be read.
func values(encoded string) url.Values {
	v, _ := url.ParseQuery(encoded)
	return v
}

// object reads the members of a JSON object; nil: it is none, or only its beginning was kept.
func object(m trace.Message) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if !strings.HasSuffix(m.Type, "json") || json.Unmarshal([]byte(m.Body), &members) != nil {
		return nil
	}
	return members
}

// text is a member that is a string.
func text(members map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(members[name], &s) != nil {
		return ""
	}
	return s
}

// call is a JSON-RPC message from a client.
type call struct {
	Method string          `json:"method"`
	ID     json.RawMessage `json:"id"`
	Params struct {
		Name         string          `json:"name"`
		URI          string          `json:"uri"`
		Meta         map[string]any  `json:"_meta"`
		RequestState string          `json:"requestState"`
		Responses    json.RawMessage `json:"inputResponses"`
	} `json:"params"`
}

// callsOf are the JSON-RPC messages in a request: one, or those of a batch. What the body says counts, not a header.
func callsOf(r trace.Record) []call {
	if r.To != trace.MCP || !strings.HasSuffix(r.Request.Type, "json") {
		return nil
	}
	var one call
	if json.Unmarshal([]byte(r.Request.Body), &one) == nil && one.Method != "" {
		return []call{one}
	}
	var batch []call
	if json.Unmarshal([]byte(r.Request.Body), &batch) == nil {
		return batch
	}
	return nil
}

// String is what a reader sees of a call: the method and what it is about.
func (c call) String() string {
	if about := c.Params.Name + c.Params.URI; about != "" {
		return c.Method + " " + about
	}
	return c.Method
}

// reply is a JSON-RPC answer.
type reply struct {
	Result *struct {
		IsError    bool   `json:"isError"`
		ResultType string `json:"resultType"`
		Content    []struct {
			Text string `json:"text"`
		} `json:"content"`
		Tools []json.RawMessage `json:"tools"`
	} `json:"result"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func replyOf(r trace.Record) reply {
	var one reply
	if r.To == trace.MCP && strings.HasSuffix(r.Response.Type, "json") {
		_ = json.Unmarshal([]byte(r.Response.Body), &one)
	}
	return one
}

// challenge is what a WWW-Authenticate header says (RFC 9110 §11.6.1): the parameters of its first scheme.
func challenge(m trace.Message) (params map[string]string, ok bool) {
	header := m.Header("Www-Authenticate")
	if header == "" {
		header = m.Header("X-Amzn-Remapped-Www-Authenticate") // as API Gateway calls it
	}
	if header == "" {
		return nil, false
	}
	params = map[string]string{}
	_, rest, _ := strings.Cut(header, " ")
	for rest != "" {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			break
		}
		name = strings.ToLower(strings.Trim(name, " ,"))
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			value, rest, _ = strings.Cut(quoted, `"`)
		} else {
			value, rest, _ = strings.Cut(after, ",")
		}
		if _, twice := params[name]; !twice {
			params[name] = value
		}
		rest = strings.TrimLeft(rest, ", ")
	}
	return params, true
}

// clip cuts a text that is too long for where it goes.
func clip(s string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= limit {
		return string(runes)
	}
	return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
}

// statusText is the reason phrase of a status (RFC 9110 §15).
func statusText(status int) string { return http.StatusText(status) }

// redirected are the parameters that a redirect carries.
func redirected(r trace.Record) url.Values {
	u, err := url.Parse(r.Response.Header("Location"))
	if err != nil {
		return nil
	}
	return u.Query()
}
