package admin

import (
	"context"
	"encoding/base64"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// scope is one permission at a server.
type scope struct {
	Name        string `json:"name" maxLength:"128" doc:"As in a token, such as pet-profile:read."`
	Title       string `json:"title" maxLength:"60" doc:"A few words, for the consent page."`
	Description string `json:"description,omitempty" maxLength:"500" doc:"A sentence, for the consent page."`
	Open        bool   `json:"open,omitempty" doc:"Clients that register themselves may ask for it."`
}

// ServerFields are what an administrator says of a server.
type ServerFields struct {
	Name   string  `json:"name" doc:"For people."`
	URL    string  `json:"url" doc:"Where it is: the resource that tokens are asked for (RFC 8707)."`
	Scopes []scope `json:"scopes" required:"false" nullable:"false" maxItems:"50"`
}

type NewServer struct {
	Identifier string `json:"identifier" doc:"A URI of your choice, such as mcp://vetassist. It never changes."`
	ServerFields
}

type server struct {
	ID string `json:"id" doc:"For the addresses of this API."`
	NewServer
	System   bool       `json:"system,omitempty" doc:"A part of VetAssist itself: nobody changes or deletes it."`
	Deleting bool       `json:"deleting,omitempty" doc:"Half deleted: no token is issued for it."`
	Created  *time.Time `json:"created,omitempty" doc:"Missing for what came with the demo."`
	ETag     string     `json:"etag"`
}

// serverRef names a server in another record.
type serverRef struct {
	ID         string `json:"id"`
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

// serverID keeps the slashes of an identifier out of addresses.
func serverID(identifier string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(identifier))
}

// identifierOf is the way back; what is no id names no server.
func identifierOf(id string) string {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return ""
	}
	return string(b)
}

func (f ServerFields) record(identifier string) directory.Server {
	s := directory.Server{Identifier: identifier, Name: f.Name, URL: f.URL}
	for _, sc := range f.Scopes {
		s.Scopes = append(s.Scopes, directory.Scope{Name: sc.Name, Title: sc.Title, Description: sc.Description, Open: sc.Open})
	}
	return s
}

func serverOf(r store.Record[directory.Server]) server {
	s := server{ID: serverID(r.Value.Identifier), System: r.Value.System, Deleting: r.Value.Deleting, Created: optional(r.Value.Created), ETag: etag(r)}
	s.Identifier, s.Name, s.URL, s.Scopes = r.Value.Identifier, r.Value.Name, r.Value.URL, []scope{}
	for _, sc := range r.Value.Scopes {
		if !sc.Deleting {
			s.Scopes = append(s.Scopes, scope{sc.Name, sc.Title, sc.Description, sc.Open})
		}
	}
	return s
}

// optional is a time, or nothing for one that was never noted.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type ServerPath struct {
	ID string `path:"server_id" maxLength:"300"`
}

type serverOutput struct {
	ETag string `header:"ETag"`
	Body server
}

func (a *api) serverRoutes() {
	register(a, huma.Operation{OperationID: "list-servers", Method: http.MethodGet, Path: "/servers", Tags: []string{"MCP servers"}, Summary: "List MCP servers"}, a.listServers)
	register(a, huma.Operation{OperationID: "register-server", Method: http.MethodPost, Path: "/servers", Tags: []string{"MCP servers"}, Summary: "Register an MCP server", DefaultStatus: http.StatusCreated, Errors: []int{409}}, a.registerServer)
	register(a, huma.Operation{OperationID: "read-server", Method: http.MethodGet, Path: "/servers/{server_id}", Tags: []string{"MCP servers"}, Summary: "Read an MCP server", Errors: []int{404}}, a.readServer)
	register(a, huma.Operation{OperationID: "update-server", Method: http.MethodPut, Path: "/servers/{server_id}", Tags: []string{"MCP servers"}, Summary: "Change an MCP server and its scopes", Description: "A scope that is left out is deleted.", Errors: []int{404, 409, 412, 428}}, a.updateServer)
	register(a, huma.Operation{OperationID: "delete-server", Method: http.MethodDelete, Path: "/servers/{server_id}", Tags: []string{"MCP servers"}, Summary: "Delete an MCP server", Errors: []int{404, 409, 412, 428}}, a.deleteServer)
}

func (a *api) listServers(ctx context.Context, in *ListInput) (*listOutput[server], error) {
	all, err := a.Directory.ServerRecords(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, func(r store.Record[directory.Server]) (server, error) { return serverOf(r), nil })
}

func (a *api) registerServer(ctx context.Context, in *struct{ Body NewServer }) (*createdOutput[server], error) {
	note(ctx, "server", in.Body.Identifier)
	r, err := a.Directory.AddServer(ctx, in.Body.record(in.Body.Identifier))
	r, status, err := made(r, err, "identifier",
		func() (store.Record[directory.Server], error) {
			return a.Directory.ServerRecord(ctx, in.Body.Identifier)
		},
		func(there store.Record[directory.Server]) bool {
			return reflect.DeepEqual(serverOf(there).NewServer, serverOf(store.Record[directory.Server]{Value: in.Body.record(in.Body.Identifier)}).NewServer)
		})
	if err != nil {
		return nil, err
	}
	s := serverOf(r)
	return &createdOutput[server]{status, a.location("/servers/%s", s.ID), s.ETag, s}, nil
}

func (a *api) readServer(ctx context.Context, in *ServerPath) (*serverOutput, error) {
	r, err := a.Directory.ServerRecord(ctx, identifierOf(in.ID))
	if err != nil {
		return nil, err
	}
	return &serverOutput{etag(r), serverOf(r)}, nil
}

// matchingServer reads a server that is to be changed.
func (a *api) matchingServer(ctx context.Context, id string, m Precondition) (store.Record[directory.Server], error) {
	r, err := a.Directory.ServerRecord(ctx, identifierOf(id))
	note(ctx, "server", r.Value.Identifier)
	return matching(m, r, err)
}

type Cascading struct {
	Cascade bool `query:"cascade" doc:"Take it out of everything that uses it."`
}

func (a *api) updateServer(ctx context.Context, in *struct {
	ServerPath
	Precondition
	Cascading
	Body ServerFields
}) (*serverOutput, error) {
	r, err := a.matchingServer(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	after, err := a.Directory.UpdateServer(ctx, in.Body.record(r.Value.Identifier), r.Version, in.Cascade)
	if err != nil {
		return nil, err
	}
	return &serverOutput{etag(after), serverOf(after)}, nil
}

func (a *api) deleteServer(ctx context.Context, in *struct {
	ServerPath
	Precondition
	Cascading
}) (*empty, error) {
	r, err := a.matchingServer(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	return nil, a.Directory.DeleteServer(ctx, r.Value.Identifier, r.Version, in.Cascade)
}
