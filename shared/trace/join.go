package trace

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	// A client of others that was silent for longer begins a new flow with its next call; with the code, the state or the name that it
	// got in a flow it comes back to that one whenever it does.
	idle    = 2 * time.Minute
	rewrite = 30 * time.Second // after which the stored link hears that its flow goes on
)

// link says to which flow something belongs that is known again.
type link struct {
	Flow string    `json:"flow"`
	Seen time.Time `json:"seen"`

	stored time.Time // when this process wrote it last
}

// What a flow is known by. A key is the hash of one of these and the value.
const (
	byRequest = "request" // an authorization request: client_id, state and code_challenge together, since a state alone may be anything
	byState   = "state"   // of a request of the chat, which are random
	byCode    = "code"
	byRefresh = "refresh_token"
	byAccess  = "access_token"
	byDevice  = "device_code"
	byUser    = "user_code" // see userKey
	byPushed  = "request_uri"
	byClient  = "client_id" // that was registered just now
	bySender  = "sender"    // address and User-Agent of a client that has nothing else yet
)

func key(by, value string) string { return web.Hash(by + " " + value) }

// join finds out who sends a request and to which flow it belongs.
func (r *Recorder) join(req *http.Request, s *span) {
	rec := &s.record
	if flow, parent, party, ok := r.carried(req.Context(), req.Header.Get(parentHeader), req.Header.Get(stateHeader)); ok {
		rec.Flow, rec.Parent, rec.From = flow, parent, party
		return
	}
	rec.From = sender(rec.To, req)
	if rec.From == Client {
		rec.Name = product(req.UserAgent())
	}
	form := r.params(req, s)
	ctx, cancel := context.WithTimeoutCause(req.Context(), r.patience(), errSlow)
	defer cancel()
	byName := false // it showed something that is of one flow only
	for _, k := range r.keysOf(ctx, rec.To, req, form) {
		if l, ok := r.find(ctx, k); ok {
			rec.Flow, byName = l.Flow, true
			break
		}
	}
	passing := passing(req, form)
	for _, k := range slices.Concat(passing, clientKeys(form)) { // these belong to a flow only while it lasts
		if rec.Flow != "" {
			break
		}
		if l, ok := r.recent(ctx, k); ok {
			rec.Flow = l.Flow
		}
	}
	if rec.From == Client && (byName || passing == nil) {
		pending := pendingKey(req)
		l, ok := r.recent(ctx, pending)
		switch {
		case !byName: // nothing else is known of it yet
			if ok {
				rec.Flow = l.Flow
			}
			s.raw.links = append(s.raw.links, pending)
		case ok && l.Flow != rec.Flow:
			s.raw.merge = l.Flow // what it did before it was known
		}
	}
	if rec.Flow == "" {
		rec.Flow = r.newFlow()
	}
	s.raw.links = append(s.raw.links, passing...)
	if rec.From == Browser && rec.To == OAuth {
		s.raw.links = append(s.raw.links, requestKeys(req.URL.Query(), false)...)
	}
}

// pendingKey is what a client of others is known by until it shows anything better. Two people's clients can have the same, behind one
// address; so it leads nowhere once somebody got tokens.
func pendingKey(req *http.Request) string {
	return key(bySender, web.ClientAddress(req.Context())+" "+req.UserAgent())
}

// sender is who sends a request without a traceparent of ours.
func sender(to Party, req *http.Request) Party {
	switch to {
	case App:
		if req.URL.Path == "/oauth-client.json" {
			return Client
		}
		return Browser
	case OAuth:
		for _, path := range []string{"/oauth/authorize", "/oauth/login", "/oauth/consent", "/oauth/logout", "/oauth/device", "/oauth/passkey/"} {
			if req.URL.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(req.URL.Path, path) || path == "/oauth/logout" && strings.HasPrefix(req.URL.Path, path+"/") {
				return Browser
			}
		}
	}
	return Client
}

// product is how a program calls itself (RFC 9110 §10.1.5), without its version.
func product(agent string) string {
	name, _, _ := strings.Cut(agent, " ")
	name, _, _ = strings.Cut(name, "/")
	return clip(scrub(clean(name)), 40)
}

// params are the parameters of a request: of its query, and of a form.
func (r *Recorder) params(req *http.Request, s *span) url.Values {
	form := req.URL.Query()
	if isForm(req) {
		body, _ := s.raw.sent.all()
		if more, err := url.ParseQuery(string(body)); err == nil {
			for name, values := range more {
				form[name] = append(form[name], values...)
			}
		}
	}
	return form
}

// keysOf are the keys that a request itself shows, the surest first.
func (r *Recorder) keysOf(ctx context.Context, to Party, req *http.Request, form url.Values) []string {
	var keys []string
	add := func(by, name string) {
		if v := form.Get(name); v != "" {
			keys = append(keys, key(by, v))
		}
	}
	switch {
	case to == App:
		add(byState, "state")
	case to == OAuth:
		keys = append(keys, requestKeys(req.URL.Query(), false)...)
		add(byPushed, "request_uri")
		add(byCode, "code")
		add(byDevice, "device_code")
		if code := form.Get("user_code"); code != "" {
			keys = append(keys, r.userKey(ctx, code)...)
		}
	}
	return keys
}

// passing are the keys of what lives longer than a flow.
func passing(req *http.Request, form url.Values) []string {
	var keys []string
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && strings.Count(token, ".") == 2 {
		keys = append(keys, key(byAccess, token))
	}
	for _, name := range []string{"refresh_token", "token"} {
		if v := form.Get(name); v != "" {
			keys = append(keys, key(byRefresh, v), key(byAccess, v))
		}
	}
	return keys
}

// clientKeys is the client of an authorization request. Only its registration makes that a link: a client that is there already is
// everybody's.
func clientKeys(form url.Values) []string {
	if v := form.Get("client_id"); v != "" && form.Get("response_type") != "" {
		return []string{key(byClient, v)}
	}
	return nil
}

// requestKeys are those of an authorization request. Only the chat's own are known by their state alone, when they come back.
func requestKeys(q url.Values, ours bool) []string {
	var keys []string
	if q.Get("client_id") != "" && q.Get("code_challenge") != "" {
		keys = append(keys, key(byRequest, q.Get("client_id")+" "+q.Get("state")+" "+q.Get("code_challenge")))
	}
	if ours && q.Get("state") != "" {
		keys = append(keys, key(byState, q.Get("state")))
	}
	return keys
}

// learn finds in an answer by what its flow will be known again. The next request can come at once, so it is remembered before the answer
// is written.
func (r *Recorder) learn(ctx context.Context, s *span) {
	to := s.record.To
	if to == App || to == OAuth {
		if u, err := url.Parse(s.raw.header.Get("Location")); err == nil && u.RawQuery != "" {
			q := u.Query()
			s.raw.links = append(s.raw.links, requestKeys(q, to == App)...)
			for by, name := range map[string]string{byCode: "code", byPushed: "request_uri"} {
				if v := q.Get(name); v != "" {
					s.raw.links = append(s.raw.links, key(by, v))
				}
			}
		}
	}
	switch path := s.raw.request.URL.Path; {
	case to == OAuth && s.raw.status/100 == 2 && strings.HasPrefix(s.raw.header.Get("Content-Type"), "application/json"):
		var got map[string]any
		if body, _ := s.raw.received.all(); json.Unmarshal(body, &got) != nil || strings.HasPrefix(path, "/.well-known/") {
			break
		}
		names := map[string]string{byRefresh: "refresh_token", byAccess: "access_token", byDevice: "device_code", byPushed: "request_uri"}
		if path == "/oauth/register" {
			names[byClient] = "client_id"
		}
		for by, name := range names {
			if v, _ := got[name].(string); v != "" {
				s.raw.links = append(s.raw.links, key(by, v))
			}
		}
		if code, _ := got["user_code"].(string); code != "" {
			s.raw.links = append(s.raw.links, r.userKey(ctx, code)...)
		}
		if got["access_token"] != nil && s.record.From == Client {
			s.raw.dropped = pendingKey(s.raw.request)
			s.raw.links = slices.DeleteFunc(s.raw.links, func(key string) bool { return key == s.raw.dropped })
			r.links.Add(s.raw.dropped, link{})
		}
	case to == App && path == "/chat": // the answer names where the person has to go
		var got struct {
			URL string `json:"authorize_url"`
		}
		if body, _ := s.raw.received.all(); json.Unmarshal(body, &got) == nil && got.URL != "" {
			if u, err := url.Parse(got.URL); err == nil {
				s.raw.links = append(s.raw.links, requestKeys(u.Query(), true)...)
			}
		}
	}
	l := link{Flow: s.record.Flow, Seen: s.record.End.Time, stored: s.record.End.Time}
	store := s.raw.links[:0]
	for _, k := range s.raw.links {
		if before, ok := r.links.Peek(k); ok && before.Flow == l.Flow && l.Seen.Sub(before.stored) < rewrite {
			r.links.Add(k, link{Flow: l.Flow, Seen: l.Seen, stored: before.stored})
			continue
		}
		r.links.Add(k, l)
		if len(store) < maxLinks && !slices.Contains(store, k) {
			store = append(store, k)
		}
	}
	s.raw.links = store
}

const maxLinks = 12 // of one exchange: with all else they fit into one Write

var errSlow = errors.New("trace: the store is slow")

// find looks a key up: what the process remembers, else what is stored.
func (r *Recorder) find(ctx context.Context, key string) (link, bool) {
	if l, ok := r.links.Get(key); ok {
		return l, r.ours(l.Flow)
	}
	return r.stored(ctx, key)
}

// recent looks a key up that belongs to a flow only as long as that was not silent. Where there are several processes, another one may
// have seen it since.
func (r *Recorder) recent(ctx context.Context, key string) (link, bool) {
	l, ok := r.find(ctx, key)
	if stale := r.Now().Sub(l.Seen) >= idle; stale && ok && r.Direct {
		l, ok = r.stored(ctx, key)
	}
	return l, ok && r.Now().Sub(l.Seen) < idle
}

func (r *Recorder) stored(ctx context.Context, key string) (link, bool) {
	rec, err := store.Read[link](ctx, r.Store, linkPartition+key, linkSort)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return link{}, false
	case ctx.Err() != nil && context.Cause(ctx) != errSlow: // the client hung up, or the request's own time is over
		return link{}, false
	case err != nil:
		r.failed("flight recorder: not read", err)
		return link{}, false
	}
	l := rec.Value
	l.stored = l.Seen
	r.links.Add(key, l)
	return l, r.ours(l.Flow)
}
