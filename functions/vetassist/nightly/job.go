package nightly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	lead     = 7    // days before a vaccination is due that its owner is reminded
	maxPages = 5000 // of the list of pets
)

// Scopes are what the job needs.
var Scopes = []string{"pet-profile:read", "reminder:read", "reminder:write"}

// Job is one night's work.
type Job struct {
	Program
	Server string // the MCP server
	DryRun bool   // set nothing
}

// Run looks at every pet of the clinic and sees to it that the owner of each that is due for a vaccination has a reminder of it. What is
// there already stays as it is, so a second run sets nothing. The error is why it could not go on; what went wrong with one pet only
// is in the report.
func (j Job) Run(ctx context.Context) (Report, error) {
	r := Report{Server: j.Server, Program: j.ID, DryRun: j.DryRun}
	j.Program.Scopes = Scopes
	session, h, err := j.connect(ctx, j.Server)
	if err != nil {
		return r, err
	}
	defer session.Close()
	if err := h.missing(); err != nil { // before the first tool: half a night's work is worse than none
		return r, err
	}
	c := &clinic{session, h}
	seen := map[string]bool{}
	cursor := ""
	for range maxPages {
		pets, next, err := c.pets(ctx, cursor)
		if err != nil {
			return r, err
		}
		for _, p := range pets {
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			r.Pets++
			if err := j.visit(ctx, c, p, &r); err != nil {
				return r, err
			}
		}
		if next == "" {
			return r, nil
		}
		if next == cursor {
			break
		}
		cursor = next
	}
	return r, errors.New("the list of pets does not end")
}

// visit does for one pet what is to be done. A tool that refuses is noted, and the next pet is looked at.
func (j Job) visit(ctx context.Context, c *clinic, p pet, r *Report) error {
	note := func(l Line) { l.Pet, l.Owner = p.Name, p.Owner.Name; r.Lines = append(r.Lines, l) }
	due, today, err := c.due(ctx, p)
	var texts []string
	if err == nil && len(due) > 0 {
		texts, err = c.reminders(ctx, p)
	}
	if err != nil {
		note(Line{Outcome: Failed, Why: err.Error()})
		return fatal(err)
	}
	for _, v := range due {
		l := Line{Vaccine: v.Name, Due: v.Due, Overdue: v.Status == overdue}
		day, err := remindOn(v.Due, today)
		l.On = day
		text := fmt.Sprintf("%s: the vaccination against %s is due on %s. Please book a visit.", p.Name, v.Name, v.Due)
		switch {
		case err != nil:
			l.Outcome, l.Why = Failed, err.Error()
		case slices.Contains(texts, text):
			l.Outcome = There
		case j.DryRun:
			l.Outcome = Set
		default:
			l.Outcome = Set
			if err = c.remind(ctx, p, text, day); errors.Is(err, errThere) { // another run was faster
				l.Outcome = There
			} else if err != nil {
				l.Outcome, l.Why = Failed, err.Error()
			}
		}
		note(l)
		if err := fatal(err); err != nil {
			return err
		}
	}
	return nil
}

// remindOn is a week before, or tomorrow if that is over.
func remindOn(due, today string) (string, error) {
	d, err := time.Parse(time.DateOnly, due)
	t, err2 := time.Parse(time.DateOnly, today)
	day := d.AddDate(0, 0, -lead)
	if tomorrow := t.AddDate(0, 0, 1); day.Before(tomorrow) {
		day = tomorrow
	}
	return day.Format(time.DateOnly), errors.Join(err, err2)
}

// clinic is the MCP server by its tools.
type clinic struct {
	session *mcp.ClientSession
	handler *handler
}

type pet struct {
	ID    string
	Name  string
	Owner struct{ Name string }
}

type vaccination struct {
	Name   string `json:"vaccine_name"`
	Due    string `json:"next_due"`
	Status string
}

const (
	dueSoon = "due soon"
	overdue = "overdue"
)

func (c *clinic) pets(ctx context.Context, cursor string) (pets []pet, next string, err error) {
	var out struct {
		Pets []pet
		Next string `json:"next_cursor"`
	}
	args := map[string]any{}
	if cursor != "" {
		args["cursor"] = cursor
	}
	err = c.call(ctx, "list_pets", args, &out)
	return out.Pets, out.Next, err
}

// due is what the vaccination plan of a pet asks for within a month, and the clinic's date.
func (c *clinic) due(ctx context.Context, p pet) (due []vaccination, today string, err error) {
	var out struct {
		Vaccinations []vaccination
		AsOf         string `json:"as_of"`
	}
	err = c.call(ctx, "get_pet_vaccination_info", map[string]any{"pet": p.ID}, &out)
	due = slices.DeleteFunc(out.Vaccinations, func(v vaccination) bool { return v.Status != dueSoon && v.Status != overdue })
	return due, out.AsOf, err
}

// reminders are what the clinic reminds the owner of already.
func (c *clinic) reminders(ctx context.Context, p pet) (texts []string, err error) {
	var out struct{ Reminders []struct{ Text string } }
	err = c.call(ctx, "list_reminders", map[string]any{"pet": p.ID, "for_owner": true}, &out)
	for _, r := range out.Reminders {
		texts = append(texts, r.Text)
	}
	return texts, err
}

var errThere = errors.New("the owner has this reminder already")

func (c *clinic) remind(ctx context.Context, p pet, text, day string) error {
	err := c.call(ctx, "set_reminder", map[string]any{"pet": p.ID, "for_owner": true, "text": text, "date": day}, &struct{}{})
	var refused *toolError
	if errors.As(err, &refused) && refused.code == "conflict" && strings.Contains(refused.text, "already") {
		return errThere
	}
	return err
}

// toolError is a result with isError: the tool answered, and did not do it.
type toolError struct{ code, text string }

func (e *toolError) Error() string { return clean(e.text) }

// fatal is the error that the next pet would meet as well.
func fatal(err error) error {
	var refused *toolError
	if err == nil || errors.Is(err, errThere) || errors.As(err, &refused) && refused.code != "role_forbidden" {
		return nil
	}
	return err
}

func (c *clinic) call(ctx context.Context, tool string, args map[string]any, into any) error {
	res, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return fmt.Errorf("%s: %w", tool, c.handler.judge(err))
	}
	raw, err := json.Marshal(res.StructuredContent)
	if err != nil {
		return err
	}
	if res.IsError {
		var e struct{ Error, Message string }
		if json.Unmarshal(raw, &e) != nil || e.Message == "" {
			e.Message = tool + " refused, without a reason"
		}
		return &toolError{e.Error, e.Message}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: the result is not what it should be: %w", tool, err)
	}
	return nil
}
