package mcp

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

type reminder struct {
	ID   string  `json:"id"`
	Text string  `json:"text"`
	Date string  `json:"date"`
	Time string  `json:"time"`
	Pet  *petRef `json:"pet" jsonschema:"the pet it is about, or null"`
	Past bool    `json:"past" jsonschema:"its time has gone by"`

	FromClinic bool `json:"from_clinic" jsonschema:"the clinic set it for the pet's owner"`
}

func (t *tools) reminderOf(r clinic.Reminder) reminder {
	out := reminder{ID: r.ID, Text: r.Text, Date: r.Date.String(), Time: r.Time.String(), Past: !r.At.After(t.clinic.Now()), FromClinic: r.FromClinic}
	if r.Pet != nil {
		out.Pet = &petRef{r.Pet.ID, r.Pet.Name}
	}
	return out
}

func (r reminder) String() string {
	s := fmt.Sprintf("%s at %s: %s", r.Date, r.Time, r.Text)
	if r.Pet != nil {
		s += " (about " + r.Pet.Name + ")"
	}
	if r.FromClinic {
		s += ", from the clinic"
	}
	if r.Past {
		s += " (past)"
	}
	return s + ", id " + r.ID
}

type reminderList struct {
	Reminders []reminder `json:"reminders"`
	TimeZone  string     `json:"time_zone"`
}

type oneReminder struct {
	Reminder reminder `json:"reminder"`
}

type listRemindersIn struct {
	Pet      string `json:"pet"`
	ForOwner bool   `json:"for_owner"`
}

type setReminderIn struct {
	Text string `json:"text"`
	Date string `json:"date"`
	Time string `json:"time"`
	Pet  string `json:"pet"`

	ForOwner bool `json:"for_owner"`
}

type cancelReminderIn struct {
	ReminderID string `json:"reminder_id"`
}

func (t *tools) addReminders(s *sdk.Server) {
	add(t, s, "list_reminders", "List reminders",
		"Lists the user's reminders in order of time, with those of the last 30 days marked as past.",
		reads, input(may("pet", words(64, "Name or id of a pet, to list only reminders about it.")),
			may("for_owner", boolean("For clinic staff only: list what the clinic reminds the owner of this pet of. Leave out otherwise."))), t.listReminders)
	add(t, s, "set_reminder", "Set a reminder",
		"Sets a reminder for the user at a day and time, for example to give a tablet. It does not book anything; for a visit use book_vet_appointment.",
		adds, input(
			need("text", requiredWords(300, "What to be reminded of.")),
			need("date", t.date("Day of the reminder.")),
			may("time", withDefault(clock("Time of the reminder."), clinic.DefaultReminderTime.String())),
			may("pet", words(64, "Name or id of the pet that it is about.")),
			may("for_owner", boolean("For clinic staff only: remind the owner of this pet, once for the same text. Leave out otherwise."))), t.setReminder)
	add(t, s, "cancel_reminder", "Cancel a reminder",
		"Removes one of the user's reminders. Get its id from list_reminders.",
		changes, input(need("reminder_id", requiredWords(128, "Id of the reminder."))), t.cancelReminder)
}

func (t *tools) listReminders(ctx context.Context, who clinic.Actor, in listRemindersIn) (reminderList, string, error) {
	look := t.clinic.Reminders
	if in.ForOwner {
		look = t.clinic.OwnerReminders
	}
	if in.Pet == "" {
		traceOwn(ctx, clinic.Actor{ID: who.ID}) // of staff, too, only their own
	}
	list, err := look(ctx, who, in.Pet)
	if err != nil {
		return reminderList{}, "", err
	}
	out := reminderList{[]reminder{}, t.clinic.Facts().Zone}
	lines := []string{}
	for _, r := range list {
		o := t.reminderOf(r)
		out.Reminders = append(out.Reminders, o)
		lines = append(lines, o.String())
	}
	if len(lines) == 0 {
		lines = append(lines, "There are no reminders.")
	}
	return out, strings.Join(lines, "\n"), nil
}

func (t *tools) setReminder(ctx context.Context, who clinic.Actor, in setReminderIn) (oneReminder, string, error) {
	day, err := clinic.ParseDate(in.Date)
	if err != nil {
		return oneReminder{}, "", err
	}
	at, err := clinic.ParseClock(in.Time)
	if err != nil {
		return oneReminder{}, "", err
	}
	r, err := t.clinic.SetReminder(ctx, who, clinic.NewReminder{Text: in.Text, Date: day, Time: at, Pet: in.Pet, ForOwner: in.ForOwner})
	if err != nil {
		return oneReminder{}, "", err
	}
	out := t.reminderOf(r)
	return oneReminder{out}, "Reminder set for " + out.String() + ".", nil
}

func (t *tools) cancelReminder(ctx context.Context, who clinic.Actor, in cancelReminderIn) (oneReminder, string, error) {
	r, err := t.clinic.CancelReminder(ctx, who, in.ReminderID)
	if err != nil {
		return oneReminder{}, "", err
	}
	out := t.reminderOf(r)
	return oneReminder{out}, "Reminder cancelled: " + out.String() + ".", nil
}
