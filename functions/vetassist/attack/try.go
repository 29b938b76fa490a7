package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// try is one attack under way. Its methods end the program, by a panic that do takes, when a control fails or there is no answer: so a program reads
// as what the attacker does.
type try struct {
	*lab
	ctx    context.Context
	result *Result
}

// ended is the panic that ends a program.
type ended struct{ err error }

// notTried is why an attack cannot be tried here.
type notTried struct{ why string }

func (e *notTried) Error() string { return e.why }

// do runs a program; the error says why it ended early.
func (t *try) do(p program) (err error) {
	defer func() {
		if x := recover(); x != nil {
			e, ok := x.(ended)
			if !ok {
				panic(x)
			}
			err = e.err
		}
	}()
	p(t)
	return nil
}

func (t *try) must(err error) {
	if err != nil {
		panic(ended{err})
	}
}

// control is the honest variant: what it says must be so, or a refusal would mean nothing.
func (t *try) control(ok bool, format string, args ...any) {
	if !ok {
		panic(ended{fmt.Errorf("the control failed: "+format, args...)})
	}
}

// skip says why this cannot be tried here.
func (t *try) skip(why string) { panic(ended{&notTried{why}}) }

// judge notes what became of a variant: did the attacker get anything, and was that refused for the reason that it should be?
func (t *try) judge(what string, got, forReason bool, said string) {
	f := Finding{what, Refused, said}
	if got {
		f.Outcome = Succeeded
	} else if !forReason {
		panic(ended{fmt.Errorf("%s: refused, but not for the reason that is looked for: %s", what, said)})
	}
	t.result.Findings = append(t.result.Findings, f)
}

// noTokens judges an answer of the token endpoint, which should be one of these errors.
func (t *try) noTokens(what string, got visitor.Tokens, codes ...string) {
	t.judge(what, got.Access+got.Refresh+got.ID != "", slices.Contains(codes, got.Error), saidTokens(got))
}

func saidTokens(got visitor.Tokens) string {
	if got.Error == "" {
		return fmt.Sprintf("%d, %s for %q", got.Status, got.Type, got.Scope)
	}
	return clip(fmt.Sprintf("%d %s: %s", got.Status, got.Error, got.Description))
}

// noCode judges an answer of the authorization endpoint: an error that goes back to the client, or with no code a page, and no redirect.
func (t *try) noCode(what string, a visitor.Answer, code string) {
	to := location(a)
	inFragment, _ := url.ParseQuery(strings.TrimPrefix(to.Fragment, "?")) // what is none holds no code
	got := to.Query().Has("code") || inFragment.Has("code") || a.Header.Get("Location") != "" && !t.own(to)
	right := code != "" && to.Query().Get("error") == code || code == "" && a.Header.Get("Location") == "" && a.Status/100 == 4
	t.judge(what, got, right, said(a))
}

// noCall judges an answer to a call of a tool.
func (t *try) noCall(what string, a visitor.Answer, status int, words ...string) {
	said := said(a)
	right := a.Status == status && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(said, w) })
	t.judge(what, worked(a), right, said)
}

// noEntry judges an answer of anything else that should be a refusal with this status.
func (t *try) noEntry(what string, a visitor.Answer, statuses ...int) {
	t.judge(what, a.Status/100 == 2, slices.Contains(statuses, a.Status), said(a))
}

// worked tells whether a tool did what it was told.
func worked(a visitor.Answer) bool {
	var r struct {
		Result *struct {
			IsError bool `json:"isError"`
		} `json:"result"`
	}
	return a.Status == http.StatusOK && json.Unmarshal(a.Body, &r) == nil && r.Result != nil && !r.Result.IsError
}

// location is where an answer leads; an empty URL when nowhere.
func location(a visitor.Answer) *url.URL {
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return &url.URL{Host: "unreadable"}
	}
	return to
}

// own tells whether an address is at the server itself.
func (t *try) own(u *url.URL) bool {
	return u.Host == "" && u.Scheme == "" || u.Scheme+"://"+u.Host == t.base && u.User == nil
}

// said is an answer in a few words: the status, the error, and what the answer says.
func said(a visitor.Answer) string {
	s := fmt.Sprint(a.Status)
	var oauth struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Detail      string          `json:"detail"`
		Result      struct {
			Content []struct{ Text string } `json:"content"`
		} `json:"result"`
	}
	to := location(a)
	isJSON := json.Unmarshal(a.Body, &oauth) == nil
	var rpc struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(oauth.Error, &rpc) // or it is a word
	var code string
	_ = json.Unmarshal(oauth.Error, &code)
	challenge := a.Header.Get("WWW-Authenticate")
	switch {
	case a.Header.Get("Location") != "" && to.Query().Has("error"):
		s += " to the client: " + to.Query().Get("error") + ", " + to.Query().Get("error_description")
	case a.Header.Get("Location") != "":
		bare := *to
		bare.RawQuery, bare.Fragment = "", ""
		s += " to " + bare.String()
		if to.Query().Has("code") {
			s += " with a code"
		}
	case code != "":
		s += " " + code + ": " + oauth.Description
	case rpc.Message != "":
		if _, after, found := strings.Cut(challenge, `error="`); found {
			word, _, _ := strings.Cut(after, `"`)
			s += " " + word + ":"
		}
		s += fmt.Sprintf(" %s (%d)", rpc.Message, rpc.Code)
	case oauth.Detail != "":
		s += " " + oauth.Detail
	case isJSON && len(oauth.Result.Content) > 0:
		s += " " + oauth.Result.Content[0].Text
	case strings.HasPrefix(a.Header.Get("Content-Type"), "text/html"):
		s += " " + heading(a.Body)
	default:
		s += " " + string(a.Body)
	}
	return clip(s)
}

// heading is what a page of ours says: its title, and the line for developers.
func heading(body []byte) string {
	between := func(begin, end string) string {
		_, after, found := strings.Cut(string(body), begin)
		if !found {
			return ""
		}
		text, _, _ := strings.Cut(after, end)
		return strings.TrimSpace(text)
	}
	s := between("<h1>", "</h1>")
	if problem := between(`role="alert">`, "</p>"); problem != "" {
		s += ": " + problem
	} else if detail := between("For the developer: <code>", "</code>"); detail != "" {
		s += ": " + detail
	}
	return html.UnescapeString(tag.ReplaceAllString(s, ""))
}

var tag = regexp.MustCompile(`<[^>]*>`)

// clip keeps one line short, and whatever a server says from being anything but text on a terminal.
func clip(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x2028 && r <= 0x202e }), " ")
	if r := []rune(s); len(r) > 240 {
		s = string(r[:240]) + "…"
	}
	return s
}

// inOrder goes through a map in the order of its keys, so that each run tells the same.
func inOrder[T any](m map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// now is what the server takes for the time, near enough for what a client signs.
func (t *try) now() time.Time {
	t.access("bob") // whose token says what time it is there
	return time.Now().Add(t.ahead)
}
