package admin

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// relyingClient is one application, as it is known on both sides.
type relyingClient struct {
	ID       string `json:"id" doc:"Of the application here, one with a secret or a key."`
	ClientID string `json:"client_id" doc:"Its client_id at the other authorization server."`
}

// RelyingFields are what an administrator says of a relying server.
type RelyingFields struct {
	Name      string          `json:"name" doc:"For people."`
	Enabled   bool            `json:"enabled,omitempty" doc:"Our word is given to it."`
	Resources []string        `json:"resources" nullable:"false" minItems:"1" maxItems:"20" doc:"MCP servers that it guards."`
	Scopes    []string        `json:"scopes" nullable:"false" minItems:"1" maxItems:"50" doc:"That may be asked for there."`
	Clients   []relyingClient `json:"clients,omitempty" nullable:"false" maxItems:"20" doc:"The applications that may bring our word."`
}

type NewRelying struct {
	Issuer string `json:"issuer" doc:"Its issuer identifier: the audience of our word. It never changes."`
	RelyingFields
}

type relying struct {
	ID string `json:"id"`
	NewRelying
	Created time.Time `json:"created"`
	ETag    string    `json:"etag"`
}

func (f RelyingFields) record(id, issuer string) directory.RelyingServer {
	s := directory.RelyingServer{ID: id, Issuer: issuer, Name: f.Name, Enabled: f.Enabled, Resources: f.Resources, Scopes: f.Scopes}
	for _, c := range f.Clients {
		s.Clients = append(s.Clients, directory.RelyingClient{ID: c.ID, ClientID: c.ClientID})
	}
	return s
}

func relyingOf(r store.Record[directory.RelyingServer]) (relying, error) {
	s := r.Value
	out := relying{ID: s.ID, Created: s.Created, ETag: etag(r), NewRelying: NewRelying{Issuer: s.Issuer,
		RelyingFields: RelyingFields{Name: s.Name, Enabled: s.Enabled, Resources: s.Resources, Scopes: s.Scopes}}}
	for _, c := range s.Clients {
		out.Clients = append(out.Clients, relyingClient{c.ID, c.ClientID})
	}
	return out, nil
}

type RelyingPath struct {
	ID string `path:"relying_id" maxLength:"300"`
}

type relyingOutput struct {
	ETag string `header:"ETag"`
	Body relying
}

func relyingAnswer(r store.Record[directory.RelyingServer], err error) (*relyingOutput, error) {
	if err != nil {
		return nil, err
	}
	out, err := relyingOf(r)
	return &relyingOutput{out.ETag, out}, err
}

func (a *api) relyingRoutes() {
	const tag = "Trust"
	register(a, huma.Operation{OperationID: "list-relying-servers", Method: http.MethodGet, Path: "/relying-servers", Tags: []string{tag}, Summary: "List authorization servers that take our word"}, a.listRelying)
	register(a, huma.Operation{OperationID: "add-relying-server", Method: http.MethodPost, Path: "/relying-servers", Tags: []string{tag}, Summary: "Give our word for users to an authorization server", DefaultStatus: http.StatusCreated}, a.addRelying)
	register(a, huma.Operation{OperationID: "read-relying-server", Method: http.MethodGet, Path: "/relying-servers/{relying_id}", Tags: []string{tag}, Summary: "Read a relying server", Errors: []int{404}}, a.readRelying)
	register(a, huma.Operation{OperationID: "update-relying-server", Method: http.MethodPut, Path: "/relying-servers/{relying_id}", Tags: []string{tag}, Summary: "Change what our word is good for at a relying server", Errors: []int{404, 412, 428}}, a.updateRelying)
	register(a, huma.Operation{OperationID: "remove-relying-server", Method: http.MethodDelete, Path: "/relying-servers/{relying_id}", Tags: []string{tag}, Summary: "Give our word to a relying server no more", Errors: []int{404, 412, 428}}, a.removeRelying)
}

func (a *api) listRelying(ctx context.Context, in *ListInput) (*listOutput[relying], error) {
	all, err := a.Directory.RelyingRecords(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, relyingOf)
}

func (a *api) addRelying(ctx context.Context, in *struct{ Body NewRelying }) (*createdOutput[relying], error) {
	note(ctx, "issuer", in.Body.Issuer)
	r, err := a.Directory.AddRelyingServer(ctx, in.Body.record("", in.Body.Issuer))
	r, status, err := made(r, err, "issuer",
		func() (store.Record[directory.RelyingServer], error) {
			return a.Directory.RelyingRecord(ctx, directory.TrustID(in.Body.Issuer))
		},
		func(there store.Record[directory.RelyingServer]) bool {
			same, _ := relyingOf(there)
			return reflect.DeepEqual(same.NewRelying, in.Body)
		})
	out, err := relyingAnswer(r, err)
	if err != nil {
		return nil, err
	}
	note(ctx, "relying_id", out.Body.ID)
	return &createdOutput[relying]{status, a.location("/relying-servers/%s", out.Body.ID), out.ETag, out.Body}, nil
}

func (a *api) readRelying(ctx context.Context, in *RelyingPath) (*relyingOutput, error) {
	return relyingAnswer(a.Directory.RelyingRecord(ctx, in.ID))
}

// matchingRelying reads a relying server that is to be changed.
func (a *api) matchingRelying(ctx context.Context, id string, m Precondition) (store.Record[directory.RelyingServer], error) {
	r, err := a.Directory.RelyingRecord(ctx, id)
	note(ctx, "issuer", r.Value.Issuer)
	return matching(m, r, err)
}

func (a *api) updateRelying(ctx context.Context, in *struct {
	RelyingPath
	Precondition
	Body RelyingFields
}) (*relyingOutput, error) {
	r, err := a.matchingRelying(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	return relyingAnswer(a.Directory.UpdateRelyingServer(ctx, in.Body.record(in.ID, ""), r.Version))
}

func (a *api) removeRelying(ctx context.Context, in *struct {
	RelyingPath
	Precondition
}) (*empty, error) {
	r, err := a.matchingRelying(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	return nil, a.Directory.DeleteRelyingServer(ctx, in.ID, r.Version)
}
