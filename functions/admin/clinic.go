package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
)

type snapshot struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Records int       `json:"records" doc:"How many records of people and their pets."`
}

func snapshotOf(s clinic.Snapshot) (snapshot, error) {
	return snapshot{s.ID, s.Name, s.Created, s.Records}, nil
}

type newSnapshot struct {
	Name string `json:"name" minLength:"1" maxLength:"60"`
}

type snapshotPath struct {
	ID string `path:"snapshot_id" maxLength:"300"`
}

type owner struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
}

func (a *api) clinicRoutes() {
	const tag = "Clinic"
	register(a, huma.Operation{OperationID: "reset-clinic", Method: http.MethodPost, Path: "/clinic/reset", Tags: []string{tag}, Summary: "Delete all pets, appointments and reminders, and fill the clinic with the demo's, as of today",
		Description: "The demo's owners become the users with the same usernames: Fido goes to whoever is called bob here. Snapshots stay.", DefaultStatus: http.StatusOK, Errors: []int{409}}, a.resetClinic)
	register(a, huma.Operation{OperationID: "add-owner", Method: http.MethodPut, Path: "/clinic/owners/{user_id}", Tags: []string{tag}, Summary: "Make a user a customer of the clinic, who can have pets",
		Description: "The staff's tool add_pet takes the user's id as the owner from then on. For one who is a customer already nothing changes.", Errors: []int{404}}, a.addOwner)
	register(a, huma.Operation{OperationID: "forget-owner", Method: http.MethodDelete, Path: "/clinic/owners/{user_id}", Tags: []string{tag}, Summary: "Delete all that the clinic knows of a user: pets, vaccinations, appointments, reminders, messages",
		Description: "Also of a user who is deleted. Everybody else's records stay, and they go on meanwhile.", Errors: []int{404, 409}}, a.forgetOwner)
	register(a, huma.Operation{OperationID: "list-snapshots", Method: http.MethodGet, Path: "/clinic/snapshots", Tags: []string{tag}, Summary: "List copies of the clinic's data"}, a.listSnapshots)
	register(a, huma.Operation{OperationID: "make-snapshot", Method: http.MethodPost, Path: "/clinic/snapshots", Tags: []string{tag}, Summary: "Copy the clinic's data", DefaultStatus: http.StatusCreated, Errors: []int{409}}, a.makeSnapshot)
	register(a, huma.Operation{OperationID: "restore-snapshot", Method: http.MethodPost, Path: "/clinic/snapshots/{snapshot_id}/restore", Tags: []string{tag}, Summary: "Bring a copy back in place of what is there", Description: "Days in it are days of the calendar: what was tomorrow's is in the past next week.", Errors: []int{404, 409}}, a.restoreSnapshot)
	register(a, huma.Operation{OperationID: "delete-snapshot", Method: http.MethodDelete, Path: "/clinic/snapshots/{snapshot_id}", Tags: []string{tag}, Summary: "Delete a copy", Errors: []int{404, 409}}, a.deleteSnapshot)
}

func (a *api) resetClinic(ctx context.Context, _ *struct{}) (*struct{ Body clinic.Counts }, error) {
	people, err := directory.DemoPeople(a.Seed)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{}
	for _, p := range people {
		id, err := a.Directory.UserIDByUsername(ctx, p.Username)
		if err != nil {
			return nil, err
		}
		if id != "" {
			owners[p.ID] = id
		}
	}
	counts, err := clinic.Reset(ctx, a.Store, a.Seed, a.Now(), owners)
	return &struct{ Body clinic.Counts }{counts}, err
}

func (a *api) addOwner(ctx context.Context, in *UserPath) (*struct{ Body owner }, error) {
	r, err := a.Directory.UserRecord(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	note(ctx, "username", r.Value.Username)
	out := owner{r.Value.ID, r.Value.Name}
	return &struct{ Body owner }{out}, a.clinic.AddOwner(ctx, clinic.Owner{ID: out.UserID, Name: out.Name})
}

func (a *api) forgetOwner(ctx context.Context, in *UserPath) (*empty, error) {
	return nil, a.clinic.Forget(ctx, in.UserID)
}

func (a *api) listSnapshots(ctx context.Context, in *ListInput) (*listOutput[snapshot], error) {
	all, err := a.clinic.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, snapshotOf)
}

func (a *api) makeSnapshot(ctx context.Context, in *struct{ Body newSnapshot }) (*createdOutput[snapshot], error) {
	note(ctx, "snapshot", in.Body.Name)
	made, err := a.clinic.Snapshot(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	body, err := snapshotOf(made)
	return &createdOutput[snapshot]{Status: http.StatusCreated, Location: a.location("/clinic/snapshots/%s", made.ID), Body: body}, err
}

func (a *api) restoreSnapshot(ctx context.Context, in *snapshotPath) (*empty, error) {
	return nil, a.clinic.Restore(ctx, in.ID)
}

func (a *api) deleteSnapshot(ctx context.Context, in *snapshotPath) (*empty, error) {
	return nil, a.clinic.DeleteSnapshot(ctx, in.ID)
}
