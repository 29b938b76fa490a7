package directory

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Application types (OpenID Connect Registration §2).
const (
	Web    = "web"
	Native = "native"
)

// HasRedirect reports whether an answer may go to this URI: one that the client registered, byte for byte (OAuth 2.1 §4.1.1, RFC 9700
// §2.1). An app on the person's machine listens at whichever port is free, so a native one may say any on a loopback address that it
// registered (RFC 8252 §7.3).
func (c Client) HasRedirect(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	host, rest, ok := cutLoopback(uri)
	return ok && c.ApplicationType == Native && slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		registeredHost, registeredRest, ok := cutLoopback(registered)
		return ok && registeredHost == host && registeredRest == rest
	})
}

// cutLoopback takes the port out of an http URL of this machine; ok: it is one. It parses nothing: what is not compared is digits.
func cutLoopback(uri string) (host, rest string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]", "http://localhost"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		if after, found := strings.CutPrefix(rest, ":"); found {
			rest = strings.TrimLeft(after, "0123456789")
			if port, err := strconv.ParseUint(strings.TrimSuffix(after, rest), 10, 16); err != nil || port == 0 {
				return "", "", false
			}
		}
		return host, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", false
}

// LoopbackRedirect reports whether a redirect URI leads to whatever listens on the person's own machine, with TLS or without. All names
// below localhost are that machine (RFC 6761 §6.3), with or without the dot of the root.
func LoopbackRedirect(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return isLoopback(host) || strings.HasSuffix(host, ".localhost")
}

// PrivateRedirect reports whether a registered redirect URI leads to whichever app took its scheme.
func PrivateRedirect(uri string) bool { return scheme(uri) != "http" && scheme(uri) != "https" }

func scheme(uri string) string {
	name, _, _ := strings.Cut(uri, ":")
	return strings.ToLower(name)
}

// CheckRedirects says what is wrong with a client's redirect URIs, if anything. It is a *FieldError.
func CheckRedirects(uris []string) error {
	if len(uris) == 0 || len(uris) > maxRedirects {
		return &FieldError{"redirect_uris", fmt.Sprintf("must be 1 to %d addresses", maxRedirects)}
	}
	return checkAddresses("redirect_uris", uris)
}

// CheckLogouts says what is wrong with the addresses to which a client sends people after a logout, if anything. It is a *FieldError. They
// are as strict as redirect URIs, of which OpenID Connect RP-Initiated Logout §3.1 says less; and one that leads to something on the person's
// machine, rather than to a website, is of the kind of one of these.
func CheckLogouts(uris, redirects []string) error {
	if len(uris) > maxRedirects {
		return &FieldError{"post_logout_redirect_uris", fmt.Sprintf("must be at most %d addresses", maxRedirects)}
	}
	if err := checkAddresses("post_logout_redirect_uris", uris); err != nil {
		return err
	}
	for _, uri := range uris {
		if kind := kindOf(uri); kind != "https" && !slices.ContainsFunc(redirects, func(redirect string) bool { return kindOf(redirect) == kind }) {
			return &FieldError{"post_logout_redirect_uris", fmt.Sprintf("must not hold %.100q: it leads to the person's own machine, and no redirect URI leads there in this way", uri)}
		}
	}
	return nil
}

// kindOf tells what a checked address leads to: a website, whatever listens on the person's machine, or the app that has a scheme.
func kindOf(uri string) string {
	if LoopbackRedirect(uri) {
		return "loopback"
	}
	return scheme(uri)
}

func checkAddresses(field string, uris []string) error {
	for i, uri := range uris {
		if why := wrongRedirect(uri); why != "" {
			return &FieldError{field, fmt.Sprintf("must not hold %+.100q: %s", uri, why)}
		}
		if slices.Contains(uris[:i], uri) {
			return &FieldError{field, fmt.Sprintf("must not hold %+.100q twice", uri)}
		}
	}
	return nil
}

// CheckName says what is wrong with an application's name, if anything: it stands on the consent page. It is a *FieldError.
func CheckName(name string) error { return checkText("name", name, 1, maxName) }
