package oauth_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// What somebody takes back while a request is looked at that it was not asked about again, since it was allowed before, does not come back with
// the answer to that: they are asked.
func TestWithdrawnMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before []string // what was allowed: names and values of a request
		ask    []string
		answer func(bob *browser, page string) answer // what ends the request
	}{
		{name: "not asked", answer: func(bob *browser, page string) answer { return bob.get(page) }},
		{name: "who it is", before: []string{"scope", "openid profile", "resource", ""}, ask: []string{"scope", "openid profile", "resource", ""},
			answer: func(bob *browser, page string) answer { return bob.get(page) }},
		{name: "asked about more", ask: []string{"scope", "pet-profile:read appointment:read"}, answer: func(bob *browser, page string) answer {
			return bob.approve(bob.get(page), "appointment:read")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.code(c.before...)
			bob := w.browser()
			bob.login("bob", "/oauth/login")
			page := w.request(c.ask...)
			w.beforeNextWrite(func() { bob.send("/oauth/account/apps/remove") })
			got := c.answer(bob, page)
			if to := got.header.Get("Location"); got.status != http.StatusSeeOther || to != page {
				t.Errorf("sent on with %d to %q", got.status, to)
			}
			if all, err := w.directory.ConsentsOf(t.Context(), "user-bob", directory.Query{}); err != nil || len(all.Items) != 0 {
				t.Errorf("there is a consent again: %+v, %v", all.Items, err)
			}
			asked := bob.follow(got)
			if code := bob.callback(bob.approve(asked)).Get("code"); code == "" {
				t.Error("no code after all was asked")
			}
		})
	}
}

// Nobody who is disabled meanwhile leaves a consent behind.
func TestDisabledWhileAgreeing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.browser()
	page := bob.login("bob", w.request())
	w.beforeNextWrite(func() {
		disabled := true
		u, err := w.directory.UserRecord(t.Context(), "user-bob")
		if err == nil {
			_, err = w.directory.UpdateUser(t.Context(), "user-bob", u.Version, directory.UserEdit{Disabled: &disabled})
		}
		if err != nil {
			t.Error(err)
		}
	})
	if got := bob.follow(bob.approve(page)); !strings.Contains(got.body, "<title>Log in") {
		t.Errorf("after that: %d\n%s", got.status, got.body)
	}
	if all, err := w.directory.ConsentsOf(t.Context(), "user-bob", directory.Query{}); err != nil || len(all.Items) != 0 {
		t.Errorf("there is a consent: %+v, %v", all.Items, err)
	}
}

// With a device it is as with any other request.
func TestWithdrawnWhileDeviceIsLetIn(t *testing.T) {
	t.Parallel()
	var meanwhile func()
	w := newWorldOver(t, func(s store.Store) store.Store { return beforeDecision{s, &meanwhile} })
	device := w.deviceClient("pet-profile:read", "appointment:read")
	w.allows("bob", w.ask(device, "scope", "pet-profile:read").UserCode)
	asked := w.ask(device, "scope", "pet-profile:read appointment:read")
	bob := w.browser()
	bob.login("bob", "/oauth/login")
	page := bob.get("/oauth/device?user_code=" + asked.UserCode)
	withdrawn := false
	meanwhile = func() {
		withdrawn = true
		if err := w.directory.Withdraw(t.Context(), "user-bob", device, mcp); err != nil {
			t.Error(err)
		}
	}
	got := bob.decides(page, "approve", "appointment:read")
	if consent, err := w.directory.Consent(t.Context(), "user-bob", device, mcp); err != nil || !withdrawn || slices.Contains(consent.Scopes, "pet-profile:read") {
		t.Errorf("there is a consent again: %+v, %v", consent, err)
	}
	w.poll(device, asked.DeviceCode).expect(t, "authorization_pending")
	bob.decides(bob.follow(got), "approve")
	w.poll(device, asked.DeviceCode).expect(t, "")
}

// beforeDecision lets something happen, once, before what is known of a device's request is written.
type beforeDecision struct {
	store.Store
	meanwhile *func()
}

func (s beforeDecision) Write(ctx context.Context, ops ...store.Op) error {
	if f := *s.meanwhile; f != nil && slices.ContainsFunc(ops, func(op store.Op) bool { return strings.HasPrefix(op.Item.Partition, "device/asked/") }) {
		*s.meanwhile = nil
		f()
	}
	return s.Store.Write(ctx, ops...)
}
