package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// connect sends the person to the authorization server: for the exchange that waits (?for=), else for the latest one that does,
// else just to connect. ?switch=1 asks for a fresh login there (prompt=login), and leaves the conversation of whoever was connected
// before behind. It may be followed again and again: each time is an authorization request of its own. Nothing is begun for a browser that has no session, except by a click on a
// page of ours.
func (a *app) connect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !navigation(r.Header) {
		a.refuse(w, r, &refusal{http.StatusForbidden, "not_a_click", "This address is for the button in the chat. Please use that one."}, false)
		return
	}
	set, err := a.ready(ctx)
	if errors.Is(err, errNotSetUp) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	b, _, err := a.open(r)
	if errors.Is(err, errNoSession) {
		if r.Header.Get("Sec-Fetch-Site") != "same-origin" || r.FormValue("for") != "" {
			http.Redirect(w, r, "/?first", http.StatusSeeOther) // anybody could have sent this browser here
			return
		}
		b, err = a.begin(ctx, w, session{}) // a click on the page after a log out
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	switched := r.FormValue("switch") == "1"
	c, err := a.readConversation(ctx, b)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	n, id := c.waiting(r.FormValue("for"))
	if n == nil && r.FormValue("for") != "" {
		http.Redirect(w, r, anchor(r.FormValue("for")), http.StatusSeeOther) // answered meanwhile, in another tab
		return
	}
	if n == nil || switched && b.session.everConnected() {
		id = ""
		var problem string
		if n, problem = a.challengeNow(ctx, b); n == nil {
			if err := a.tell(ctx, b, toneProblem, problem); err != nil {
				a.fail(w, r, err)
				return
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
	}
	if e := c.find(id); e != nil {
		trace.Continue(ctx, e.Flow) // the question began it
	}
	if set.ClientID != "" && errors.Is(a.ask(ctx, set.ClientID), errUnknownClient) { // a person would be stuck on the page that says so
		http.Redirect(w, r, "/setup?unknown", http.StatusSeeOther)
		return
	}
	to, err := a.authorizeURL(ctx, b, n, id, switched)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	web.SecurePage(w) // no Referer, not cached
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// navigation tells whether a browser wants a page for its window and, when another site sent it, whether a person clicked there.
// Without this any page could have requests stored and sent, with an image. Programs do not send these headers (Fetch Metadata).
func navigation(h http.Header) bool {
	dest, site := h.Get("Sec-Fetch-Dest"), h.Get("Sec-Fetch-Site")
	foreign := site != "" && site != "same-origin" && site != "none"
	return (dest == "" || dest == "document") && (!foreign || h.Get("Sec-Fetch-User") == "?1")
}

// waiting returns what an exchange waits for; without an id, of the latest that waits.
func (c *conversation) waiting(id string) (*need, string) {
	for i := len(c.Exchanges) - 1; i >= 0; i-- {
		if e := c.Exchanges[i]; e.Need != nil && (id == "" || e.ID == id) {
			return e.Need, e.ID
		}
	}
	return nil, ""
}

// challengeNow calls the MCP server without a token, to hear what it asks for. Without a need it returns the reason.
func (a *app) challengeNow(ctx context.Context, b *browser) (*need, string) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	m := a.newMCPTurn(ctx, b, &exchange{})
	m.handler.anonymous = true
	defer m.close()
	err := m.connect(ctx)
	var n *need
	switch {
	case err == nil:
		return nil, "The VetAssist server did not ask for a login."
	case errors.As(err, &n):
		return n, ""
	}
	a.log.WarnContext(ctx, "no challenge from the MCP server", "err", err)
	return nil, m.sorry(err)
}
