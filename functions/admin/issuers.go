package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// keySet is a JWKS (RFC 7517 §5).
type keySet struct {
	Keys []map[string]any `json:"keys" nullable:"false" maxItems:"20" doc:"Public keys, each a JWK."`
}

// workload says which application a program of a platform is.
type workload struct {
	Subject  string `json:"subject" maxLength:"255" doc:"The sub of its JWTs; with :* or /* at its end, every one that begins so."`
	ClientID string `json:"client_id" doc:"The machine-to-machine application that it is."`
}

// IssuerFields are what an administrator says of a trusted issuer.
type IssuerFields struct {
	Name      string     `json:"name" doc:"For people."`
	Enabled   bool       `json:"enabled,omitempty" doc:"Its word counts."`
	JWKS      *keySet    `json:"jwks,omitempty" doc:"Its public keys, if they are kept here."`
	JWKSURI   string     `json:"jwks_uri,omitempty" doc:"Where they are, if they are not. Neither: where its discovery document says."`
	Clients   []string   `json:"clients,omitempty" nullable:"false" maxItems:"20" doc:"Of an enterprise: the applications with a secret or a key that may bring its word for users."`
	Match     string     `json:"match,omitempty" enum:",preferred_username,email" doc:"Of an enterprise: the claim that names a user by the username here, when nobody is linked to the sub. Left out: links alone count."`
	Workloads []workload `json:"workloads,omitempty" nullable:"false" maxItems:"50" doc:"Of a platform: which of its programs is which application."`
	Reusable  bool       `json:"reusable,omitempty" doc:"Of a platform: a JWT may come again until it expires, as those of Kubernetes do. Else each counts once."`
}

type NewIssuer struct {
	Issuer string `json:"issuer" doc:"The iss of its JWTs, letter for letter. It never changes."`
	Kind   string `json:"kind" enum:"enterprise,workload" doc:"What it vouches for: people (ID-JAG), or programs. It never changes."`
	IssuerFields
}

type issuer struct {
	ID string `json:"id"`
	NewIssuer
	Created time.Time `json:"created"`
	ETag    string    `json:"etag"`
}

func (f IssuerFields) record(id string) (directory.Issuer, error) {
	i := directory.Issuer{ID: id, Name: f.Name, JWKSURI: f.JWKSURI, Enabled: f.Enabled, Clients: f.Clients, Match: f.Match, Reusable: f.Reusable}
	for _, w := range f.Workloads {
		i.Workloads = append(i.Workloads, directory.Workload{Subject: w.Subject, ClientID: w.ClientID})
	}
	if f.JWKS != nil {
		var err error
		if i.JWKS, err = json.Marshal(f.JWKS); err != nil {
			return i, invalid("body.jwks", "must be a JSON Web Key Set")
		}
	}
	return i, nil
}

func (n NewIssuer) record() (directory.Issuer, error) {
	i, err := n.IssuerFields.record("")
	i.URL, i.Kind = n.Issuer, directory.IssuerKind(n.Kind)
	return i, err
}

func issuerOf(r store.Record[directory.Issuer]) (issuer, error) {
	i := r.Value
	out := issuer{ID: i.ID, Created: i.Created, ETag: etag(r), NewIssuer: NewIssuer{Issuer: i.URL, Kind: string(i.Kind),
		IssuerFields: IssuerFields{Name: i.Name, Enabled: i.Enabled, JWKSURI: i.JWKSURI, Clients: i.Clients, Match: i.Match, Reusable: i.Reusable}}}
	for _, w := range i.Workloads {
		out.Workloads = append(out.Workloads, workload{w.Subject, w.ClientID})
	}
	if len(i.JWKS) > 0 {
		return out, json.Unmarshal(i.JWKS, &out.JWKS)
	}
	return out, nil
}

type IssuerPath struct {
	ID string `path:"issuer_id" maxLength:"300"`
}

type issuerOutput struct {
	ETag string `header:"ETag"`
	Body issuer
}

func issuerAnswer(r store.Record[directory.Issuer], err error) (*issuerOutput, error) {
	if err != nil {
		return nil, err
	}
	out, err := issuerOf(r)
	return &issuerOutput{out.ETag, out}, err
}

func (a *api) issuerRoutes() {
	const tag = "Trust"
	register(a, huma.Operation{OperationID: "list-issuers", Method: http.MethodGet, Path: "/trusted-issuers", Tags: []string{tag}, Summary: "List trusted issuers"}, a.listIssuers)
	register(a, huma.Operation{OperationID: "trust-issuer", Method: http.MethodPost, Path: "/trusted-issuers", Tags: []string{tag}, Summary: "Trust an issuer", DefaultStatus: http.StatusCreated}, a.trustIssuer)
	register(a, huma.Operation{OperationID: "read-issuer", Method: http.MethodGet, Path: "/trusted-issuers/{issuer_id}", Tags: []string{tag}, Summary: "Read a trusted issuer", Errors: []int{404}}, a.readIssuer)
	register(a, huma.Operation{OperationID: "update-issuer", Method: http.MethodPut, Path: "/trusted-issuers/{issuer_id}", Tags: []string{tag}, Summary: "Change what a trusted issuer may do here", Errors: []int{404, 412, 428}}, a.updateIssuer)
	register(a, huma.Operation{OperationID: "remove-issuer", Method: http.MethodDelete, Path: "/trusted-issuers/{issuer_id}", Tags: []string{tag}, Summary: "Trust an issuer no more, and forget its links", Errors: []int{404, 409, 412, 428}}, a.removeIssuer)
	register(a, huma.Operation{OperationID: "list-links", Method: http.MethodGet, Path: "/trusted-issuers/{issuer_id}/links", Tags: []string{tag}, Summary: "List who at an enterprise is which user", Errors: []int{404}}, a.listLinks)
	register(a, huma.Operation{OperationID: "add-link", Method: http.MethodPost, Path: "/trusted-issuers/{issuer_id}/links", Tags: []string{tag}, Summary: "Say who at an enterprise is which user", DefaultStatus: http.StatusOK, Errors: []int{404}}, a.addLink)
	register(a, huma.Operation{OperationID: "remove-link", Method: http.MethodDelete, Path: "/trusted-issuers/{issuer_id}/links/{link_id}", Tags: []string{tag}, Summary: "Take a link away, and what was granted by it", Errors: []int{404}}, a.removeLink)
}

func (a *api) listIssuers(ctx context.Context, in *ListInput) (*listOutput[issuer], error) {
	all, err := a.Directory.IssuerRecords(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, issuerOf)
}

func (a *api) trustIssuer(ctx context.Context, in *struct{ Body NewIssuer }) (*createdOutput[issuer], error) {
	note(ctx, "issuer", in.Body.Issuer)
	record, err := in.Body.record()
	if err != nil {
		return nil, err
	}
	r, err := a.Directory.AddIssuer(ctx, record)
	r, status, err := made(r, err, "issuer",
		func() (store.Record[directory.Issuer], error) {
			return a.Directory.IssuerRecord(ctx, directory.TrustID(in.Body.Issuer))
		},
		func(there store.Record[directory.Issuer]) bool {
			same, _ := issuerOf(there)
			return reflect.DeepEqual(same.NewIssuer, in.Body)
		})
	out, err := issuerAnswer(r, err)
	if err != nil {
		return nil, err
	}
	note(ctx, "issuer_id", out.Body.ID)
	return &createdOutput[issuer]{status, a.location("/trusted-issuers/%s", out.Body.ID), out.ETag, out.Body}, nil
}

func (a *api) readIssuer(ctx context.Context, in *IssuerPath) (*issuerOutput, error) {
	return issuerAnswer(a.Directory.IssuerRecord(ctx, in.ID))
}

// matchingIssuer reads an issuer that is to be changed.
func (a *api) matchingIssuer(ctx context.Context, id string, m Precondition) (store.Record[directory.Issuer], error) {
	r, err := a.Directory.IssuerRecord(ctx, id)
	note(ctx, "issuer", r.Value.URL)
	return matching(m, r, err)
}

func (a *api) updateIssuer(ctx context.Context, in *struct {
	IssuerPath
	Precondition
	Body IssuerFields
}) (*issuerOutput, error) {
	r, err := a.matchingIssuer(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	record, err := in.Body.record(in.ID)
	if err != nil {
		return nil, err
	}
	return issuerAnswer(a.Directory.UpdateIssuer(ctx, record, r.Version))
}

func (a *api) removeIssuer(ctx context.Context, in *struct {
	IssuerPath
	Precondition
}) (*empty, error) {
	r, err := a.matchingIssuer(ctx, in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	return nil, a.Directory.DeleteIssuer(ctx, in.ID, r.Version)
}
