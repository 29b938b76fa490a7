package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// A device that has no browser (RFC 8628) asks here for two codes. It shows the one to a person, who types it into a browser elsewhere, logs in
// and decides (device_page.go), and asks with the other for tokens until that has happened (grant_device.go).

const (
	deviceLifetime = 10 * time.Minute
	deviceMemory   = time.Hour       // from then on: so long a device is told what became of its code, and a second use is noticed
	devicePause    = 5 * time.Second // between two questions of a device
)

// How many codes may be asked for within a window. In all, since every open one is one more that a guess can hit (RFC 8628 §5.1).
const (
	deviceWindow    = 10 * time.Minute
	devicesByOrigin = 60 // a whole workshop can sit behind one address
	devicesInAll    = 600
)

// deviceRecord is what is kept of a device's request, under the hash of its device code.
type deviceRecord struct {
	ClientID string        `json:"client_id"`
	Server   string        `json:"server"` // identifier
	Scopes   []string      `json:"scopes"` // that it asks for; when it is allowed, those that the person agreed to
	Offline  bool          `json:"offline,omitempty"`
	From     string        `json:"from"` // where it asked from
	Asked    time.Time     `json:"asked"`
	Expires  time.Time     `json:"expires"`
	Polled   time.Time     `json:"polled,omitzero"` // when it last asked for tokens
	Pause    time.Duration `json:"pause"`           // that it has to make before it does again
	Denied   bool          `json:"denied,omitempty"`
	UserID   string        `json:"user_id,omitempty"` // who decided; empty: nobody yet
	Decided  time.Time     `json:"decided,omitzero"`  // a moment before that person's login was looked at
	Epoch    time.Time     `json:"epoch,omitzero"`    // of that person, as they were then
	Consent  time.Time     `json:"consent,omitzero"`  // which consent that was: its Since
	GrantID  string        `json:"grant_id,omitempty"`
	Reused   bool          `json:"reused,omitempty"` // it came again after that, which was noted
}

// open reports whether somebody may still decide.
func (d deviceRecord) open(now time.Time) bool { return d.UserID == "" && now.Before(d.Expires) }

const deviceSort = "device"

func devicePartition(hash string) string { return "device/asked/" + hash }

// put is the operation that writes the record.
func (d deviceRecord) put(hash string, c store.Condition) store.Op {
	return store.Put(store.Encode(devicePartition(hash), deviceSort, d, d.Expires.Add(deviceMemory)), c)
}

// deviceRef is kept under a user code, as long as that is of any use.
type deviceRef struct {
	Hash string `json:"hash"` // of the device code
}

// userCodePartition is where a user code is kept. It is short enough to be found from its hash by trying all, so that takes a key of ours.
func (s *server) userCodePartition(ctx context.Context, code userCode) (string, error) {
	key, err := s.deviceKey.Bytes(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return "device/code/" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// deviceAnswer is RFC 8628 §3.2.
type deviceAnswer struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	Complete        string `json:"verification_uri_complete"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	Interval        int    `json:"interval"`   // seconds
}

// authorizeDevice is the device authorization endpoint (RFC 8628 §3.1).
func (s *server) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	params, client, err := s.clientRequest(r)
	var answer deviceAnswer
	if err == nil {
		// On a conflict somebody else was counted in between, or has drawn the same code.
		answer, err = again(func() (deviceAnswer, error) { return s.askForDevice(r.Context(), client, params) })
	}
	if err != nil {
		s.refuse(w, r, audit.Event{Name: audit.Device, ClientID: client.ID, Proven: proven(client)}, err)
		return
	}
	web.JSON(w, http.StatusOK, answer)
}

func (s *server) askForDevice(ctx context.Context, client directory.Client, params url.Values) (deviceAnswer, error) {
	if !client.May(directory.GrantDevice) {
		return deviceAnswer{}, &tokenError{"unauthorized_client", "this client is not registered for the device grant"}
	}
	server, err := s.resource(ctx, client, params["resource"])
	if err != nil {
		return deviceAnswer{}, err
	}
	scopes, err := rbac.ParseScope(params.Get("scope"))
	if err != nil {
		return deviceAnswer{}, &tokenError{"invalid_scope", err.Error()}
	}
	now := s.Now().UTC()
	d := deviceRecord{ClientID: client.ID, Server: server.Identifier, From: web.ClientAddress(ctx), Asked: now, Expires: now.Add(deviceLifetime), Pause: devicePause}
	if d.Scopes, d.Offline = splitOutside(scopes); len(d.Scopes) == 0 {
		d.Scopes = client.AuthorizedAt(server) // RFC 6749 §3.3 lets us choose
	}
	counted, err := s.count(ctx, "device/limit/asked/", deviceWindow, "too many devices asked for a code just now",
		most{"from/" + clientNetwork(ctx), devicesByOrigin}, most{"all", devicesInAll})
	if err != nil {
		return deviceAnswer{}, err
	}
	secret, err := web.NewSecret(s.Rand) // RFC 8628 §5.2: nobody shows it, so it can be long
	if err != nil {
		return deviceAnswer{}, err
	}
	code, err := newUserCode(s.Rand)
	if err != nil {
		return deviceAnswer{}, err
	}
	partition, err := s.userCodePartition(ctx, code)
	if err != nil {
		return deviceAnswer{}, err
	}
	hash := web.Hash(secret)
	event := audit.Event{Name: audit.Device, Outcome: audit.OK, ClientID: client.ID, Details: map[string]string{"server": d.Server, "scope": rbac.JoinScope(d.Scopes)}}
	err = s.writeWith(ctx, event, append(counted, d.put(hash, store.IfAbsent()),
		store.Put(store.Encode(partition, deviceSort, deviceRef{hash}, d.Expires), store.IfAbsent()))...)
	page := s.BaseURL + devicePath
	return deviceAnswer{DeviceCode: secret, UserCode: code.String(), VerificationURI: page, Complete: page + "?" + code.query(),
		ExpiresIn: int(deviceLifetime.Seconds()), Interval: int(devicePause.Seconds())}, err
}

// readDevice finds a device's request by the hash of its device code, or store.ErrNotFound.
func (s *server) readDevice(ctx context.Context, hash string) (store.Record[deviceRecord], error) {
	return store.Read[deviceRecord](ctx, s.Store, devicePartition(hash), deviceSort)
}

// deviceOf finds the request that a user code is for, and writes it into a. The error is errNoDevice when there is none that waits.
func (s *server) deviceOf(ctx context.Context, a *authRequest) error {
	partition, err := s.userCodePartition(ctx, a.userCode)
	if err != nil {
		return err
	}
	ref, err := store.Read[deviceRef](ctx, s.Store, partition, deviceSort)
	if err != nil {
		return noDevice(err)
	}
	record, err := s.readDevice(ctx, ref.Value.Hash)
	if err == nil && !record.Value.open(s.Now()) {
		err = errNoDevice
	}
	if err != nil {
		return noDevice(err)
	}
	d := record.Value
	if a.Client, err = s.Directory.Client(ctx, d.ClientID); err != nil {
		return noDevice(err)
	}
	if a.Server, err = s.Directory.Server(ctx, d.Server); err != nil {
		return noDevice(err)
	}
	a.Scopes, a.Offline, a.device = d.Scopes, d.Offline, &device{partition, ref.Value.Hash, d}
	return nil
}

// device is a device's request, as it was read.
type device struct {
	codePartition string // of its user code
	hash          string // of its device code
	deviceRecord
}

var errNoDevice = errors.New("oauth: no device waits with this code")

func noDevice(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, directory.ErrNotFound) {
		return errNoDevice
	}
	return err
}
