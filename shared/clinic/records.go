package clinic

import (
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Owner is a customer of the clinic.
type Owner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Pet is a pet's record. The owner's name is copied into it, so that a list needs no second look.
type Pet struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Species   string  `json:"species"`
	Breed     string  `json:"breed,omitempty"`
	Sex       string  `json:"sex"`
	BirthDate Date    `json:"birth_date"`
	WeightKg  float64 `json:"weight_kg,omitempty"` // 0: not known
	Microchip string  `json:"microchip,omitempty"`
	Notes     string  `json:"notes,omitempty"`
	Owner     Owner   `json:"owner"`
}

// AgeOn says in words how old the pet is on a day.
func (p Pet) AgeOn(day Date) string { return p.BirthDate.ageOn(day) }

// Dose is a vaccination that was given.
type Dose struct {
	Vaccine string `json:"vaccine"`
	Date    Date   `json:"date"`
	Batch   string `json:"batch,omitempty"`
}

// PetRef names a pet in another record.
type PetRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// The statuses of an appointment. Only cancelled is stored; past is a matter of the clock.
const (
	Booked    = "booked"
	Cancelled = "cancelled"
	PastVisit = "past"
)

// Appointment is a visit. Its slot in the day's diary holds a copy, as long as it is not cancelled.
type Appointment struct {
	ID        string    `json:"id"`
	Pet       PetRef    `json:"pet"` // the name is looked up, not stored
	Owner     string    `json:"owner"`
	Start     time.Time `json:"start"`
	Date      Date      `json:"date"`
	Time      Clock     `json:"time"`
	Kind      string    `json:"kind"`
	Vet       string    `json:"vet"` // name
	VetID     string    `json:"vet_id"`
	Reason    string    `json:"reason,omitempty"`
	BookedBy  string    `json:"booked_by,omitempty"` // the agent that did it for whoever booked; empty: they did it themselves
	Cancelled bool      `json:"cancelled,omitempty"`
}

// Status tells how the appointment stands at an instant.
func (a Appointment) Status(now time.Time) string {
	switch {
	case a.Cancelled:
		return Cancelled
	case a.Start.After(now):
		return Booked
	default:
		return PastVisit
	}
}

// Reminder is a note to oneself at a moment.
type Reminder struct {
	ID   string    `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	Date Date      `json:"date"`
	Time Clock     `json:"time"`
	Pet  *PetRef   `json:"pet,omitempty"` // the name is looked up, not stored

	FromClinic bool `json:"from_clinic,omitempty"` // staff set it for the pet's owner
}

// Ticket is a message to the clinic's people.
type Ticket struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Subject string    `json:"subject"`
	Message string    `json:"message"`
	Contact string    `json:"contact,omitempty"`
	From    string    `json:"from"`
}

// ref tells staff whose partition holds a pet or an appointment.
type ref struct {
	Owner string `json:"owner"`
}

func refKey(id string) string { return "clinic/ref/" + id }

func putRef(id, owner string, expires time.Time) store.Op {
	return store.Put(store.Encode(refKey(id), "owner", ref{owner}, expires), store.IfAbsent())
}

// petOps writes a pet and its line in the index.
func petOps(p Pet, c store.Condition) []store.Op {
	return []store.Op{
		store.Put(store.Encode(person(p.Owner.ID), "pet/"+p.ID, p, time.Time{}), c),
		store.Put(store.Encode(indexOf(p.Name), petIndexKey(p), p, time.Time{}), store.Always()),
	}
}

func petIndexKey(p Pet) string { return "pet/" + fold(p.Name) + "/" + p.ID }
