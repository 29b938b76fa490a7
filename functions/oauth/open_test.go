package oauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/store"
)

type watchedLists struct {
	store.Store
	asked []store.Query
}

func (w *watchedLists) List(ctx context.Context, q store.Query) (store.Page, error) {
	w.asked = append(w.asked, q)
	return w.Store.List(ctx, q)
}

// What is read while the function starts is what its first authorization request needs.
func TestFirst(t *testing.T) {
	t.Parallel()
	var lists *watchedLists
	w := newWorldOver(t, func(s store.Store) store.Store {
		lists = &watchedLists{Store: s}
		return lists
	})
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", w.request(), nil))
	if answer.Code != http.StatusSeeOther || !slices.Contains(lists.asked, oauth.First) {
		t.Errorf("%d; it asks for %+v", answer.Code, lists.asked)
	}
}
