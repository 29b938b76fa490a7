package workshop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// Login is where an administrator's access token comes from.
type Login interface {
	// Token is one that should do; refused is one that was refused just now, if any.
	Token(ctx context.Context, refused string) (string, error)
	// End gives back what can be given back.
	End(ctx context.Context)
}

// commandLine is the application that commands are at the authorization server (seed/admin.json): public, with a redirect to the person's
// own machine. So somebody has to look and agree each time (RFC 8252 §8.6).
const commandLine = "vetassist-cli"

func commandClient(base string, transport http.RoundTripper) *visitor.Client {
	c := visitor.NewClient(base, transport)
	c.ID, c.Redirect, c.Resource, c.Agent = commandLine, "http://127.0.0.1/callback", base+apiPath, "vetassist-workshop/1.0"
	return c
}

const maxTokenFile = 16 << 10 // bytes

// FromFile is a login whose token somebody else gets. The file is read anew when a token is refused: it may have been replaced.
func FromFile(name string, stdin io.Reader) Login { return &fileLogin{name: name, stdin: stdin} }

type fileLogin struct {
	name  string
	stdin io.Reader

	mu    sync.Mutex
	token string
}

func (f *fileLogin) Token(_ context.Context, refused string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.token != "" && f.token != refused {
		return f.token, nil
	}
	in := f.stdin
	if f.name != "-" {
		file, err := os.Open(f.name)
		if err != nil {
			return "", err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTokenFile))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	switch {
	case token == "" && refused == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", fmt.Errorf("there is no access token in %s", f.name)
	case token == "" || token == refused:
		return "", fmt.Errorf("the access token in %s is refused: it lasts ten minutes, must be for the admin API, and an administrator's. Put a new one there, or log in without -admin-token-file", f.name)
	}
	f.token = token
	return token, nil
}

func (f *fileLogin) End(context.Context) {}

// grantLogin is a login of ours: an access token, and a refresh token for the next one.
type grantLogin struct {
	client *visitor.Client
	now    func() time.Time

	mu      sync.Mutex
	access  string
	refresh string
	until   time.Time
}

// early is how long before its end a token is replaced.
const early = 30 * time.Second

func newLogin(client *visitor.Client, t visitor.Tokens, now func() time.Time) (*grantLogin, error) {
	l := &grantLogin{client: client, now: now}
	return l, l.take(t)
}

func (l *grantLogin) take(t visitor.Tokens) error {
	if t.Access == "" {
		return fmt.Errorf("the authorization server gives no token: %s", clean(strings.TrimSpace(t.Error+" "+t.Description)))
	}
	l.access, l.refresh, l.until = t.Access, t.Refresh, l.now().Add(time.Duration(t.Expires)*time.Second)
	return nil
}

func (l *grantLogin) Token(ctx context.Context, refused string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.access != refused && l.now().Add(early).Before(l.until) {
		return l.access, nil
	}
	if l.refresh == "" {
		return "", errors.New("the login has ended. Run it again")
	}
	t, err := l.client.Refresh(ctx, l.refresh, url.Values{"resource": {l.client.Resource}})
	if err == nil && t.Error != "" {
		err = fmt.Errorf("the login has ended: %s. Run it again", clean(t.Description))
	}
	if err == nil {
		err = l.take(t)
	}
	return l.access, err
}

// End revokes the refresh token, so that nothing is left of the login but an access token for some minutes.
func (l *grantLogin) End(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refresh == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = l.client.Revoke(ctx, l.refresh, nil) // if not, it ends by itself
	l.refresh, l.access = "", ""
}

// AsDemoAdministrator logs in with the password that the demo tells everybody. It works on the server's own machine only.
func AsDemoAdministrator(ctx context.Context, base string, transport http.RoundTripper, now func() time.Time, scopes ...string) (Login, error) {
	client := commandClient(base, transport)
	t, err := client.Connect(ctx, visitor.NewBrowser(base, transport), "admin", "admin-demo", scopes...)
	if err != nil {
		return nil, err
	}
	return newLogin(client, t, now)
}
