package oauth

import (
	"net/http"
	"strings"

	"github.com/vetassist/vetassist/shared/web"
)

// restPath is what no other pattern takes.
const restPath = "/oauth/"

// nothing answers what is no address of ours (RFC 9110 §15.5.5), or none with this method, as when somebody reloads the address of a form
// (§15.5.6): a browser with a page, a program with JSON.
func (s *server) nothing(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	status, code, message := http.StatusNotFound, "not_found", "This address leads nowhere."
	if allowed := web.Allowed(mux, r, restPath); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		status, code, message = http.StatusMethodNotAllowed, "method_not_allowed", "This address takes "+strings.Join(allowed, " or ")+" only."
	}
	if !web.WantsPage(r) {
		web.JSON(w, status, map[string]string{"error": code, "error_description": message + " " + s.BaseURL + "/.well-known/oauth-authorization-server lists what there is."})
		return
	}
	err := s.pages.RenderError(w, status, web.ErrorPage{Title: "There is nothing here", Message: message,
		Next: "Go back to the app that you came from, or look at what you allowed your apps.", Link: accountPath, Label: "To my account"})
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}
