package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// earlyPoll is how much sooner than it was told a device may ask again: a network is now faster, now slower.
const earlyPoll = time.Second

// redeemDevice is the device grant (RFC 8628 §3.4): the device asks until somebody has decided.
func (s *server) redeemDevice(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	secret := r.params.Get("device_code")
	if secret == "" {
		return tokenResponse{}, &tokenError{"invalid_request", "device_code is missing"}
	}
	// On a conflict somebody has decided, or asked too, in between: the next round sees that.
	return again(func() (tokenResponse, error) { return s.pollOnce(ctx, r, web.Hash(secret)) })
}

func (s *server) pollOnce(ctx context.Context, r tokenRequest, hash string) (tokenResponse, error) {
	record, err := s.readDevice(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return tokenResponse{}, errUnknownDevice
	}
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.pollRecord(ctx, r, hash, record)
	if err != errReused {
		err = concerning(err, record.Value.UserID)
	}
	return response, err
}

func (s *server) pollRecord(ctx context.Context, r tokenRequest, hash string, record store.Record[deviceRecord]) (tokenResponse, error) {
	d := record.Value
	err := s.checkDevice(ctx, r, hash, record)
	traceDevice(ctx, r, d, err)
	if err != nil {
		return tokenResponse{}, err
	}
	g := access.Grant{ClientID: r.client.ID, UserID: d.UserID, Server: d.Server, Scopes: d.Scopes, Offline: d.Offline, Since: d.Decided, Epoch: d.Epoch, Consent: d.Consent}
	response, g, begin, err := s.beginGrant(ctx, r, g)
	if err != nil {
		return tokenResponse{}, err
	}
	d.GrantID = g.ID
	if err := s.writeWith(ctx, issued(audit.Token, g, response), append(begin, d.put(hash, store.IfVersion(record.Version)))...); err != nil {
		return tokenResponse{}, err
	}
	return response, nil
}

// checkDevice is whether a device may have its tokens.
func (s *server) checkDevice(ctx context.Context, r tokenRequest, hash string, record store.Record[deviceRecord]) error {
	d := record.Value
	switch {
	case d.ClientID != r.client.ID:
		return &tokenError{"invalid_grant", "the device code was issued to another client"}
	case d.Reused:
		return errReused
	case d.GrantID != "": // as with a code: one of the two has stolen it
		d.Reused = true
		reuse := audit.Event{Name: audit.CodeReuse, Outcome: audit.Refused, UserID: d.UserID, ClientID: r.client.ID}
		if err := s.revokeGrant(ctx, d.GrantID, reuse, d.put(hash, store.IfVersion(record.Version))); err != nil {
			return err
		}
		return &tokenError{"invalid_grant", errReused.Description}
	case d.Denied:
		return &tokenError{"access_denied", "the user did not allow it"}
	case !s.Now().Before(d.Expires):
		return &tokenError{"expired_token", "nobody has answered in time: ask for a new code"}
	case d.UserID == "":
		return s.notYet(ctx, hash, record)
	}
	return s.checkSameResource(ctx, r.client, r.params, d.Server)
}

// notYet notes that a device has asked, and tells it to go on asking: more slowly, if it does not keep to what it was told (RFC 8628 §3.5).
func (s *server) notYet(ctx context.Context, hash string, record store.Record[deviceRecord]) error {
	d, now := record.Value, s.Now().UTC()
	answer := &tokenError{"authorization_pending", "nobody has answered yet"}
	if now.Before(d.Polled.Add(d.Pause - earlyPoll)) {
		d.Pause += devicePause
		answer = &tokenError{"slow_down", "wait " + d.Pause.String() + " before you ask again"}
	}
	d.Polled = now
	if err := s.Store.Write(ctx, d.put(hash, store.IfVersion(record.Version))); err != nil {
		return err
	}
	return answer
}
