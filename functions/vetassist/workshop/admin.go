package workshop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

const apiPath = "/admin/api"

// admin calls the admin API.
type admin struct {
	client *visitor.Client
	login  Login
}

// Problem is a refusal by the admin API (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

func (p *Problem) Error() string {
	text := p.Detail
	for _, e := range p.Errors {
		text += " " + e.Location + " " + e.Message + "."
	}
	return clean(fmt.Sprintf("%s (%d)", strings.TrimSpace(text), p.Status))
}

// call sends a request and reads the answer into out, unless that is nil. A refusal is a *Problem.
func (a *admin) call(ctx context.Context, method, path string, body, out any, headers ...string) error {
	return a.at(ctx, method, apiPath+"/v1"+path, body, out, headers...)
}

// maxTries is how often a request is sent whose answer is lost.
const maxTries = 3

// again sends a request whose answer was lost once more. All of ours can be sent again: they find what the first one did, or say that it is done.
func again[T any](ctx context.Context, send func() (T, error)) (got T, err error) {
	for range maxTries {
		if got, err = send(); err == nil || ctx.Err() != nil {
			break
		}
	}
	return got, err
}

func (a *admin) at(ctx context.Context, method, path string, body, out any, headers ...string) error {
	text := ""
	headers = append(headers, "Accept", "application/json")
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = string(b)
		headers = append(headers, "Content-Type", "application/json")
	}
	refused := ""
	for {
		token, err := a.login.Token(ctx, refused)
		if err != nil {
			return err
		}
		answer, err := again(ctx, func() (visitor.Answer, error) {
			return a.client.Send(ctx, method, path, text, append(headers, "Authorization", "Bearer "+token)...)
		})
		switch {
		case err != nil:
			return err
		case answer.Status == http.StatusUnauthorized && refused == "": // it has expired: once more with another
			refused = token
		case answer.Status/100 != 2:
			p := &Problem{}
			if json.Unmarshal(answer.Body, p) != nil || p.Detail == "" {
				p.Detail = method + " " + path + " was refused."
			}
			p.Status = answer.Status
			return p
		case out == nil:
			return nil
		default:
			if err := json.Unmarshal(answer.Body, out); err != nil {
				return fmt.Errorf("%s %s: the answer is not JSON as it should be: %w", method, path, err)
			}
			return nil
		}
	}
}

// all reads a list to its end.
func all[T any](ctx context.Context, a *admin, path string, query url.Values) ([]T, error) {
	var items []T
	query.Set("limit", "200")
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := a.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" || len(items) > 10000 {
			return items, nil
		}
		query.Set("cursor", page.Next)
	}
}

// whatever is an If-Match for a change that does not mind what was there.
var whatever = []string{"If-Match", "*"}

const (
	petServer = "mcp://vetassist"
	ownerRole = "Pet Owner"
	staffRole = "Vet Staff"

	browserTemplate = "MCP client application"
	machineTemplate = "Machine-to-machine application"
)

// serverID is what the MCP server has in addresses.
var serverID = base64.RawURLEncoding.EncodeToString([]byte(petServer))

// user and application are what we read of them.
type user struct {
	ID       string   `json:"id"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	Disabled bool     `json:"disabled"`
	ETag     string   `json:"etag"`
}

type application struct {
	ID             string   `json:"id"`
	ClientID       string   `json:"client_id"`
	Secret         string   `json:"client_secret"`
	Name           string   `json:"name"`
	Template       string   `json:"template"`
	Source         string   `json:"source"`
	RedirectURIs   []string `json:"redirect_uris"`
	Authorizations []struct {
		Scopes []string `json:"scopes"`
	} `json:"authorizations"`
}

// clean keeps what a server says from filling the screen, and from what is not seen there.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
