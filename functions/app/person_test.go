package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

// person is a browser with its cookies.
type person struct {
	*http.Client
	w    *world
	base string
}

func (w *world) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &person{&http.Client{Jar: jar}, w, w.app.URL}
}

func (p *person) say(message string) chatAnswer {
	p.w.t.Helper()
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		p.w.t.Fatal(err)
	}
	status, answer := p.post("/chat", "application/json", string(body))
	if status != http.StatusOK {
		p.w.t.Fatalf("say %q: %d %s", message, status, answer)
	}
	var out chatAnswer
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		p.w.t.Fatal(err)
	}
	return out
}

func (p *person) post(path, contentType, body string) (int, string) {
	p.w.t.Helper()
	resp, err := p.Post(p.base+path, contentType, strings.NewReader(body))
	return p.read(resp, err)
}

func (p *person) get(address string) (int, string) {
	p.w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.base + address
	}
	resp, err := p.Get(address)
	return p.read(resp, err)
}

// click follows a link of a page of ours, with the headers that a browser sends.
func (p *person) click(path string) (int, string) {
	p.w.t.Helper()
	resp, err := p.fetch(path, "document", "same-origin", "?1")
	return p.read(resp, err)
}

// fetch sends a GET with Fetch Metadata; an empty value is not sent.
func (p *person) fetch(path, dest, site, user string) (*http.Response, error) {
	p.w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.base+path, nil)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for name, value := range map[string]string{"Sec-Fetch-Dest": dest, "Sec-Fetch-Site": site, "Sec-Fetch-User": user} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return p.Do(req)
}

func (p *person) read(resp *http.Response, err error) (int, string) {
	p.w.t.Helper()
	if err != nil {
		p.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// cookie is the value that the browser holds for the app.
func (p *person) cookie() string {
	u, err := url.Parse(p.base)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, c := range p.Jar.Cookies(u) {
		if c.Name == "vetassist_app" {
			return c.Value
		}
	}
	return ""
}

// connected is a person who has asked once and agreed.
func (w *world) connected() *person {
	w.t.Helper()
	p := w.person()
	if status, page := p.get(p.say("vaccination").AuthorizeURL); status != http.StatusOK || !strings.Contains(page, "answer of get_pet_vaccination_info") {
		w.t.Fatalf("connecting: %d %s", status, page)
	}
	return p
}

// script is an assistant that calls the tools that a message's words stand for, and says what they answered.
type script struct{}

var scriptWords = []struct{ word, tool string }{
	{"vaccination", "get_pet_vaccination_info"}, {"book", "book_vet_appointment"}, {"remind", "set_reminder"}, {"weight", "update_pet"}, {"search", "search"},
}

func (script) Next(_ context.Context, t assistant.Turn) (assistant.Step, error) {
	if strings.Contains(t.Message, "forever") {
		return assistant.Step{Calls: []assistant.Call{{ID: rand.Text(), Name: "search"}}}, nil
	}
	var calls []assistant.Call
	for _, s := range scriptWords {
		done := slices.ContainsFunc(t.Done, func(o assistant.Observation) bool { return o.Call.Name == s.tool })
		if strings.Contains(t.Message, s.word) && !done {
			calls = append(calls, assistant.Call{ID: s.tool, Name: s.tool, Arguments: map[string]any{"pet": "Fido"}})
		}
	}
	if len(calls) > 0 {
		if t.Tools == nil {
			return assistant.Step{NeedsTools: true}, nil
		}
		return assistant.Step{Calls: calls}, nil
	}
	reply := "You said: " + t.Message
	for _, o := range t.Done {
		reply += "\n• " + string(o.Outcome) + " " + o.Text
	}
	return assistant.Step{Reply: reply, Suggestions: []string{"and Milo?"}}, nil
}
