package diagram

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// The parts of an HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/). What is not optional there is not optional here; a
// size or a time that nobody measured is -1.
type (
	harFile struct {
		Log harLog `json:"log"`
	}
	harLog struct {
		Version string     `json:"version"`
		Creator harCreator `json:"creator"`
		Entries []harEntry `json:"entries"`
		Comment string     `json:"comment"`
	}
	harCreator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started  string      `json:"startedDateTime"` // ISO 8601
		Time     float64     `json:"time"`            // milliseconds, the sum of the timings
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment"`
	}
	harRequest struct {
		Method      string      `json:"method"`
		URL         string      `json:"url"` // absolute, without fragment
		Version     string      `json:"httpVersion"`
		Cookies     []harCookie `json:"cookies"`
		Headers     []harPair   `json:"headers"`
		Query       []harPair   `json:"queryString"`
		Body        *harPost    `json:"postData,omitempty"`
		HeadersSize int         `json:"headersSize"`
		BodySize    int         `json:"bodySize"`
	}
	harResponse struct {
		Status      int         `json:"status"` // 0: there was none
		StatusText  string      `json:"statusText"`
		Version     string      `json:"httpVersion"`
		Cookies     []harCookie `json:"cookies"`
		Headers     []harPair   `json:"headers"`
		Content     harContent  `json:"content"`
		RedirectURL string      `json:"redirectURL"`
		HeadersSize int         `json:"headersSize"`
		BodySize    int         `json:"bodySize"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harCookie struct {
		Name     string `json:"name"`
		Value    string `json:"value"`
		Path     string `json:"path,omitempty"`
		HTTPOnly bool   `json:"httpOnly,omitempty"`
		Secure   bool   `json:"secure,omitempty"`
	}
	harPost struct { // params and text are mutually exclusive
		MimeType string    `json:"mimeType"`
		Params   []harPair `json:"params,omitempty"`
		Text     string    `json:"text"`
		Comment  string    `json:"comment,omitempty"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text,omitempty"`
		Comment  string `json:"comment,omitempty"`
	}
	harTimings struct { // send, wait and receive are not optional
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
)

// httpVersion of an exchange is not recorded.
const httpVersion = "HTTP/1.1"

// HAR is the exchanges of a flow as an HTTP Archive 1.2, in the order in which they began. base is the origin of our own parties, such as
// http://localhost:8080.
func HAR(records []trace.Record, base string) ([]byte, error) {
	log := harLog{Version: "1.2", Creator: harCreator{"VetAssist flight recorder", "1"}, Entries: []harEntry{},
		Comment: Title(records) + ". Secrets are shortened; of a page only its title was kept."}
	ordered := slices.Clone(records)
	slices.SortStableFunc(ordered, func(a, b trace.Record) int { return byMoment(a.Begin, b.Begin) })
	for _, r := range ordered {
		log.Entries = append(log.Entries, entryOf(r, base))
	}
	return json.MarshalIndent(harFile{log}, "", "  ")
}

func byMoment(a, b trace.Moment) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

func entryOf(r trace.Record, base string) harEntry {
	took := max(0, float64(r.End.Time.Sub(r.Begin.Time))/float64(time.Millisecond))
	e := harEntry{Started: r.Begin.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Time: took, Timings: harTimings{Wait: took},
		Comment: laneOf(r.From) + " → " + laneOf(r.To)}
	e.Request = harRequest{Method: r.Request.Method, URL: address(r, base), Version: httpVersion, Cookies: sentCookies(r.Request), Headers: pairs(r.Request),
		Query: []harPair{}, HeadersSize: -1, BodySize: r.Request.Size}
	if _, query, ok := strings.Cut(r.Request.URL, "?"); ok {
		e.Request.Query = parameters(query)
	}
	if r.Request.Size > 0 {
		e.Request.Body = &harPost{MimeType: r.Request.Type, Text: r.Request.Body, Comment: cutComment(r.Request)}
		if r.Request.Type == formType && !r.Request.Cut {
			e.Request.Body.Params, e.Request.Body.Text = parameters(r.Request.Body), ""
		}
	}
	e.Response = harResponse{Status: r.Response.Status, StatusText: statusText(r.Response.Status), Version: httpVersion, Cookies: setCookies(r.Response),
		Headers: pairs(r.Response), RedirectURL: r.Response.Header("Location"), HeadersSize: -1, BodySize: r.Response.Size,
		Content: harContent{Size: r.Response.Size, MimeType: r.Response.Type, Text: r.Response.Body, Comment: cutComment(r.Response)}}
	return e
}

func laneOf(p trace.Party) string {
	for _, lane := range order {
		if lane.Party == p {
			return lane.Title
		}
	}
	return string(p)
}

// address is the absolute URL of a request. A stranger's server was asked over TLS, unless it is on this machine.
func address(r trace.Record, base string) string {
	if r.To != trace.Outside || r.Host == "" {
		return base + r.Request.URL
	}
	scheme := "https"
	u := url.URL{Host: r.Host}
	if name := u.Hostname(); name == "localhost" || strings.HasPrefix(name, "127.") || name == "::1" {
		scheme = "http"
	}
	return scheme + "://" + r.Host + r.Request.URL
}

func cutComment(m trace.Message) string {
	switch {
	case m.Cut:
		return "only the beginning of the body was kept"
	case m.Type == "text/html" && m.Body != "":
		return "of the page only its title was kept"
	}
	return ""
}

func pairs(m trace.Message) []harPair {
	all := []harPair{}
	for _, h := range m.Headers {
		all = append(all, harPair(h))
	}
	return all
}

// parameters are those of a query or form, in their order.
func parameters(encoded string) []harPair {
	all := []harPair{}
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		all = append(all, harPair{unescape(name), unescape(value)})
	}
	return all
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func sentCookies(m trace.Message) []harCookie {
	all := []harCookie{}
	for _, h := range m.Headers {
		if !strings.EqualFold(h.Name, "Cookie") {
			continue
		}
		for pair := range strings.SplitSeq(h.Value, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
				all = append(all, harCookie{Name: name, Value: value})
			}
		}
	}
	return all
}

func setCookies(m trace.Message) []harCookie {
	all := []harCookie{}
	for _, h := range m.Headers {
		if !strings.EqualFold(h.Name, "Set-Cookie") {
			continue
		}
		parts := strings.Split(h.Value, ";")
		name, value, _ := strings.Cut(parts[0], "=")
		c := harCookie{Name: name, Value: value}
		for _, attribute := range parts[1:] {
			key, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
			switch strings.ToLower(key) {
			case "path":
				c.Path = value
			case "httponly":
				c.HTTPOnly = true
			case "secure":
				c.Secure = true
			}
		}
		all = append(all, c)
	}
	return all
}
