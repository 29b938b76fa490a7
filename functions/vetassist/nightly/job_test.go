package nightly_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
)

type m = map[string]any

func vaccine(name, due, status string) m {
	return m{"vaccine_name": name, "next_due": due, "status": status}
}

// clinic is a tool server with pets on two pages. What it was asked to set is in set.
func (w *world) clinic(refuse map[string]string) (set *[]m) {
	set = &[]m{}
	w.tool = func(name string, args m) (any, bool) {
		if code := refuse[name+" "+fmt.Sprint(args["pet"])]; code != "" {
			return m{"error": code, "message": "No: \x1b[2J" + code}, false
		}
		switch name {
		case "list_pets":
			if args["cursor"] == nil {
				return m{"pets": []m{{"id": "p1", "name": "Rex", "owner": m{"name": "Ann"}}, {"id": "p2", "name": "Kit", "owner": m{"name": "Ben"}}}, "next_cursor": "2"}, true
			}
			return m{"pets": []m{{"id": "p3", "name": "Fay", "owner": m{"name": "Cat"}}, {"id": "p1", "name": "Rex", "owner": m{"name": "Ann"}}}, "next_cursor": ""}, true
		case "get_pet_vaccination_info":
			return m{"as_of": "2026-03-01", "vaccinations": map[any][]m{
				"p1": {vaccine("Rabies", "2026-03-20", "due soon"), vaccine("Lepto", "2026-02-01", "overdue"), vaccine("Flu", "2027-01-01", "up to date")},
				"p2": {vaccine("Flu", "2027-01-01", "up to date")},
				"p3": {vaccine("Flu", "2026-03-05", "due soon")},
			}[args["pet"]]}, true
		case "list_reminders":
			return m{"reminders": []m{{"text": "Fay: the vaccination against Flu is due on 2026-03-05. Please book a visit."}, {"text": "Rex: his birthday"}}}, true
		}
		*set = append(*set, args)
		return m{}, true
	}
	return set
}

func (w *world) job() nightly.Job { return nightly.Job{Program: w.program(), Server: w.url()} }

func TestJob(t *testing.T) {
	w := newWorld(t)
	set := w.clinic(nil)
	r, err := w.job().Run(t.Context())
	if err != nil || r.Pets != 3 || r.Count(nightly.Set) != 2 || r.Count(nightly.There) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	if w.forms[0].Get("scope") != strings.Join(nightly.Scopes, " ") {
		t.Errorf("asked for %q", w.forms[0].Get("scope"))
	}
	want := fmt.Sprint([]m{
		{"pet": "p1", "for_owner": true, "text": "Rex: the vaccination against Rabies is due on 2026-03-20. Please book a visit.", "date": "2026-03-13"},
		{"pet": "p1", "for_owner": true, "text": "Rex: the vaccination against Lepto is due on 2026-02-01. Please book a visit.", "date": "2026-03-02"},
	})
	if got := fmt.Sprint(*set); got != want {
		t.Errorf("set\n%s, want\n%s", got, want)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Asked by app-x, for no user.", "Rex (Ann)  Rabies  due 2026-03-20            reminder set for 2026-03-13",
		"Rex (Ann)  Lepto   overdue since 2026-02-01  reminder set for 2026-03-02", "Fay (Cat)  Flu     due 2026-03-05            reminder is there already",
		"Pets: 3. Reminders: 2 set, 1 there already, 0 failed."} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("the report lacks %q:\n%s", line, &text)
		}
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	set := w.clinic(nil)
	j := w.job()
	j.DryRun = true
	r, err := j.Run(t.Context())
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err != nil || len(*set) > 0 || !strings.Contains(text.String(), "a reminder would be set for 2026-03-13") || !strings.Contains(text.String(), "Reminders: 2 to be set") {
		t.Errorf("%v, set %v:\n%s", err, *set, &text)
	}
}

// TestJobGoesOn: one pet that cannot be looked after keeps nobody else waiting, and what would be so for all ends the job.
func TestJobGoesOn(t *testing.T) {
	for what, c := range map[string]struct {
		refuse             map[string]string
		set, there, failed int
		ends               bool
	}{
		"one is gone meanwhile":        {map[string]string{"get_pet_vaccination_info p1": "not_found"}, 0, 1, 1, false},
		"one list cannot be read":      {map[string]string{"list_reminders p1": "invalid"}, 0, 1, 1, false},
		"an owner has too many":        {map[string]string{"set_reminder p1": "too_many"}, 0, 1, 2, false},
		"somebody is changing them":    {map[string]string{"set_reminder p1": "conflict"}, 0, 1, 2, false},
		"the role may not see pets":    {map[string]string{"list_pets <nil>": "role_forbidden"}, 0, 0, 0, true},
		"the role may not set any":     {map[string]string{"set_reminder p1": "role_forbidden"}, 0, 0, 1, true},
		"the role may not see records": {map[string]string{"get_pet_vaccination_info p1": "role_forbidden"}, 0, 0, 1, true},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.clinic(c.refuse)
			r, err := w.job().Run(t.Context())
			if (err != nil) != c.ends || r.Count(nightly.Set) != c.set || r.Count(nightly.There) != c.there || r.Count(nightly.Failed) != c.failed {
				t.Errorf("%+v %v", r, err)
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil || strings.Contains(text.String(), "\x1b") {
				t.Errorf("%v: %q", err, text.String())
			}
		})
	}
}

// TestOvertaken: the reminder that another run has set meanwhile is there.
func TestOvertaken(t *testing.T) {
	w := newWorld(t)
	w.clinic(nil)
	inner := w.tool
	w.tool = func(name string, args m) (any, bool) {
		if name == "set_reminder" {
			return m{"error": "conflict", "message": "The owner has this reminder about Rex already."}, false
		}
		return inner(name, args)
	}
	if r, err := w.job().Run(t.Context()); err != nil || r.Count(nightly.There) != 3 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestHostileLists: whatever a server answers, the job comes to an end.
func TestHostileLists(t *testing.T) {
	for what, tool := range map[string]func(name string, args m) (any, bool){
		"the same page again and again": func(string, m) (any, bool) { return m{"pets": []m{}, "next_cursor": "same"}, true },
		"no list":                       func(string, m) (any, bool) { return m{"pets": "none"}, true },
		"dates that are none": func(name string, _ m) (any, bool) {
			if name == "list_pets" {
				return m{"pets": []m{{"id": "p", "name": "x"}}, "next_cursor": ""}, true
			}
			return m{"as_of": "today", "vaccinations": []m{vaccine("Flu", "soon", "due soon")}}, true
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.tool = tool
			if r, err := w.job().Run(t.Context()); err == nil && r.Count(nightly.Failed) == 0 || w.count("/mcp") > 20 {
				t.Errorf("%d requests: %+v", w.count("/mcp"), r)
			}
		})
	}
}
