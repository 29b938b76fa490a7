package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
)

// explanation is the formula with its four sets, as it would be decided now.
type explanation struct {
	User        *explainedUser        `json:"user,omitempty" doc:"Missing when the application acts for itself."`
	Application explainedApplication  `json:"application"`
	Via         *explainedApplication `json:"via,omitempty" doc:"Which application hands the token over, where the other is an agent."`
	VouchedBy   *explainedIssuer      `json:"vouched_by,omitempty" doc:"Whose word stands for the user's consent."`
	Server      serverRef             `json:"server"`
	Sets        explainedSets         `json:"sets"`
	Granted     []string              `json:"granted" nullable:"false"`
	Verdicts    []verdict             `json:"verdicts" nullable:"false"`
	Blocked     []string              `json:"blocked" nullable:"false" doc:"What else stands in the way of any token: a disabled user or application, or one that never asks in this way."`
}

type explainedUser struct {
	ID       string   `json:"id"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles" nullable:"false"`
}

type explainedApplication struct {
	ID       string   `json:"id"`
	ClientID string   `json:"client_id"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles" nullable:"false"`
}

type explainedIssuer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type explainedSets struct {
	Requested []string `json:"requested" nullable:"false"`
	Client    []string `json:"client" nullable:"false" doc:"What the application is authorized for."`
	Role      []string `json:"role" nullable:"false" doc:"What the roles allow."`
	Consent   []string `json:"consent" nullable:"false" doc:"What the user agreed to, or an enterprise can vouch for."`
}

type verdict struct {
	Scope   string   `json:"scope"`
	Granted bool     `json:"granted"`
	Lacking []string `json:"lacking" nullable:"false" doc:"Which of the sets client, role and consent lacked it."`
}

func (a *api) whyRoutes() {
	register(a, huma.Operation{OperationID: "why", Method: http.MethodGet, Path: "/why", Tags: []string{"Why"}, Summary: "Explain what a token would be granted, and why not more",
		Description: "granted = requested ∩ authorized for the client ∩ allowed by the user's roles ∩ consented", Errors: []int{404}}, a.why)
}

type whyInput struct {
	UserID   string `query:"user_id" maxLength:"300" doc:"Left out: the application acts for itself."`
	ClientID string `query:"client_id" required:"true" maxLength:"600" doc:"The id of an application, or its client_id."`
	Via      string `query:"via" maxLength:"600" doc:"The id or client_id of the application that hands its token over, where client_id is an agent's."`
	IssuerID string `query:"issuer_id" maxLength:"300" doc:"The trusted issuer of an enterprise that vouches for the user with a word that names no scopes of its own. It stands for the consent."`
	ServerID string `query:"server_id" required:"true" maxLength:"300"`
	Scope    string `query:"scope" maxLength:"4000" doc:"What is requested, separated by spaces. Left out: all scopes of the server."`
}

func (a *api) why(ctx context.Context, in *whyInput) (*struct{ Body explanation }, error) {
	client, err := a.Directory.ClientRecord(ctx, directory.ClientKey(in.ClientID))
	if err != nil {
		return nil, missing(err, "query.client_id", "is not an application's")
	}
	server, err := a.Directory.Server(ctx, identifierOf(in.ServerID))
	if err != nil {
		return nil, missing(err, "query.server_id", "is not a server's")
	}
	requested, err := rbac.ParseScope(in.Scope)
	if err != nil {
		return nil, invalid("query.scope", err.Error())
	}
	if len(requested) == 0 {
		requested = server.ScopeNames()
	}
	out := &struct{ Body explanation }{}
	e := &out.Body
	e.Application = explainApplication(client.Value)
	e.Server = serverRef{in.ServerID, server.Identifier, server.Name}
	e.Blocked = []string{}
	if client.Value.Disabled {
		e.Blocked = append(e.Blocked, "The application is disabled.")
	}
	via, err := a.whyVia(ctx, in, client.Value, e)
	if err != nil {
		return nil, err
	}
	if machine := client.Value.Template == directory.MachineTemplate; machine != (in.UserID == "") {
		e.Blocked = append(e.Blocked, map[bool]string{true: "The application acts for itself, never for a user.", false: "The application acts for users, never for itself."}[machine])
	}
	var d rbac.Decision
	if in.UserID == "" {
		d, err = a.Directory.WhyMachine(ctx, client.Value, server, requested)
	} else {
		u, err2 := a.Directory.UserRecord(ctx, in.UserID)
		if err2 != nil {
			return nil, missing(err2, "query.user_id", "is not a user's")
		}
		e.User = &explainedUser{u.Value.ID, u.Value.Username, u.Value.Name, append([]string{}, u.Value.Roles...)}
		if u.Value.Disabled {
			e.Blocked = append(e.Blocked, "The user is disabled.")
		}
		switch {
		case in.IssuerID != "":
			d, err = a.whyVouched(ctx, in, u.Value, client.Value, server, requested, e)
		case via.ID != "":
			d, err = a.Directory.WhyAgent(ctx, u.Value, client.Value, via, server, requested)
		default:
			d, err = a.Directory.Why(ctx, u.Value, client.Value, server, requested)
		}
	}
	if err != nil {
		return nil, err
	}
	e.Sets = explainedSets{append([]string{}, d.Sets.Requested...), append([]string{}, d.Sets.Client...),
		append([]string{}, d.Sets.Role...), append([]string{}, d.Sets.Consent...)}
	e.Granted, e.Verdicts = append([]string{}, d.Granted...), []verdict{}
	for _, v := range d.Verdicts {
		lacking := []string{}
		for _, source := range v.Lacking {
			lacking = append(lacking, string(source))
		}
		e.Verdicts = append(e.Verdicts, verdict{v.Scope, len(v.Lacking) == 0, lacking})
	}
	return out, nil
}

func explainApplication(c directory.Client) explainedApplication {
	return explainedApplication{c.ID, c.ClientID(), c.Name, append([]string{}, c.Roles...)}
}

// whyVia is the application that hands its token over to an agent; none for what is no agent.
func (a *api) whyVia(ctx context.Context, in *whyInput, client directory.Client, e *explanation) (directory.Client, error) {
	agent := client.Template == directory.AgentTemplate
	switch {
	case in.Via == "" && agent:
		e.Blocked = append(e.Blocked, "An agent gets part of a token that an application hands over, and none by itself.")
		return directory.Client{}, nil
	case in.Via == "":
		return directory.Client{}, nil
	case !agent:
		return directory.Client{}, invalid("query.via", "is for agents, and this is none")
	}
	r, err := a.Directory.ClientRecord(ctx, directory.ClientKey(in.Via))
	if err != nil {
		return directory.Client{}, missing(err, "query.via", "is not an application's")
	}
	via := explainApplication(r.Value)
	e.Via = &via
	if r.Value.MayAct != client.ID {
		e.Blocked = append(e.Blocked, "The application that hands over does not name this agent.")
	}
	if r.Value.Disabled {
		e.Blocked = append(e.Blocked, "The application that hands over is disabled.")
	}
	return r.Value, nil
}

// whyVouched is the formula where an enterprise vouches for the user (ID-JAG).
func (a *api) whyVouched(ctx context.Context, in *whyInput, user directory.User, client directory.Client, server directory.Server, requested []string, e *explanation) (rbac.Decision, error) {
	r, err := a.Directory.IssuerRecord(ctx, in.IssuerID)
	switch {
	case err != nil:
		return rbac.Decision{}, missing(err, "query.issuer_id", "is not a trusted issuer's")
	case r.Value.Kind != directory.EnterpriseIssuer:
		return rbac.Decision{}, invalid("query.issuer_id", "is of an issuer that vouches for programs, not for people")
	}
	e.VouchedBy = &explainedIssuer{r.Value.ID, r.Value.Name}
	if !r.Value.Enabled {
		e.Blocked = append(e.Blocked, "The issuer is not enabled.")
	}
	if !r.Value.Names(client.ID) {
		e.Blocked = append(e.Blocked, "The issuer's word does not count when this application brings it.")
	}
	return a.Directory.WhyVouched(ctx, user, client, server, requested, client.AuthorizedAt(server))
}

// missing blames the parameter that names what is not there.
func missing(err error, location, message string) error {
	if errors.Is(err, directory.ErrNotFound) {
		return invalid(location, message)
	}
	return err
}
