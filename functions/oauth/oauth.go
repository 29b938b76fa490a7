package oauth

import (
	"embed"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

//go:embed pages static
var files embed.FS

// Config is what the authorization server needs.
type Config struct {
	BaseURL   string // the issuer; scheme and host
	Store     store.Store
	Directory *directory.Directory
	Keys      *token.Keyring
	HTTP      *http.Client // for what lies under our own base URL
	Outside   *http.Client // for addresses that clients name
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
	Demo      []directory.DemoPerson // logins that the login page may offer; none but on a laptop

	ClientDomains config.Hosts // whose clients may describe themselves
	Registration  string       // who may register: config.RegistrationOpen, RegistrationToken; else nobody
}

type server struct {
	Config
	pages         *web.Pages
	verifier      *token.Verifier
	audit         *audit.Log
	access        *access.Registry
	documents     *documents
	clientKeys    *clientKeys
	passkeys      *webauthn.WebAuthn // nil: not offered here
	noPasskeys    string             // why not
	sameOrigin    *http.CrossOriginProtection
	cookie        web.Cookie // of the login
	browserCookie web.Cookie // of browsers that somebody has logged in with
	browserKey    *secret.Key
	limits        limits
	refreshKey    *secret.Key
	deviceKey     *secret.Key
	passkeyKey    *secret.Key
	proofs        *dpop.Checker
	document      store.Kept[*web.Document] // the metadata
}

// New is the authorization server's handler.
func New(c Config) (http.Handler, error) {
	pages, err := web.NewPages("/oauth", files)
	if err != nil {
		return nil, err
	}
	passkeys, noPasskeys, err := newPasskeys(c.BaseURL)
	if err != nil {
		return nil, err
	}
	documents := newDocuments(c)
	s := &server{Config: c, pages: pages, cookie: web.NewCookie(access.CookieName, c.BaseURL), browserCookie: web.NewCookie(knownBrowserCookie, c.BaseURL), sameOrigin: http.NewCrossOriginProtection(),
		verifier: token.NewVerifier(c.BaseURL, nil, token.StoredKeys(c.Store, c.Now), c.Now), audit: audit.New(c.Store, c.Now, c.Rand, c.Log),
		access: access.New(c.Store, c.Now), documents: documents, clientKeys: newClientKeys(documents.get, c.Now), passkeys: passkeys, noPasskeys: noPasskeys,
		browserKey: secret.At(c.Store, c.Rand, "oauth-secret/browser"), limits: newLimits(c),
		refreshKey: secret.At(c.Store, c.Rand, "oauth-secret/refresh"), passkeyKey: secret.At(c.Store, c.Rand, "oauth-secret/passkey"),
		deviceKey: secret.At(c.Store, c.Rand, "oauth-secret/device"),
		proofs:    dpop.NewChecker(c.Store, "dpop/", "oauth-secret/dpop", c.Now, c.Rand)}
	if err := s.sameOrigin.AddTrustedOrigin(c.BaseURL); err != nil { // a proxy in front may change Host
		return nil, err
	}
	return s.routes(), nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-authorization-server", web.Public("GET", s.metadata))
	mux.Handle(openIDPath, web.Public("GET", s.metadata))

	mux.HandleFunc("GET /oauth/authorize", s.authorize)
	mux.HandleFunc("HEAD /oauth/authorize", notHead)
	mux.Handle("POST /oauth/authorize", bounded(s.postAuthorize))
	mux.HandleFunc("GET /oauth/login", s.showLogin)
	mux.Handle("POST /oauth/login", s.form(s.login))
	mux.HandleFunc("GET /oauth/consent", s.showConsentAgain)
	mux.Handle("POST /oauth/consent", s.form(s.consent))
	mux.HandleFunc("GET /oauth/logout", s.showLogout)
	mux.HandleFunc("HEAD /oauth/logout", notHead)
	mux.Handle("POST /oauth/logout", bounded(s.postLogout))
	mux.Handle("POST "+logoutConfirmPath, s.form(s.confirmLogout))

	mux.HandleFunc("GET "+devicePath, s.showDevice)
	mux.Handle("POST "+devicePath, s.form(s.decideDevice))

	mux.HandleFunc("GET "+accountPath, s.member(s.showAccount))
	mux.Handle("POST "+accountPath+"/apps/remove", s.form(s.member(s.removeApp)))
	mux.Handle("POST "+accountPath+"/logins/end", s.form(s.member(s.endLogin)))
	mux.Handle("POST "+accountPath+"/logins/end-others", s.form(s.member(s.endOtherLogins)))
	mux.Handle("POST "+accountPath+"/password", s.form(s.member(s.changePassword)))
	mux.Handle("POST "+accountPath+"/passkeys/remove", s.form(s.member(s.removePasskey)))

	mux.Handle("POST /oauth/passkey/add/begin", s.form(s.beginAdd))
	mux.Handle("POST /oauth/passkey/add/finish", s.form(s.finishAdd))
	mux.Handle("POST /oauth/passkey/login/begin", s.form(s.beginPasskeyLogin))
	mux.Handle("POST /oauth/passkey/login/finish", s.form(s.finishPasskeyLogin))

	mux.Handle(s.pages.AssetsPattern(), s.pages.Assets())

	mux.Handle("/oauth/par", web.Public("POST", s.slowed(s.push)))
	mux.Handle(tokenPath, web.Public("POST", s.slowed(s.token)))
	mux.Handle("/oauth/revoke", web.Public("POST", s.slowed(s.revoke)))
	mux.Handle(userinfoPath, web.Public("GET, POST", bounded(s.userinfo)))
	if s.mayRegister() {
		mux.Handle("/oauth/register", web.Public("POST", s.slowed(s.register)))
	}
	mux.Handle("POST /oauth/device_authorization", s.slowed(s.authorizeDevice)) // what runs in a browser needs none
	mux.Handle("POST /oauth/introspect", s.slowed(s.introspect))                // no client in a browser can prove itself
	mux.HandleFunc(restPath, func(w http.ResponseWriter, r *http.Request) { s.nothing(w, r, mux) })
	return mux
}

const tokenPath = "/oauth/token"

// maxForm bounds the body of every request here, in bytes.
const maxForm = 64 << 10

func bounded(next http.HandlerFunc) http.HandlerFunc {
	return http.MaxBytesHandler(next, maxForm).ServeHTTP
}

// form guards a handler of our own pages' forms: no other site's page may send it (RFC 6749 §10.12).
func (s *server) form(next http.HandlerFunc) http.Handler {
	return s.sameOrigin.Handler(bounded(next))
}

// notHead keeps HEAD, which the mux would take for a GET, from issuing a code that nobody reads, and from ending a login.
func notHead(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET")
	w.WriteHeader(http.StatusMethodNotAllowed)
}
