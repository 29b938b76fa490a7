package doctor

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// pages looks at what people's browsers get.
func (x *exam) pages(ctx context.Context) (goOn bool) {
	x.pageHeaders(ctx)
	x.cookies(ctx)
	x.demoPasswords(ctx)
	return true
}

const headersMend = "Let what stands in front pass on the headers of the server, and set none of these itself."

func (x *exam) pageHeaders(ctx context.Context) {
	for _, path := range []string{"/oauth/login", "/admin/", "/"} {
		l := x.look("page-headers", "GET "+x.base+path)
		a, err := x.get(ctx, path, "Accept", "text/html")
		if err != nil {
			l.failed(err)
			return
		}
		csp := strings.Join(a.header.Values("Content-Security-Policy"), "; ")
		switch {
		case a.status != http.StatusOK:
			l.wrong("The page is not there: "+a.says()+".", "", "See that the route exists in what stands in front (template.yaml lists all), and leads to VetAssist.")
		case !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "'unsafe-inline'"):
			l.wrong("The Content-Security-Policy is not the strict one of VetAssist: "+said(a, "Content-Security-Policy")+".", "CSP Level 3", headersMend)
		case !strings.Contains(csp, "frame-ancestors 'none'"):
			l.wrong("The page may be framed, so a click on Allow can be stolen.", "RFC 9700 §4.16", headersMend)
		case a.header.Get("X-Content-Type-Options") != "nosniff", a.header.Get("Referrer-Policy") != "no-referrer":
			l.wrong(fmt.Sprintf("X-Content-Type-Options is %s and Referrer-Policy is %s; nosniff and no-referrer are right, since an address may hold a code.",
				said(a, "X-Content-Type-Options"), said(a, "Referrer-Policy")), "RFC 9700 §4.2.4", headersMend)
		case !strings.Contains(a.header.Get("Cache-Control"), "no-store"):
			l.wrong("Caches may keep the page, form token and all: Cache-Control is "+said(a, "Cache-Control")+".", "RFC 9111 §5.2.2.5", headersMend)
		default:
			l.ok("It can be neither framed nor cached, and runs no foreign script.", "RFC 9700 §4.16")
		}
	}
}

func (x *exam) cookies(ctx context.Context) {
	secure, found := strings.HasPrefix(x.base, "https://"), false
	for _, path := range []string{"/oauth/login", "/"} {
		l := x.look("cookies", "cookies of "+x.base+path)
		a, err := x.get(ctx, path, "Accept", "text/html")
		if err != nil {
			l.failed(err)
			return
		}
		for _, line := range a.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil {
				l.wrong("A cookie cannot be read.", "RFC 6265 §4.1", headersMend)
				return
			}
			found = true
			const over = "Set VETASSIST_BASE_URL to the https address, so that the server knows that its cookies travel encrypted; and let what stands in front not rewrite cookies."
			switch name := clip(c.Name); {
			case !c.HttpOnly:
				l.wrong(name+" can be read by scripts (no HttpOnly).", "RFC 6265 §4.1.2.6", over)
				return
			case c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode:
				l.wrong(name+" is sent along by forms of other sites (no SameSite).", "RFC 6265bis §4.1.2.7", over)
				return
			case c.Path != "/" || c.Domain != "":
				l.wrong(name+" is for the path "+clip(c.Path)+" and the domain "+clip(c.Domain)+"; it must be for / and this host alone.", "RFC 6265bis §4.1.3.2", over)
				return
			case secure && (!c.Secure || !strings.HasPrefix(c.Name, "__Host-")):
				l.wrong(name+" lacks Secure or the prefix __Host-, so a neighbouring domain or a plain http page can plant one.", "RFC 6265bis §4.1.3.2", over)
				return
			}
		}
	}
	l := x.look("cookies", "cookies of the pages")
	switch {
	case !found:
		l.wrong("The login page sets none, so nobody can log in.", "RFC 6265 §4.1", "See what in front of the server takes Set-Cookie away (a CloudFront cache policy, for example).")
	case secure:
		l.ok("HttpOnly, SameSite, Secure, and __Host- before their names.", "RFC 6265bis §4.1.3.2")
	default:
		l.ok("HttpOnly and SameSite; Secure needs https.", "RFC 6265bis §4.1.2")
	}
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]{1,200})"`)

// demoPasswords are known to everybody, so they may work on one's own machine only. Each is tried once: five wrong ones
// would lock the name.
func (x *exam) demoPasswords(ctx context.Context) {
	if x.local {
		x.look("demo-passwords", "logins of the demo").ok("They work here on purpose, if this was seeded with the demo: nobody else reaches this machine. They were not tried.", "")
		return
	}
	for _, name := range []string{"bob", "admin"} {
		l := x.look("demo-passwords", "logging in as "+name+" with the demo's password")
		a, err := x.logIn(ctx, name, name+"-demo")
		const mend = "Take the server off the net until it is mended. Set VETASSIST_BASE_URL to the public address: VetAssist accepts these passwords only while its address is on its own machine. " +
			"Or set another password in the console."
		switch {
		case err != nil:
			l.wrong("It could not be tried: "+clip(err.Error())+".", "", "See that the login page works in a browser.")
		case a.status >= 300 && a.status < 400:
			l.wrong("It WORKS: everybody who read the README can log in as "+name+".", "", mend)
		case a.status == http.StatusUnauthorized, a.status == http.StatusTooManyRequests:
			l.ok("Refused with "+a.says()+".", "")
		case a.status == http.StatusServiceUnavailable:
			l.warning("The server was too busy to look at it.", "", "Try again later.")
		default:
			l.wrong("It is answered with "+a.says()+", neither let in nor refused.", "", "See that POST /oauth/login reaches VetAssist, with the headers Origin and Cookie.")
		}
	}
}

// logIn sends the login form as a browser does. What a login gives is forgotten at once.
func (x *exam) logIn(ctx context.Context, username, password string) (answer, error) {
	page, err := x.get(ctx, "/oauth/login", "Accept", "text/html")
	if err != nil {
		return answer{}, err
	}
	token := formToken.FindSubmatch(page.body)
	if page.status != http.StatusOK || token == nil {
		return answer{}, fmt.Errorf("there is no login form at /oauth/login: %s", page.says())
	}
	var cookies []string
	for _, line := range page.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
	}
	form := url.Values{"form_token": {html.UnescapeString(string(token[1]))}, "username": {username}, "password": {password}}
	return x.send(ctx, http.MethodPost, x.base+"/oauth/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Origin", originOf(x.base), "Sec-Fetch-Site", "same-origin", "Cookie", strings.Join(cookies, "; "))
}
