package mcp

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

type addPetIn struct {
	Name      string  `json:"name"`
	Species   string  `json:"species"`
	Owner     string  `json:"owner"`
	BirthDate string  `json:"birth_date"`
	Breed     string  `json:"breed"`
	Sex       string  `json:"sex"`
	WeightKg  float64 `json:"weight_kg"`
	Microchip string  `json:"microchip"`
	Notes     string  `json:"notes"`
}

type updatePetIn struct {
	Pet       string   `json:"pet"`
	Name      *string  `json:"name"`
	Breed     *string  `json:"breed"`
	Sex       *string  `json:"sex"`
	WeightKg  *float64 `json:"weight_kg"`
	Microchip *string  `json:"microchip"`
	Notes     *string  `json:"notes"`
}

type changedPet struct {
	Pet     petOut   `json:"pet"`
	Changed []string `json:"changed" jsonschema:"the fields that are different now"`
}

type recordVaccinationIn struct {
	Pet     string `json:"pet"`
	Vaccine string `json:"vaccine"`
	Date    string `json:"date"`
	Batch   string `json:"batch"`
}

type recordedVaccination struct {
	Pet         petRef `json:"pet"`
	Vaccine     string `json:"vaccine"`
	VaccineName string `json:"vaccine_name"`
	Given       string `json:"given" jsonschema:"date"`
	NextDue     string `json:"next_due" jsonschema:"date of the next dose"`
}

// addPetWriters adds the tools that change pets' records.
func (t *tools) addPetWriters(s *sdk.Server) {
	var codes, list []string
	for _, v := range t.clinic.Facts().Vaccines() {
		codes, list = append(codes, v.Code), append(list, v.Code+" = "+v.Name)
	}
	sex := func(d string) arg { return may("sex", choice(d, clinic.Sexes...)) }
	chip := may("microchip", words(20, "Microchip number, 9 to 15 letters and digits."))
	add(t, s, "add_pet", "Add a pet",
		"Adds a new pet to the clinic's records. For clinic staff. Ask for name, species, owner and birth date if they are not known; do not guess them.",
		adds, input(
			need("name", requiredWords(60, "The pet's name.")),
			need("species", choice("The pet's species.", clinic.Species...)),
			need("owner", requiredWords(100, "Name or id of the owner, who must be a customer of the clinic.")),
			need("birth_date", t.date("The day the pet was born.")),
			may("breed", words(60, "Breed, for example Labrador.")),
			sex("Sex; unknown when left out."),
			may("weight_kg", weight("Weight in kilograms.")),
			chip,
			may("notes", words(2000, "Anything the vets should know."))), t.addPet)
	add(t, s, "update_pet", "Change a pet's record",
		"Changes a pet's record: name, breed, sex, weight, microchip or notes. For clinic staff. Give only the fields to change. For a vaccination that was given use record_vaccination.",
		changes, input(
			need("pet", pet()),
			may("name", requiredWords(60, "New name.")),
			may("breed", words(60, "New breed; empty text removes it.")),
			sex("New sex."),
			may("weight_kg", weight("New weight in kilograms.")),
			chip,
			may("notes", words(2000, "New notes, which replace the old ones; empty text removes them."))), t.updatePet)
	add(t, s, "record_vaccination", "Record a vaccination",
		"Notes that a pet was given a vaccine, and tells when the next dose is due. For clinic staff, after the vaccination. To plan a vaccination use book_vet_appointment.",
		adds, input(
			need("pet", pet()),
			need("vaccine", choice("Code of the vaccine: "+strings.Join(list, ", ")+".", codes...)),
			may("date", t.date("The day it was given; today when left out.")),
			may("batch", words(60, "Batch number from the label."))), t.recordVaccination)
}

func (t *tools) addPet(ctx context.Context, who clinic.Actor, in addPetIn) (onePet, string, error) {
	born, err := clinic.ParseDate(in.BirthDate)
	if err != nil {
		return onePet{}, "", err
	}
	p, err := t.clinic.AddPet(ctx, who, in.Owner, clinic.Pet{Name: in.Name, Species: in.Species, BirthDate: born, Breed: in.Breed, Sex: in.Sex,
		WeightKg: in.WeightKg, Microchip: in.Microchip, Notes: in.Notes})
	out := t.petOut(p)
	return onePet{out}, "Added " + describePet(out), err
}

func (t *tools) updatePet(ctx context.Context, who clinic.Actor, in updatePetIn) (changedPet, string, error) {
	p, changed, err := t.clinic.UpdatePet(ctx, who, in.Pet, clinic.PetChange{Name: in.Name, Breed: in.Breed, Sex: in.Sex, WeightKg: in.WeightKg,
		Microchip: in.Microchip, Notes: in.Notes})
	if err != nil {
		return changedPet{}, "", err
	}
	out := t.petOut(p)
	text := "Nothing was different. "
	if len(changed) > 0 {
		text = "Changed " + strings.Join(changed, ", ") + ". "
	}
	return changedPet{out, changed}, text + describePet(out), nil
}

func (t *tools) recordVaccination(ctx context.Context, who clinic.Actor, in recordVaccinationIn) (recordedVaccination, string, error) {
	day, err := parseDate(in.Date)
	if err != nil {
		return recordedVaccination{}, "", err
	}
	p, dose, due, err := t.clinic.RecordVaccination(ctx, who, in.Pet, clinic.Dose{Vaccine: in.Vaccine, Date: day, Batch: in.Batch})
	if err != nil {
		return recordedVaccination{}, "", err
	}
	out := recordedVaccination{petRef{p.ID, p.Name}, dose.Vaccine, due.Vaccine.Name, dose.Date.String(), due.Due.String()}
	return out, fmt.Sprintf("Recorded %s for %s, given on %s. The next dose is due on %s.", out.VaccineName, p.Name, out.Given, out.NextDue), nil
}
