package attack

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// logOut ends the login of a browser.
func logOut(b *visitor.Browser) func(context.Context) error {
	return func(ctx context.Context) error {
		b.StopAt("")
		p, err := b.Open(ctx, b.Base+"/oauth/logout")
		if err == nil && slices.ContainsFunc(p.Forms, func(f visitor.Form) bool { return f.Action == "/oauth/logout" }) {
			_, err = b.Submit(ctx, "/oauth/logout", nil)
		}
		return err
	}
}

func chatState(t *try) {
	mallory, connect := t.chat("alice")
	answer := t.answer(mallory, connect).String()
	victim, _ := t.chat("bob")
	for what, b := range inOrder(map[string]*visitor.Browser{"in a browser that has asked something": victim, "in a browser that has not": t.browser()}) {
		a := t.get(b, answer)
		got := t.ask(b, "Which pets do I have?")
		t.judge(what, got.Connected, a.Status == http.StatusBadRequest, said(a))
	}
	_, err := mallory.Open(t.ctx, answer) // it was not used up: where it belongs it still works
	t.must(err)
	t.control(t.ask(mallory, "Which pets do I have?").Connected, "the same answer does not work in the browser that asked")
}

func mixUp(t *try) {
	b, connect := t.chat("bob")
	for what, iss := range inOrder(map[string][]string{"with Mallory's issuer": {evil}, "without an issuer": nil, "with a slash more": {t.base + "/"}}) {
		to := t.answer(b, connect)
		query := to.Query()
		query["iss"] = iss
		t.get(b, t.base+"/callback?"+query.Encode())
		p, err := b.Open(t.ctx, t.base+"/")
		t.must(err)
		got := t.ask(b, "Which pets do I have?")
		t.judge(what, got.Connected, strings.Contains(p.Text(), "did not come from the server"), "the chat stopped, and is not connected")
		connect = got.AuthorizeURL
		if connect == "" { // it is connected: begin anew
			b, connect = t.chat("bob")
		}
	}
	_, err := b.Open(t.ctx, t.answer(b, connect).String())
	t.must(err)
	t.control(t.ask(b, "Which pets do I have?").Connected, "an honest answer does not connect the chat")
}

func chatCSRF(t *try) {
	b, connect := t.chat("bob")
	_, err := b.Open(t.ctx, t.answer(b, connect).String())
	t.must(err)
	t.control(t.ask(b, "Which pets do I have?").Connected, "the chat is not connected")
	const marker = "a message of Mallory's"
	form := url.Values{"message": {marker}}.Encode()
	for _, c := range []struct{ what, path, body, contentType, origin string }{
		{"a message as JSON", "/chat", `{"message":"` + marker + `"}`, "application/json", evil},
		{"a message as a form", "/chat", form, "application/x-www-form-urlencoded", evil},
		{"a message as plain text", "/chat", `{"message":"` + marker + `"}`, "text/plain", evil},
		{"a message from a page without an origin", "/chat", form, "application/x-www-form-urlencoded", "null"},
		{"a new conversation", "/new", "", "application/x-www-form-urlencoded", evil},
		{"a logout", "/logout", "", "application/x-www-form-urlencoded", evil},
	} {
		a := t.sendBody(b, t.base+c.path, c.body, c.contentType, c.origin)
		p, err := b.Open(t.ctx, t.base+"/")
		t.must(err)
		got := strings.Contains(p.Text(), marker) || !strings.Contains(p.Text(), "Which pets do I have?")
		t.judge(c.what, got, a.Status == http.StatusForbidden || a.Status == http.StatusUnsupportedMediaType, said(a))
	}
	t.judge("and the connection", !t.ask(b, "Which pets do I have?").Connected, true, "it is still there")
}
