package workshop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// registrar is a program of the clinic's staff: an application with the role Vet Staff that acts for no user (RFC 6749 §4.4). It is made when the first
// pet is to be entered, and deleted at the end, so that nothing stays behind that may write to every record.
type registrar struct {
	admin  *admin
	name   string
	now    func() time.Time
	client *visitor.Client

	mu    sync.Mutex
	id    string
	token string
	until time.Time
	err   error
}

func (w *Workshop) registrar(a *admin) *registrar {
	client := visitor.NewClient(w.Base, Patience{Next: w.Transport})
	client.Revision, client.Agent = "2026-07-28", "vetassist-workshop/1.0"
	return &registrar{admin: a, name: w.Prefix + "-registrar (workshop)", now: w.Now, client: client}
}

var registrarScopes = []string{"pet-profile:read", "pet-profile:write"}

// open makes the application, in the place of one that was left behind, and gets its token; again when that has expired.
func (r *registrar) open(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return "", r.err
	}
	if r.id == "" {
		if r.err = r.make(ctx); r.err != nil {
			r.err = fmt.Errorf("making the program that enters pets: %w", r.err)
			return "", r.err
		}
	}
	if r.now().Add(early).Before(r.until) {
		return r.token, nil
	}
	t, err := again(ctx, func() (visitor.Tokens, error) {
		return r.client.Form(ctx, r.client.Server.Token, url.Values{"grant_type": {"client_credentials"}, "resource": {r.client.Resource},
			"scope": {registrarScopes[0] + " " + registrarScopes[1]}}, nil)
	})
	if err == nil && t.Access == "" {
		err = fmt.Errorf("the program that enters pets gets no token: %s", clean(t.Error+" "+t.Description))
	}
	r.token, r.until = t.Access, r.now().Add(time.Duration(t.Expires)*time.Second)
	return r.token, err
}

func (r *registrar) make(ctx context.Context) error {
	if err := r.clear(ctx); err != nil {
		return err
	}
	var app application
	body := map[string]any{"name": r.name, "template": machineTemplate, "roles": []string{staffRole}}
	if err := r.admin.call(ctx, http.MethodPost, "/applications", body, &app, "Idempotency-Key", rand.Text()); err != nil {
		return err
	}
	r.id, r.client.ID, r.client.Secret = app.ID, app.ClientID, app.Secret
	if app.Secret == "" { // it was made, and the answer with the secret was lost
		if err := r.admin.call(ctx, http.MethodPost, "/applications/"+app.ID+"/secret", nil, &app); err != nil {
			return err
		}
		r.client.Secret = app.Secret
	}
	return r.admin.authorize(ctx, app.ID, registrarScopes...)
}

// clear deletes a registrar that an earlier run left behind.
func (r *registrar) clear(ctx context.Context) error {
	apps, err := all[application](ctx, r.admin, "/applications", url.Values{"prefix": {r.name}})
	for _, app := range apps {
		if err == nil && app.Name == r.name && app.Template == machineTemplate && app.Source == "admin" {
			err = r.admin.remove(ctx, app.ID)
		}
	}
	return err
}

func (a *admin) remove(ctx context.Context, app string) error {
	return a.call(ctx, http.MethodDelete, "/applications/"+app+"?cascade=true", nil, nil, whatever...)
}

// close deletes the application. Where that fails, the next run does it.
func (r *registrar) close(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = r.admin.remove(ctx, r.id)
	r.id = ""
}

// errTool is a refusal by a tool, with its code.
type errTool struct{ code, message string }

func (e *errTool) Error() string { return clean(e.message) }

func (r *registrar) tool(ctx context.Context, name string, args, out any) error {
	token, err := r.open(ctx)
	if err != nil {
		return err
	}
	answer, err := again(ctx, func() (visitor.Answer, error) { return r.client.CallTool(ctx, token, name, args) }) // done twice, it is a conflict
	if err != nil {
		return err
	}
	result, err := answer.Result()
	switch {
	case err != nil:
		return err
	case result.Result.IsError:
		var refused struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(result.Result.Structured, &refused) // without a code it is any refusal
		return &errTool{refused.Error, result.Text()}
	case len(result.Result.Structured) == 0:
		return fmt.Errorf("%s: the MCP server answered %d: %s", name, answer.Status, clean(result.Text()))
	case out == nil:
		return nil
	}
	return json.Unmarshal(result.Result.Structured, out)
}

type enteredPet struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Born string `json:"birth_date"`
}

const dateForm = "2006-01-02"

// enter enters the pet of an attendee and its vaccinations, those that are missing; did: there were some.
func (r *registrar) enter(ctx context.Context, owner string, a attendee) (did bool, err error) {
	p := a.pet()
	there, err := r.find(ctx, owner, p.name)
	if err == nil && there.ID == "" {
		did = true
		there, err = r.add(ctx, owner, p)
	}
	if err != nil {
		return did, err
	}
	vaccinated, err := r.vaccinate(ctx, there, p)
	return did || vaccinated, err
}

// find is the owner's pet of that name, if there is one.
func (r *registrar) find(ctx context.Context, owner, name string) (enteredPet, error) {
	var list struct {
		Pets []enteredPet `json:"pets"`
	}
	err := r.tool(ctx, "list_pets", map[string]any{"owner": owner}, &list)
	for _, p := range list.Pets {
		if p.Name == name {
			return p, err
		}
	}
	return enteredPet{}, err
}

func (r *registrar) add(ctx context.Context, owner string, p pet) (enteredPet, error) {
	var added struct {
		Pet enteredPet `json:"pet"`
	}
	err := r.tool(ctx, "add_pet", map[string]any{"name": p.name, "species": "dog", "owner": owner, "birth_date": p.born(r.now().UTC()).Format(dateForm),
		"breed": p.breed, "sex": p.sex, "weight_kg": p.weight, "notes": "Lives in a workshop."}, &added)
	if refused := (*errTool)(nil); errors.As(err, &refused) && refused.code == "conflict" { // the first try did it, and its answer was lost
		there, err2 := r.find(ctx, owner, p.name)
		if err2 != nil || there.ID == "" {
			return there, errors.Join(err, err2)
		}
		return there, nil
	}
	return added.Pet, err
}

// vaccinate records the doses that are missing. Their days follow from the pet's birth date as it is there.
func (r *registrar) vaccinate(ctx context.Context, there enteredPet, p pet) (did bool, err error) {
	born, err := time.Parse(dateForm, there.Born)
	if err != nil {
		return false, err
	}
	var known struct {
		Vaccinations []struct {
			Vaccine   string  `json:"vaccine"`
			LastGiven *string `json:"last_given"`
		} `json:"vaccinations"`
	}
	if err := r.tool(ctx, "get_pet_vaccination_info", map[string]any{"pet": there.ID}, &known); err != nil {
		return false, err
	}
	last := map[string]string{}
	for _, v := range known.Vaccinations {
		if v.LastGiven != nil {
			last[v.Vaccine] = *v.LastGiven
		}
	}
	day := func(d dose) string { return born.AddDate(0, 0, d.age).Format(dateForm) }
	doses := p.doses()
	if last["rabies"] >= day(doses[0]) && last["dhpp"] >= day(doses[len(doses)-1]) { // or a vet gave another since
		return false, nil
	}
	for _, d := range doses {
		err := r.tool(ctx, "record_vaccination", map[string]any{"pet": there.ID, "vaccine": d.vaccine, "date": day(d)}, nil)
		var refused *errTool
		switch {
		case errors.As(err, &refused) && refused.code == "conflict": // it is on record
		case err != nil:
			return did, err
		default:
			did = true
		}
	}
	return did, nil
}
