package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// A pushed authorization request (RFC 9126) is sent by the client itself, and the browser brings only its name, the request_uri. A name is
// worth something once: the browser that comes with it gets another one in its place, which nobody else has seen and which lasts through a
// login and a consent; and that one goes in the same write in which the request is answered, with a code or with an error.

// requestURI begins the names of pushed requests (RFC 9126 §2.2). A secret follows: §7.1 asks for 128 bits that nobody can guess, it has 256.
const requestURI = "urn:ietf:params:oauth:request_uri:"

const (
	pushedLifetime = time.Minute      // in which the browser has to come
	takenLifetime  = 15 * time.Minute // from then on
)

// pushedRecord is what is kept of a pushed request, under the hash of its name.
type pushedRecord struct {
	ClientID string    `json:"client_id"`        // as the client sends it
	Query    string    `json:"query"`            // what it asks, without how the client proved itself
	Proven   bool      `json:"proven,omitempty"` // the client did prove itself
	Taken    bool      `json:"taken,omitempty"`  // its browser has come, and this name is that browser's
	Expires  time.Time `json:"expires"`
}

const pushedSort = "request"

// pushed is a pushed request, as it was read.
type pushed struct {
	store.Record[pushedRecord]
	partition string
}

// pushAnswer is RFC 9126 §2.2.
type pushAnswer struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"` // seconds
}

// push is the pushed authorization request endpoint (RFC 9126 §2).
func (s *server) push(w http.ResponseWriter, r *http.Request) {
	var name string
	var client directory.Client
	proof, err := s.checkProof(w, r, "/oauth/par")
	if err == nil {
		name, client, err = s.keepPushed(r, proof)
	}
	if err != nil {
		s.refuse(w, r, audit.Event{Name: audit.Push, ClientID: client.ID, Proven: proven(client)}, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache, no-store") // RFC 9126 §2.2
	web.JSON(w, http.StatusCreated, pushAnswer{name, int(pushedLifetime.Seconds())})
}

// errPushTooLarge has a status of its own (RFC 9126 §2.3).
var errPushTooLarge = &tokenError{"invalid_request", "the authorization request is over 8 KiB when encoded"}

// keepPushed tells too which client it was, once that is known.
func (s *server) keepPushed(r *http.Request, proof dpop.Proof) (name string, client directory.Client, err error) {
	params, err := readForm(r)
	if errors.Is(err, errFormTooLarge) {
		err = errPushTooLarge
	}
	if err != nil {
		return "", client, err
	}
	if err := s.slowClient(r.Context(), claimedClient(r)); err != nil {
		return "", client, err
	}
	client, known, err := s.pusher(r, params)
	if err != nil {
		return "", client, err
	}
	if err := pushKey(proof, params); err != nil {
		return "", known, err
	}
	record := pushedRecord{ClientID: client.ClientID(), Proven: client.Confidential()}
	if err := s.checkPush(r.Context(), client, known, params, &record); err != nil {
		return "", known, err
	}
	if !proven(known) { // whoever registered itself is nobody whom we know, though it has a secret: anybody can get one
		if err := s.admitPush(r.Context()); err != nil {
			return "", known, err
		}
	}
	if err := s.useProof(r.Context(), proof); err != nil {
		return "", known, err
	}
	name, op, err := s.namePushed(record, pushedLifetime)
	if err == nil {
		err = s.Store.Write(r.Context(), op)
	}
	return name, known, err
}

// pusher is the client that pushes, authenticated as at the token endpoint (RFC 9126 §2.1). known is the same client, and empty when nobody
// here knows it: one that describes itself, of which no document was read yet. It is not read for a stranger's push, but when somebody has
// logged in, as ever; until then such a client is taken at its word, as any public one is, and if it turns out to be none, its request is
// refused then (checkPushed).
func (s *server) pusher(r *http.Request, params url.Values) (client, known directory.Client, err error) {
	id := params.Get("client_id")
	if !directory.IsURL(id) {
		client, err = s.authenticateClient(r, params)
		return client, client, err
	}
	if why := s.wrongClientURL(id); why != "" {
		return client, known, &tokenError{"invalid_client", why}
	}
	kept, err := s.knownDocument(r.Context(), id)
	switch {
	case err != nil && !errors.Is(err, directory.ErrNotFound):
		return client, known, err
	case err != nil || kept.Version > 0:
		client, err = s.authenticateClient(r, params)
		return client, client, err
	case r.Header.Get("Authorization") != "" || params.Has("client_secret") || params.Has("client_assertion") || params.Has("client_assertion_type"):
		return client, known, &tokenError{"invalid_client", "this client is not known here yet, so its proof cannot be checked: send its first authorization request by the browser alone"}
	}
	return directory.Described(id), known, nil
}

// checkPush checks a pushed request as one at the authorization endpoint (RFC 9126 §2.1), and notes what it asks. What takes a client's
// document that lists no such redirect URI, or was never read, is checked there, when somebody has logged in: §2.1 lets us.
func (s *server) checkPush(ctx context.Context, client, known directory.Client, params url.Values, record *pushedRecord) error {
	if params.Has("request_uri") { // RFC 9126 §2.1, step 2
		return &tokenError{"invalid_request", "request_uri is what this endpoint hands out: it takes none"}
	}
	for _, proof := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		params.Del(proof)
	}
	params.Set("client_id", client.ClientID())
	if record.Query = params.Encode(); len(record.Query) > maxQuery {
		return errPushTooLarge
	}
	a := &authRequest{Query: record.Query, params: params, pushed: &pushed{Record: store.Record[pushedRecord]{Value: *record}}}
	err := a.from(client, params)
	switch {
	case err != nil && client.URL != "":
		return asTokenError(checkRequestObject(ctx, a, params))
	case err == nil:
		err = s.checkRest(ctx, a, params)
	}
	return asTokenError(err)
}

// asTokenError is an error of the authorization endpoint in the form of the token endpoint (RFC 9126 §2.3).
func asTokenError(err error) error {
	var page *pageError
	var redirect *redirectError
	switch {
	case errors.As(err, &page):
		return &tokenError{"invalid_request", page.Detail}
	case errors.As(err, &redirect):
		return &tokenError{redirect.Code, redirect.Description}
	}
	return err
}

// namePushed makes a name for a pushed request, and the operation that keeps it.
func (s *server) namePushed(record pushedRecord, life time.Duration) (name string, op store.Op, err error) {
	secret, err := web.NewSecret(s.Rand)
	record.Expires = s.Now().UTC().Add(life)
	return requestURI + secret, store.Put(store.Encode("pushed/"+web.Hash(secret), pushedSort, record, record.Expires), store.IfAbsent()), err
}

// errPushed says the same whatever is wrong with a name, whoever asks.
var errPushed = &pageError{"This link was used already, or is too old.",
	"the request_uri is not known, has expired, was used before, or was given to another client"}

// readPushed finds the request that a browser brings the name of. What else the query says does not count (RFC 9126 §4, RFC 9101 §6.3), but
// for prompt and max_age in a query that we wrote: there we note that the person has just logged in.
func (s *server) readPushed(ctx context.Context, a *authRequest, query url.Values) (url.Values, error) {
	name := query.Get("request_uri")
	p := &pushed{partition: "pushed/" + web.Hash(strings.TrimPrefix(name, requestURI))}
	var err error
	p.Record, err = store.Read[pushedRecord](ctx, s.Store, p.partition, pushedSort)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	v := p.Value
	if err != nil || len(query["request_uri"]) != 1 || len(query["client_id"]) != 1 || query.Get("client_id") != v.ClientID || !s.Now().Before(v.Expires) {
		return nil, errPushed
	}
	params, err := url.ParseQuery(v.Query)
	if err != nil {
		return nil, err
	}
	if v.Taken {
		for _, wish := range metByLogin {
			params[wish] = query[wish]
		}
	}
	a.pushed, a.params, a.Query = p, params, carry(v.ClientID, name, params)
	for _, wish := range metByLogin {
		if len(params[wish]) == 0 {
			params.Del(wish)
		}
	}
	return params, nil
}

// carry is the query that stands for a pushed request from page to page.
func carry(clientID, name string, params url.Values) string {
	query := url.Values{"client_id": {clientID}, "request_uri": {name}}
	for _, wish := range metByLogin {
		query[wish] = params[wish]
	}
	return query.Encode()
}

// take gives the browser that brings a name another one, and sends it on with that. Of two browsers with one name, one gets on.
func (s *server) take(w http.ResponseWriter, r *http.Request, a *authRequest) {
	record := a.pushed.Value
	record.Taken = true
	name, op, err := s.namePushed(record, takenLifetime)
	if err == nil {
		err = s.Store.Write(r.Context(), a.pushed.spend(), op)
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		s.fail(w, r, errPushed)
	case err != nil:
		s.failRequest(w, r, a, err)
	default:
		redirectTo(w, "/oauth/authorize?"+carry(record.ClientID, name, a.params))
	}
}

// spend is the operation that ends a name, unless another request did.
func (p *pushed) spend() store.Op {
	return store.Delete(p.partition, pushedSort, store.IfVersion(p.Version))
}

// spend ends the name of a request that is answered, if it was pushed (RFC 9126 §4, §7.3).
func (s *server) spend(ctx context.Context, p *pushed) error {
	if p == nil {
		return nil
	}
	err := s.Store.Write(ctx, p.spend())
	if errors.Is(err, store.ErrConflict) {
		return errPushed
	}
	return err
}

// checkPushed: who must push, has (RFC 9126 §5, §6); and who has to prove itself, did so when it pushed. It may have come to have to since
// (§7.4), or nobody knew then.
func checkPushed(_ context.Context, a *authRequest, _ url.Values) error {
	switch {
	case a.pushed == nil && a.Client.RequirePushed:
		return a.reject("invalid_request", "this client must push its authorization requests (RFC 9126)")
	case a.pushed != nil && a.Client.Confidential() && !a.pushed.Value.Proven:
		return a.reject("invalid_request", "this client has to prove itself when it pushes an authorization request")
	}
	return nil
}

// checkRequestObject: request objects are not supported, neither in the request nor at an address of the client's, and whoever sends one is
// told so, since it would say something else than the parameters beside it (RFC 9101 §6.3, §7).
func checkRequestObject(_ context.Context, a *authRequest, query url.Values) error {
	switch {
	case query.Has("request"):
		return a.reject("request_not_supported", "request objects are not supported: send plain parameters, or push them")
	case query.Has("request_uri"):
		return a.reject("request_uri_not_supported", "request_uri must be one that the pushed authorization request endpoint gave")
	}
	return nil
}
