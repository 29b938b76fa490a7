package app

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scopeWord says a scope in words, "appointment:write" as "add and change appointments". This app knows no list of scopes:
// they are the server's, and new ones must read well too.
func scopeWord(scope string) string {
	thing, action, ok := strings.Cut(scope, ":")
	if !ok {
		return "“" + scope + "”"
	}
	thing = strings.NewReplacer("-", " ", "_", " ", ".", " ").Replace(thing)
	if !strings.HasSuffix(thing, "s") {
		thing += "s"
	}
	switch action {
	case "read":
		return "see " + thing
	case "write":
		return "add and change " + thing
	}
	return action + " " + thing
}

// scopeWords lists scopes in words; those of OpenID Connect are not about the server's data.
func scopeWords(scopes []string) string {
	var words []string
	for _, s := range shownScopes(scopes) {
		words = append(words, scopeWord(s))
	}
	switch n := len(words); n {
	case 0:
		return "nothing in particular"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + ", and " + words[n-1]
	}
}

// listHosts names the hosts of some addresses, a few at most.
func listHosts(urls []string) string {
	var hosts []string
	for _, u := range urls[:min(len(urls), 3)] {
		hosts = append(hosts, clip(hostOf(u), 100))
	}
	return strings.Join(hosts, ", ")
}

func shownScopes(scopes []string) []string {
	return without(scopes, []string{"openid", "profile", "email", "offline_access"})
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// clip cuts a text from elsewhere to n bytes, at a character, and takes out control characters.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	cut := n - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// learns says what scopes of OpenID Connect tell us of a person.
func learns(identity []string) string {
	switch {
	case slices.Contains(identity, "profile"):
		return "It also asks who you are: your name and your username."
	case slices.Contains(identity, "openid"):
		return "It also asks to recognize you when you come back."
	}
	return ""
}
