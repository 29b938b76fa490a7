package learn

import (
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

//go:embed pages static
var files embed.FS

// Config is what the teaching layer needs.
type Config struct {
	BaseURL   string
	Recorder  bool // something is recorded here
	Directory *directory.Directory
	Access    *access.Registry
	Flows     *trace.Reader
	Store     store.Store // of the course: how far each person is
	Audit     *audit.Log
	Tokens    *token.Verifier    // of access tokens for the admin API
	Clock     *host.VirtualClock // nil: it cannot be moved here
	Demo      bool               // the demo's people are here
	Now       func() time.Time
	Log       *slog.Logger
}

type server struct {
	Config
	pages      *web.Pages
	login      web.Cookie // of the authorization server
	seen       web.Cookie // of the recorder
	sameOrigin *http.CrossOriginProtection
	judged     judged
}

// New returns the handler.
func New(c Config) (http.Handler, error) {
	pages, err := web.NewPages("/learn", files)
	if err != nil {
		return nil, err
	}
	s := &server{Config: c, pages: pages, login: web.NewCookie(access.CookieName, c.BaseURL), seen: trace.NewCookie(c.BaseURL), sameOrigin: http.NewCrossOriginProtection()}
	if err := s.sameOrigin.AddTrustedOrigin(c.BaseURL); err != nil { // a proxy in front may change Host
		return nil, err
	}
	return s.routes(), nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	s.flowRoutes(mux)
	s.courseRoutes(mux)
	mux.Handle(s.pages.AssetsPattern(), s.pages.Assets())
	mux.Handle(s.pages.ModulesPattern(), s.pages.Assets())
	return mux
}
