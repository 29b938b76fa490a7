package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// logout forgets the session first, so that nobody uses its tokens any more, and then has its refresh tokens revoked.
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := web.Finish(r.Context())
	defer cancel()
	b, _, err := a.open(r)
	if err != nil && !errors.Is(err, errNoSession) {
		a.fail(w, r, err)
		return
	}
	to := "/logged-out"
	if b != nil {
		if err := a.forget(ctx, b); err != nil {
			a.fail(w, r, err)
			return
		}
		_, err := a.tryReplaced(ctx, b, a.callTime)
		if err := errors.Join(err, a.revokeLogin(ctx, b)); err != nil {
			a.log.WarnContext(ctx, "refresh token not revoked", "err", err)
			to += "?revoked=no"
		}
	}
	a.cookie.Clear(w)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// forget deletes the session as it was last written, so that b holds the refresh token that counts.
func (a *app) forget(ctx context.Context, b *browser) error {
	for range writeAttempts {
		rec, err := a.readSession(ctx, b)
		if errors.Is(err, errNoSession) {
			return nil
		}
		if err != nil {
			return err
		}
		err = a.store.Write(ctx,
			store.Delete(sessionPartition+b.id, sessionSort, store.IfVersion(rec.Version)),
			store.Delete(conversationPartition+rec.Value.Conversation, conversationSort, store.Always()))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return errContended
}

func (a *app) revokeLogin(ctx context.Context, b *browser) error {
	token, err := b.refreshToken()
	if err != nil || token == "" {
		return err
	}
	if b.session.Login.Server.Revoke == "" {
		return errors.New("the authorization server has no revocation endpoint")
	}
	return a.revoke(ctx, b.session.Login.Server.Revoke, b.session.Login.Server.client(), token)
}

func (a *app) loggedOut(w http.ResponseWriter, r *http.Request) {
	if b, _, err := a.open(r); err == nil && b.session.Login != nil { // connected again since
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	unrevoked := r.FormValue("revoked") == "no"
	if err := a.pages.Render(w, http.StatusOK, "logged-out.html", web.Page{Title: "Logged out", Data: unrevoked}); err != nil {
		a.fail(w, r, err)
	}
}

// startOver begins a new conversation in the same session.
func (a *app) startOver(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	b, _, err := a.open(r)
	if errors.Is(err, errNoSession) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	old, fresh := "", ""
	if err == nil {
		fresh, err = web.NewSecret(a.rand)
	}
	if err == nil {
		err = a.change(ctx, b, func(s *session) error {
			old, s.Conversation = s.Conversation, fresh
			return nil
		})
	}
	if err == nil {
		err = a.store.Write(ctx, store.Delete(conversationPartition+old, conversationSort, store.Always()))
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
