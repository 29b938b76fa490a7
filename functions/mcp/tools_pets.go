package mcp

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

type petRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type petOut struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Species   string  `json:"species"`
	Breed     string  `json:"breed"`
	Sex       string  `json:"sex"`
	BirthDate string  `json:"birth_date"`
	Age       string  `json:"age" jsonschema:"in words, for example 4 years"`
	WeightKg  float64 `json:"weight_kg" jsonschema:"0 when it is not known"`
	Microchip string  `json:"microchip"`
	Notes     string  `json:"notes"`
	Owner     petRef  `json:"owner"`
}

func (t *tools) petOut(p clinic.Pet) petOut {
	return petOut{ID: p.ID, Name: p.Name, Species: p.Species, Breed: p.Breed, Sex: p.Sex, BirthDate: p.BirthDate.String(), Age: p.AgeOn(t.clinic.Today()),
		WeightKg: p.WeightKg, Microchip: p.Microchip, Notes: p.Notes, Owner: petRef(p.Owner)}
}

// describePet is one line about a pet.
func describePet(p petOut) string {
	what := p.Species
	if p.Breed != "" {
		what = p.Breed + " (" + p.Species + ")"
	}
	line := fmt.Sprintf("%s: %s, %s, %s", p.Name, what, p.Sex, p.Age)
	if p.WeightKg > 0 {
		line += fmt.Sprintf(", %g kg", p.WeightKg)
	}
	line += fmt.Sprintf(", born %s", p.BirthDate)
	if p.Microchip != "" {
		line += ", microchip " + p.Microchip
	}
	line += fmt.Sprintf(", owner %s, id %s", p.Owner.Name, p.ID)
	if p.Notes != "" {
		line += ". Notes: " + p.Notes
	}
	return line
}

type petIn struct {
	Pet string `json:"pet"`
}

type onePet struct {
	Pet petOut `json:"pet"`
}

type listPetsIn struct {
	Species string `json:"species"`
	Owner   string `json:"owner"`
	Cursor  string `json:"cursor"`
}

type petList struct {
	Pets       []petOut `json:"pets"`
	NextCursor string   `json:"next_cursor" jsonschema:"empty on the last page"`
}

type vaccineOut struct {
	Vaccine     string  `json:"vaccine"`
	VaccineName string  `json:"vaccine_name"`
	LastGiven   *string `json:"last_given" jsonschema:"date, or null when it was never given"`
	NextDue     string  `json:"next_due" jsonschema:"date"`
	Status      string  `json:"status" jsonschema:"up to date, due soon (within 30 days) or overdue"`
}

type nextVaccine struct {
	Vaccine     string `json:"vaccine"`
	VaccineName string `json:"vaccine_name"`
	Due         string `json:"due" jsonschema:"date"`
	Status      string `json:"status"`
	DaysUntil   int    `json:"days_until" jsonschema:"days from today, negative when overdue"`
}

type vaccinationPet struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Species string `json:"species"`
	Breed   string `json:"breed"`
	Age     string `json:"age"`
}

type vaccinationInfo struct {
	Pet          vaccinationPet `json:"pet"`
	Status       string         `json:"status" jsonschema:"up to date, due soon, overdue or no plan"`
	Next         *nextVaccine   `json:"next" jsonschema:"the vaccination that is due first, or null"`
	Vaccinations []vaccineOut   `json:"vaccinations" jsonschema:"every vaccine of the pet's plan, the first due first"`
	AsOf         string         `json:"as_of" jsonschema:"the date on which this was computed"`
}

// addPetReaders adds the tools that look at pets.
func (t *tools) addPetReaders(s *sdk.Server) {
	add(t, s, "get_pet_vaccination_info", "Vaccination status of a pet",
		"Tells which vaccinations a pet has had, which is due next and when, and whether any is overdue. Use it for every question about vaccinations, shots, jabs or boosters of one pet.",
		reads, input(need("pet", pet())), t.vaccinationInfo)
	add(t, s, "list_pets", "List pets",
		"Lists the pets that the user may see: an owner's own pets, for clinic staff all pets. Use it for questions such as \"which pets do I have\" or to find out names. For one pet use get_pet.",
		reads, input(
			may("species", choice("Only pets of this species.", clinic.Species...)),
			may("owner", words(100, "Name or id of an owner, to list only their pets. For clinic staff only; leave out otherwise.")),
			may("cursor", cursor())), t.listPets)
	add(t, s, "get_pet", "Look up a pet",
		"Returns the record of one pet: species, breed, sex, birth date, age, weight, microchip, notes and owner. For vaccinations use get_pet_vaccination_info.",
		reads, input(need("pet", pet())), t.getPet)
}

func (t *tools) vaccinationInfo(ctx context.Context, who clinic.Actor, in petIn) (vaccinationInfo, string, error) {
	r, err := t.clinic.Vaccinations(ctx, who, in.Pet)
	if err != nil {
		return vaccinationInfo{}, "", err
	}
	out := vaccinationInfo{
		Pet:    vaccinationPet{r.Pet.ID, r.Pet.Name, r.Pet.Species, r.Pet.Breed, r.Pet.AgeOn(r.AsOf)},
		Status: r.Status, Vaccinations: []vaccineOut{}, AsOf: r.AsOf.String(),
	}
	text := fmt.Sprintf("%s has no vaccination plan.", r.Pet.Name)
	if n := r.Next; n != nil {
		out.Next = &nextVaccine{n.Vaccine.Code, n.Vaccine.Name, n.Due.String(), n.Status, r.AsOf.DaysUntil(n.Due)}
		text = fmt.Sprintf("%s's next vaccination is %s, due on %s (%s).", r.Pet.Name, n.Vaccine.Name, n.Due, n.Status)
	}
	for _, d := range r.Plan {
		v := vaccineOut{d.Vaccine.Code, d.Vaccine.Name, nil, d.Due.String(), d.Status}
		last := "never given"
		if !d.LastGiven.IsZero() {
			given := d.LastGiven.String()
			v.LastGiven, last = &given, "last given "+given
		}
		out.Vaccinations = append(out.Vaccinations, v)
		text += fmt.Sprintf("\n- %s: %s, next due %s, %s", v.VaccineName, last, v.NextDue, v.Status)
	}
	return out, text, nil
}

func (t *tools) listPets(ctx context.Context, who clinic.Actor, in listPetsIn) (petList, string, error) {
	traceOwn(ctx, who)
	pets, next, err := t.clinic.ListPets(ctx, who, clinic.PetFilter{Species: in.Species, Owner: in.Owner, Cursor: in.Cursor})
	if err != nil {
		return petList{}, "", err
	}
	out := petList{Pets: []petOut{}, NextCursor: next}
	lines := []string{}
	for _, p := range pets {
		out.Pets = append(out.Pets, t.petOut(p))
		lines = append(lines, describePet(t.petOut(p)))
	}
	if next != "" {
		lines = append(lines, "There are more pets; call again with cursor "+next+".")
	}
	if len(lines) == 0 {
		lines = append(lines, "There are no such pets that you can see.")
	}
	return out, strings.Join(lines, "\n"), nil
}

func (t *tools) getPet(ctx context.Context, who clinic.Actor, in petIn) (onePet, string, error) {
	p, err := t.clinic.Pet(ctx, who, in.Pet)
	out := t.petOut(p)
	return onePet{out}, describePet(out), err
}
