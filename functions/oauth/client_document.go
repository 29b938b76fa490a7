package oauth

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject" // how long an answer may be believed (RFC 9111)

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/egress"
	"github.com/vetassist/vetassist/shared/store"
)

// A client that nobody here knows names itself by the URL of a document about itself (draft-ietf-oauth-client-id-metadata-document-00, which
// MCP names; sections are of that). The document is read only for somebody who has logged in: nobody else can make us ask a stranger for
// something. What it says is kept as a client of the directory, which all instances share, for as long as its server says.

const (
	maxClientURL = 255      // bytes of such a client_id; it stands on pages and is a key in lists
	maxDocument  = 16 << 10 // bytes of a document. §6.6 recommends 5 KB; with three RSA keys and names in many languages that is soon too short
	minFresh     = time.Minute
	maxFresh     = 24 * time.Hour
	defaultFresh = 5 * time.Minute // of a document whose server says nothing
	staleFor     = 24 * time.Hour  // how much longer one is believed that cannot be read just now
)

// documentError says why a client's document is of no use.
type documentError struct {
	Reason string
	Final  bool // its server says so; else it may be there in a moment
}

func (e *documentError) Error() string {
	return "the client's metadata document cannot be used: " + e.Reason
}

// describesItself reports whether clients that name themselves by a URL are accepted from anywhere.
func (s *server) describesItself() bool { return len(s.ClientDomains) > 0 }

// wrongClientURL tells why a client_id is not the URL of a document that we would read (§3); empty: it is. It is compared and asked for as it
// is: nothing is made equal (RFC 3986 §6.2.1).
func (s *server) wrongClientURL(id string) string {
	u, err := url.Parse(id)
	own := s.documents.isOwn(id)
	switch {
	case !s.describesItself():
		return "clients that describe themselves at a URL are not accepted here"
	case err != nil || len(id) > maxClientURL:
		return "client_id is not a URL of at most " + strconv.Itoa(maxClientURL) + " bytes"
	case !own && !isPlainHTTPS(id):
		return "client_id is not an https URL with a plain host, without fragment and user"
	case u.Path == "" || u.Path == "/" || strings.Contains(id, "#") || strings.Contains(u.Path, "\\"):
		return "client_id is a URL without a path"
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		return "client_id is a URL with dots for a path segment"
	case !own && !s.ClientDomains.Accepts(u.Hostname(), cmp.Or(u.Port(), "443")):
		return "clients of this host are not accepted here"
	}
	return ""
}

// client finds the client that the token, revocation or introspection endpoint was told. Nobody has logged in there: no document is read but
// of a client that is known, when what is known of it is too old. One that cannot be read is no reason to end what was granted.
func (s *server) client(ctx context.Context, clientID string) (directory.Client, error) {
	if !directory.IsURL(clientID) {
		return s.Directory.Client(ctx, clientID)
	}
	known, err := s.knownDocument(ctx, clientID)
	if err == nil && known.Version == 0 {
		err = directory.ErrNotFound
	}
	if err != nil || s.Now().Before(known.Value.Fresh) || !known.Value.Expires.IsZero() { // nobody allowed it anything: there is nothing to ask for
		return known.Value, err
	}
	client, err := s.readDocument(ctx, clientID, known)
	var wrong *documentError
	if errors.As(err, &wrong) {
		if !s.believed(known) {
			return directory.Client{}, directory.ErrNotFound
		}
		return known.Value, nil
	}
	return client, err
}

// describedClient finds the client that somebody was sent by who has logged in. redirectURI is where it wants the answer: a document that was
// kept and does not list it is read anew, for it may have been added since.
func (s *server) describedClient(ctx context.Context, clientURL, redirectURI string) (directory.Client, error) {
	known, err := s.knownDocument(ctx, clientURL)
	if err != nil {
		return directory.Client{}, err
	}
	now := s.Now()
	if now.Before(known.Value.Fresh) && (known.Value.HasRedirect(redirectURI) || now.Before(known.Value.Fetched.Add(minFresh))) {
		return known.Value, nil
	}
	client, err := s.readDocument(ctx, clientURL, known)
	var wrong *documentError
	if errors.As(err, &wrong) && !wrong.Final && s.believed(known) {
		return known.Value, nil
	}
	return client, err
}

// knownDocument is what was kept of a client's document; version 0: nothing. Disabled it is ErrNotFound, as is what the setting does not accept.
func (s *server) knownDocument(ctx context.Context, clientURL string) (store.Record[directory.Client], error) {
	if s.wrongClientURL(clientURL) != "" {
		return store.Record[directory.Client]{}, directory.ErrNotFound
	}
	known, err := s.Directory.DescribedClient(ctx, clientURL)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		known, err = store.Record[directory.Client]{Value: directory.Described(clientURL)}, nil
	case err == nil && known.Value.Disabled:
		err = directory.ErrNotFound
	}
	return known, err
}

// believed reports whether a document that cannot be read just now may be taken for what it was.
func (s *server) believed(known store.Record[directory.Client]) bool {
	return known.Version > 0 && s.Now().Before(known.Value.Fresh.Add(staleFor))
}

// readDocument reads a client's document anew and keeps what it says. The error is a *documentError when it is of no use.
func (s *server) readDocument(ctx context.Context, clientURL string, known store.Record[directory.Client]) (directory.Client, error) {
	if err := s.documents.failure(clientURL); err != nil {
		return directory.Client{}, err
	}
	body, header, err := s.documents.get(ctx, clientURL, "application/json", maxDocument)
	switch {
	case ctx.Err() != nil: // whoever gave up did not find it broken
		return directory.Client{}, ctx.Err()
	case errors.Is(err, errTooOften):
		return directory.Client{}, &documentError{errTooOften.Error(), false}
	case err != nil:
		s.Log.InfoContext(ctx, "a client's metadata document cannot be read", "url", clientURL, "err", err)
		reason := publicReason(err)
		return directory.Client{}, s.documents.remember(clientURL, &documentError{reason.Error(), slices.Contains(finalReasons, reason)})
	}
	m, wrong := judgeDocument(clientURL, header, body)
	if wrong != nil {
		return directory.Client{}, s.documents.remember(clientURL, wrong)
	}
	client := known.Value
	m.fill(&client)
	client.Fetched = s.Now().UTC()
	client.Fresh = client.Fetched.Add(freshFor(header, client.Fetched))
	return s.Directory.KeepDescribed(ctx, known, client)
}

// finalReasons are what the host itself says or does; anything else may be over in a moment.
var finalReasons = []error{egress.StatusError(http.StatusNotFound), egress.StatusError(http.StatusGone), egress.ErrRedirect, egress.ErrTooLarge, egress.ErrAddress}

// judgeDocument reads what a document says (§4.1).
func judgeDocument(clientURL string, header http.Header, body []byte) (clientMetadata, *documentError) {
	final := func(reason string) *documentError { return &documentError{reason, true} }
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" && !(strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")) {
		return clientMetadata{}, final("it is not served as application/json")
	}
	m, err := parseClientMetadata(body)
	if err == nil {
		err = m.judge()
	}
	var wrong *metadataError
	switch {
	case errors.As(err, &wrong):
		return m, final(wrong.Description)
	case m.ClientID != clientURL:
		return m, final("its client_id is not the URL that it is at")
	case m.ClientName == "":
		return m, final("client_name is missing") // MCP, "Client ID Metadata Documents"
	case len(m.ClientSecret) > 0 || len(m.ClientSecretExpiresAt) > 0:
		return m, final("it holds a client_secret, which everybody could read")
	case strings.HasPrefix(m.TokenEndpointAuthMethod, "client_secret_"):
		return m, final("token_endpoint_auth_method is one with a shared secret, which everybody could read")
	}
	return m, nil
}

// freshFor is how long a document may be believed: as its server says (RFC 9111 §4.2), but no shorter than a minute and no longer than a day,
// which §4.4 leaves to us. What may not be stored at all is forgotten after the minute that an authorization takes.
func freshFor(header http.Header, now time.Time) time.Duration {
	control, err := cacheobject.ParseResponseCacheControl(strings.Join(header.Values("Cache-Control"), ", "))
	if err != nil || control.NoStore || control.NoCachePresent || control.PrivatePresent {
		return minFresh
	}
	object := cacheobject.Object{RespDirectives: control, RespHeaders: header, RespStatusCode: http.StatusOK, ReqMethod: http.MethodGet, NowUTC: now}
	for name, moment := range map[string]*time.Time{"Expires": &object.RespExpiresHeader, "Date": &object.RespDateHeader, "Last-Modified": &object.RespLastModifiedHeader} {
		if *moment, err = http.ParseTime(header.Get(name)); err != nil {
			*moment = time.Time{}
		}
	}
	if header.Get("Expires") != "" && object.RespExpiresHeader.IsZero() && control.MaxAge < 0 && control.SMaxAge < 0 {
		return minFresh // RFC 9111 §5.3: a date that is none is in the past
	}
	var results cacheobject.ObjectResults
	cacheobject.ExpirationObject(&object, &results)
	if results.OutErr != nil || results.OutExpirationTime.IsZero() {
		return defaultFresh
	}
	fresh := results.OutExpirationTime.Sub(now)
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 31); err == nil { // it lay in a cache before
		fresh -= time.Duration(age) * time.Second
	}
	return min(max(fresh, minFresh), maxFresh)
}
