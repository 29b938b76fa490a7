package admin

import (
	"embed"
	"log/slog"
	"net/http"

	"github.com/vetassist/vetassist/shared/web"
)

//go:embed pages static
var consoleFiles embed.FS

// consoleClient is how the authorization server knows the console: a public client, like any that runs in a browser.
const consoleClient = "vetassist-console"

// consolePage tells the console who and where it is. The rest it finds as every client does, from the resource's metadata
// (RFC 9728) to the authorization server's (RFC 8414).
type consolePage struct {
	ClientID    string
	RedirectURI string
	Resource    string // the admin API, as tokens name it
	Metadata    string // of that resource
}

// newConsole serves the administrator's console below /admin/: one page, whose scripts draw each screen and call the admin
// API with a token of their own. It knows nothing that the API would not tell any other client with such a token.
func newConsole(baseURL string, log *slog.Logger) (http.Handler, error) {
	pages, err := web.NewPages("/admin", consoleFiles)
	if err != nil {
		return nil, err
	}
	page := web.Page{Title: "Console", NoHTML: true, Data: consolePage{
		ClientID:    consoleClient,
		RedirectURI: baseURL + "/admin/callback",
		Resource:    baseURL + "/admin/api",
		Metadata:    baseURL + "/.well-known/oauth-protected-resource/admin/api",
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/{screen...}", func(w http.ResponseWriter, r *http.Request) { // which screen, the scripts decide
		if err := pages.Render(w, http.StatusOK, "console.html", page); err != nil {
			web.Fail(w, r, log, err)
		}
	})
	mux.Handle("GET /admin/api/", http.NotFoundHandler()) // is no screen, even where nobody serves it
	mux.Handle("GET /admin/assets/", http.NotFoundHandler())
	mux.Handle(pages.AssetsPattern(), pages.Assets())
	mux.Handle(pages.ModulesPattern(), pages.Assets())
	return mux, nil
}
