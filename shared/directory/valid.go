package directory

import (
	_ "embed"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vetassist/vetassist/shared/rbac"
)

// Bounds on what an administrator may enter. Those on counts keep a change of one record and all its index items
// within one write (store.MaxOps).
const (
	MinPassword    = 8   // bytes
	maxName        = 100 // characters
	maxDescription = 500 // characters
	maxTitle       = 60  // characters
	maxURL         = 200 // bytes, of a server's URL and identifier
	maxRedirect    = 512 // bytes
	maxRedirects   = 20
	maxUserRoles   = 5
	maxClientRoles = 3
	maxScopes      = 50  // of one server
	maxAuthorized  = 10  // servers that one client is authorized for
	maxPermissions = 10  // servers that one role has permissions at
	maxPolicy      = 200 // roles, and servers
)

// commonPasswords are those that are tried first, one a line, in lower case (common-passwords.LICENSE says whose list it is).
//
//go:embed common-passwords.txt
var commonPasswords string

// service is a word that stands for us in passwords.
const service = "vetassist"

// checkPassword judges a new password. Nothing is asked for but length, that it is none of the commonest, and that it is not built on what anybody
// would try for this person: no digits and signs that all would put at the same place (NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS 5.0 §6.2).
func checkPassword(password, username string) error {
	lower := strings.ToLower(strings.TrimSpace(password))
	rest := strings.ReplaceAll(lower, service, "")
	if name := Canonical(username); len(name) >= 3 {
		rest = strings.ReplaceAll(rest, name, "")
	}
	switch {
	case len(password) < MinPassword || len(password) > maxPassword:
		return &FieldError{"password", fmt.Sprintf("must be %d to %d bytes long", MinPassword, maxPassword)}
	case !strings.Contains(lower, "\n") && strings.Contains("\n"+commonPasswords, "\n"+lower+"\n"):
		return &FieldError{"password", "must not be one of the commonest: three or four words that do not belong together are good"}
	case rest != lower && len(rest) < MinPassword:
		return &FieldError{"password", fmt.Sprintf("must not be built on the username or on %s: it needs %d more bytes than these", service, MinPassword)}
	}
	return nil
}

// checkUsername: what a person can type at a login, and read out on the telephone.
func checkUsername(name string) error {
	if name == "" || len(name) > maxUsername || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && !strings.ContainsRune("._-@+", r)
	}) {
		return &FieldError{"username", fmt.Sprintf("must be 1 to %d bytes of letters, digits and . _ - @ +", maxUsername)}
	}
	return nil
}

// checkText: text for people, on one line.
func checkText(field, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	if n < least || n > most || !utf8.ValidString(text) || strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsGraphic(r)
	}) {
		return &FieldError{field, fmt.Sprintf("must be %d to %d characters on one line, without space at its ends", least, most)}
	}
	return nil
}

// checkRoleName: a role's name stands in tokens and in keys.
func checkRoleName(name string) error {
	if err := checkText("name", name, 1, maxTitle); err != nil {
		return err
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && !strings.ContainsRune(" ._-", r)
	}) {
		return &FieldError{"name", "must be letters, digits, spaces and . _ -"}
	}
	if strings.Trim(name, " ._-") == "" { // "..": no segment of a URL
		return &FieldError{"name", "must hold a letter or a digit"}
	}
	return nil
}

// wrongRedirect tells why a redirect URI may not be registered; empty: it may. A code goes to no address that others
// can read on its way: https, http that stays on the machine (RFC 8252 §7.3), or an app's own scheme (RFC 8252 §7.1). No fragment
// (RFC 6749 §3.1.2), and nothing that a browser may read differently than we compare it (RFC 9700 §2.1).
func wrongRedirect(uri string) string {
	if why := wrongURI(uri, maxRedirect); why != "" {
		return why
	}
	u, _ := url.Parse(uri) // parsed before
	switch {
	case u.Scheme == "https" && u.Hostname() != "":
		return ""
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return ""
	case u.Scheme == "https":
		return "it names no host"
	case u.Scheme == "http":
		return "http is for addresses on the same machine, such as http://127.0.0.1; use https"
	case slices.Contains(foreignSchemes, u.Scheme) || strings.HasPrefix(u.Scheme, "ms-"):
		return "its scheme is no app's own"
	case u.Opaque != "":
		return "an app's own scheme is followed by a slash, as in com.example.app:/callback"
	}
	return ""
}

// foreignSchemes are those that mean something to browsers and systems, and so are no app's own; those of Windows begin with ms-. RFC 8252
// §8.4 has us refuse, too, whatever is not a domain name turned round. That would refuse Cursor (cursor://anysphere.cursor-mcp/…) and
// all that runs in VS Code (vscode://…). What it is for, that one app does not take another's code, PKCE does for every client here
// (§8.1), and the consent page that such a client always gets (§8.6). The MCP specification names https and localhost only
// ("Communication Security"); its hosts do not keep to it.
var foreignSchemes = []string{"about", "android-app", "blob", "chrome", "chrome-extension", "cid", "content", "data", "edge", "facetime", "facetime-audio", "feed", "file",
	"filesystem", "ftp", "ftps", "geo", "gopher", "intent", "itms-services", "jar", "javascript", "ldap", "ldaps", "livescript", "mailto", "market", "mid", "mocha",
	"moz-extension", "nfs", "resource", "search", "search-ms", "sftp", "shell", "sip", "sips", "smb", "sms", "ssh", "steam", "tel", "telnet", "urn",
	"vbscript", "vnc", "view-source", "ws", "wss", "wyciwyg", "zoommtg"}

// wrongURI tells why a string is not an absolute URI in plain ASCII, without user and fragment; empty: it is.
func wrongURI(uri string, most int) string {
	if uri == "" || len(uri) > most {
		return fmt.Sprintf("it has not 1 to %d bytes", most)
	}
	if strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>{}|^`*", r) }) {
		return "it holds a character that belongs in no URI, or must be percent-encoded"
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || !u.IsAbs():
		return "it is not an absolute URI"
	case strings.Contains(uri, "#"):
		return "it has a fragment"
	case u.User != nil:
		return "it names a user"
	case !PlainHost(u):
		return "its host is written with percent signs: use the form that begins with xn--"
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n > 65535) {
		return "its port is none"
	}
	return ""
}

// PlainHost reports whether the host of a URL is written in plain ASCII. RFC 3986 §3.2.2 lets it be percent-encoded, and parsed it is
// decoded: on a page another script's letters would then pass for the letters of a host that people trust (RFC 5891 has xn-- for them).
func PlainHost(u *url.URL) bool {
	return !strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r > '~' || r == '%' })
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// checkServer checks all of a server but that it is the only one of its kind.
func checkServer(s Server) error {
	if err := checkText("name", s.Name, 1, maxName); err != nil {
		return err
	}
	if why := wrongURI(s.Identifier, maxURL); why != "" {
		return &FieldError{"identifier", "must be a URI, such as mcp://vetassist: " + why}
	}
	if why := wrongURI(s.URL, maxURL); why != "" {
		return &FieldError{"url", "must be a URL: " + why}
	}
	u, _ := url.Parse(s.URL) // parsed before
	if u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return &FieldError{"url", "must be https, or http on the same machine"}
	}
	if len(s.Scopes) > maxScopes {
		return &FieldError{"scopes", fmt.Sprintf("must be at most %d", maxScopes)}
	}
	for i, scope := range s.Scopes {
		names, err := rbac.ParseScope(scope.Name)
		switch {
		case err != nil || len(names) != 1:
			return &FieldError{"scopes", fmt.Sprintf("must not hold %.100q: a name is 1 to 128 letters, digits and signs, without space and quotes", scope.Name)}
		case slices.Contains([]string{"openid", "profile", "email", "offline_access"}, scope.Name):
			return &FieldError{"scopes", fmt.Sprintf("must not hold %q: it has a meaning of its own in OpenID Connect", scope.Name)}
		case slices.ContainsFunc(s.Scopes[:i], func(o Scope) bool { return o.Name == scope.Name }):
			return &FieldError{"scopes", fmt.Sprintf("must not hold %q twice", scope.Name)}
		}
		if err := checkText("scopes", scope.Title, 1, maxTitle); err != nil {
			return &FieldError{"scopes", fmt.Sprintf("must have a title each, of at most %d characters: see %s", maxTitle, scope.Name)}
		}
		if err := checkText("scopes", scope.Description, 0, maxDescription); err != nil {
			return &FieldError{"scopes", fmt.Sprintf("must have descriptions of at most %d characters on one line: see %s", maxDescription, scope.Name)}
		}
	}
	return nil
}
