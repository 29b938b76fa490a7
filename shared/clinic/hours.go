package clinic

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the clinic's zone must be known on machines that carry no zone files, Lambda among them
)

// SlotMinutes is the length of an appointment.
const SlotMinutes = 30

// Vet is somebody who sees pets.
type Vet struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Days []string `json:"days"` // lower-case English names of weekdays
}

// Facts are what clinic.json says about the clinic.
type Facts struct {
	Name string `json:"name"`
	Zone string `json:"zone"`
	// Hours are opening and closing time by weekday ("monday"); a day that is not named is closed.
	Hours map[string][2]Clock `json:"hours"`
	// ClosedDays are days of every year (MM-DD) or one day (YYYY-MM-DD).
	ClosedDays []string             `json:"closed_days"`
	Vets       []Vet                `json:"vets"`
	Plans      map[string][]Vaccine `json:"vaccination_plans"`

	zone *time.Location
}

// LoadFacts reads and checks clinic.json.
func LoadFacts(files fs.FS) (*Facts, error) {
	raw, err := fs.ReadFile(files, "clinic.json")
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	var f Facts
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("clinic: clinic.json: %w", err)
	}
	if f.zone, err = time.LoadLocation(f.Zone); err != nil || f.Zone == "" {
		return nil, fmt.Errorf("clinic: clinic.json: zone %q: %w", f.Zone, err)
	}
	for day, h := range f.Hours {
		if !isWeekday(day) || h[0] >= h[1] {
			return nil, fmt.Errorf("clinic: clinic.json: hours of %q", day)
		}
	}
	for _, v := range f.Vets {
		if v.ID == "" || strings.ContainsAny(v.ID, "/-") || !all(v.Days, isWeekday) {
			return nil, fmt.Errorf("clinic: clinic.json: vet %q", v.ID)
		}
	}
	for species, plan := range f.Plans {
		if !slices.Contains(Species, species) {
			return nil, fmt.Errorf("clinic: clinic.json: plan of %q", species)
		}
		for _, v := range plan {
			if v.Code == "" || v.Name == "" || len(v.PrimaryWeeks) == 0 || v.FirstBoosterMonths < 1 || v.BoosterMonths < 1 ||
				(v.AdultWeeks > 0 && v.AdultDoses < 1) || (len(v.PrimaryWeeks) > 1 && v.IntervalWeeks < 1) {
				return nil, fmt.Errorf("clinic: clinic.json: vaccine %q of %s", v.Code, species)
			}
		}
	}
	if len(f.Vets) == 0 || len(f.Hours) == 0 {
		return nil, fmt.Errorf("clinic: clinic.json: nobody works here")
	}
	return &f, nil
}

func all[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !ok(v) })
}

func weekdayName(d Date) string { return strings.ToLower(d.Weekday().String()) }

func isWeekday(name string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return true
		}
	}
	return false
}

// open returns the opening hours of a day; ok is false when the clinic is closed all day.
func (f *Facts) open(d Date) (from, to Clock, ok bool) {
	s := d.String()
	if slices.Contains(f.ClosedDays, s) || slices.Contains(f.ClosedDays, s[5:]) {
		return 0, 0, false
	}
	h, ok := f.Hours[weekdayName(d)]
	return h[0], h[1], ok
}

// vetsOn lists who works on a day. The first changes from day to day, so that the work is spread.
func (f *Facts) vetsOn(d Date) []Vet {
	var vets []Vet
	for _, v := range f.Vets {
		if slices.Contains(v.Days, weekdayName(d)) {
			vets = append(vets, v)
		}
	}
	if n := len(vets); n > 1 {
		first := ((Date{2000, 1, 1}.DaysUntil(d) % n) + n) % n
		vets = slices.Concat(vets[first:], vets[:first])
	}
	return vets
}

// starts lists the times at which an appointment can begin on a day.
func (f *Facts) starts(d Date) []Clock {
	from, to, ok := f.open(d)
	if !ok {
		return nil
	}
	var list []Clock
	for c := from; c+SlotMinutes <= to; c += SlotMinutes {
		list = append(list, c)
	}
	return list
}

// Vaccines lists every vaccine code with its name, in the order of Species, each once.
func (f *Facts) Vaccines() []Vaccine {
	var list []Vaccine
	for _, species := range Species {
		for _, v := range f.Plans[species] {
			if !slices.ContainsFunc(list, func(w Vaccine) bool { return w.Code == v.Code }) {
				list = append(list, v)
			}
		}
	}
	return list
}
