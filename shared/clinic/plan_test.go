package clinic_test

import (
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/clinic"
)

func TestVaccinationPlans(t *testing.T) {
	h := open(t, monday) // 2026-11-23
	for _, c := range []struct {
		what, species, born string
		doses               []clinic.Dose
		vaccine, due        string
		status              string
	}{
		{"puppy, nothing yet", "dog", "2026-10-05", nil, "dhpp", "2026-11-30", clinic.DueSoon},
		{"puppy, first dose late: three weeks apart", "dog", "2026-08-01", doses("dhpp", "2026-11-10"), "dhpp", "2026-12-01", clinic.DueSoon},
		{"puppy, first dose on time: by age", "dog", "2026-09-20", doses("dhpp", "2026-11-16"), "dhpp", "2026-12-13", clinic.DueSoon},
		{"grown dog starts: two doses", "dog", "2024-01-10", doses("dhpp", "2026-11-01"), "dhpp", "2026-11-22", clinic.Overdue},
		{"grown dog done: a year", "dog", "2024-01-10", doses("dhpp", "2026-10-01", "2026-10-22"), "dhpp", "2027-10-22", clinic.UpToDate},
		{"grown dog boosted: three years", "dog", "2020-01-10", doses("dhpp", "2021-10-01", "2021-10-22", "2022-10-20"), "dhpp", "2025-10-20", clinic.Overdue},
		{"never vaccinated: overdue since puppyhood", "dog", "2024-01-10", nil, "rabies", "2024-04-17", clinic.Overdue},
		{"rabies once: a year", "dog", "2024-01-10", doses("rabies", "2026-02-28"), "rabies", "2027-02-28", clinic.UpToDate},
		{"given on 29 February", "dog", "2023-01-10", doses("rabies", "2023-06-01", "2024-02-29"), "rabies", "2027-02-28", clinic.UpToDate},
		{"lepto is started at any age with two", "dog", "2020-01-10", doses("leptospirosis", "2026-11-20"), "leptospirosis", "2026-12-11", clinic.DueSoon},
		{"lepto yearly", "dog", "2020-01-10", doses("leptospirosis", "2024-01-01", "2024-01-29", "2025-01-29"), "leptospirosis", "2026-01-29", clinic.Overdue},
		{"kitten", "cat", "2026-09-28", nil, "fvrcp", "2026-11-23", clinic.DueSoon},
		{"kitten yesterday", "cat", "2026-09-27", nil, "fvrcp", "2026-11-22", clinic.Overdue},
		{"cat FeLV every other year", "cat", "2020-01-10", doses("felv", "2024-01-10", "2024-02-10", "2025-02-10"), "felv", "2027-02-10", clinic.UpToDate},
		{"rabbit", "rabbit", "2026-08-20", doses("rhdv2", "2026-11-01"), "rhdv2", "2026-11-22", clinic.Overdue},
		{"rabbit yearly", "rabbit", "2025-01-01", doses("rhdv2", "2025-03-20", "2025-04-15", "2026-01-05"), "rhdv2", "2027-01-05", clinic.UpToDate},
		{"ferret, third of the series", "ferret", "2026-08-25", doses("distemper", "2026-10-20", "2026-11-10"), "distemper", "2026-12-01", clinic.DueSoon},
		{"ferret rabies yearly", "ferret", "2023-01-01", doses("rabies", "2024-12-23", "2025-12-24"), "rabies", "2026-12-24", clinic.UpToDate},
		{"the last day that is soon", "ferret", "2023-01-01", doses("rabies", "2024-12-23", "2025-12-23"), "rabies", "2026-12-23", clinic.DueSoon},
	} {
		t.Run(c.what, func(t *testing.T) {
			p, err := h.AddPet(t.Context(), carol, "user-alice", clinic.Pet{Name: c.what, Species: c.species, BirthDate: day(t, c.born)})
			if err != nil {
				// Alice has had enough pets; the table goes on with the next customer.
				p, err = h.AddPet(t.Context(), carol, "user-erin", clinic.Pet{Name: c.what, Species: c.species, BirthDate: day(t, c.born)})
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range c.doses {
				if _, _, _, err := h.RecordVaccination(t.Context(), carol, p.ID, d); err != nil {
					t.Fatal(err)
				}
			}
			r, err := h.Vaccinations(t.Context(), carol, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range r.Plan {
				if line.Vaccine.Code == c.vaccine {
					if line.Due.String() != c.due || line.Status != c.status {
						t.Errorf("due %s (%s), want %s (%s)", line.Due, line.Status, c.due, c.status)
					}
					return
				}
			}
			t.Errorf("no %s in %+v", c.vaccine, r.Plan)
		})
	}
}

func doses(vaccine string, dates ...string) (list []clinic.Dose) {
	for _, s := range dates {
		d, err := clinic.ParseDate(s)
		if err != nil {
			panic(err)
		}
		list = append(list, clinic.Dose{Vaccine: vaccine, Date: d})
	}
	return list
}

func TestVaccinationRecord(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	r, err := h.Vaccinations(ctx, bob, "fido")
	if err != nil || r.Status != clinic.DueSoon || r.Next.Vaccine.Code != "rabies" || r.Pet.AgeOn(r.AsOf) != "4 years" {
		t.Fatalf("%+v %v", r, err)
	}
	for i := 1; i < len(r.Plan); i++ {
		if r.Plan[i].Due.Before(r.Plan[i-1].Due) {
			t.Errorf("not in order: %+v", r.Plan)
		}
	}
	for what, d := range map[string]clinic.Dose{
		"unknown":          {Vaccine: "flu"},
		"of a cat":         {Vaccine: "fvrcp"},
		"tomorrow":         {Vaccine: "rabies", Date: day(t, "2026-11-24")},
		"before the birth": {Vaccine: "rabies", Date: day(t, "2020-01-01")},
		"batch":            {Vaccine: "rabies", Batch: "a\nb"},
	} {
		if _, _, _, err := h.RecordVaccination(ctx, carol, "fido", d); code(err) != clinic.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	p, d, due, err := h.RecordVaccination(ctx, carol, "fido", clinic.Dose{Vaccine: "rabies", Batch: "RB-1"})
	if err != nil || p.Name != "Fido" || d.Date.String() != "2026-11-23" || due.Due.String() != "2029-11-23" || due.Status != clinic.UpToDate {
		t.Errorf("%v %v %v %v", p, d, due, err)
	}
	_, _, _, err = h.RecordVaccination(ctx, carol, "fido", clinic.Dose{Vaccine: "rabies"})
	wantCode(t, err, clinic.Conflict)
	_, _, _, err = h.RecordVaccination(ctx, bob, "luna", clinic.Dose{Vaccine: "rabies"})
	wantCode(t, err, clinic.NotFound)
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{
		{"2024-02-29", 12, "2025-02-28"}, {"2024-02-29", 48, "2028-02-29"}, {"2026-08-31", 6, "2027-02-28"},
		{"2026-12-31", 2, "2027-02-28"}, {"2026-01-15", -1, "2025-12-15"}, {"2026-03-31", -1, "2026-02-28"},
	} {
		if got := day(t, c.from).AddMonths(c.months).String(); got != c.want {
			t.Errorf("%s and %d months: %s, want %s", c.from, c.months, got, c.want)
		}
	}
	for _, s := range []string{"", "2026-2-3", "2026-02-30", "03/04/2026", "2026-02-03T10:00", "20260203"} {
		if _, err := clinic.ParseDate(s); code(err) != clinic.Invalid {
			t.Errorf("%q is a date? %v", s, err)
		}
	}
	for _, s := range []string{"", "9:30", "24:00", "09:60", "0930", "09:30:00"} {
		if _, err := clinic.ParseClock(s); code(err) != clinic.Invalid {
			t.Errorf("%q is a time? %v", s, err)
		}
	}
	// Both days of the year on which a day has not 24 hours count as one day.
	for _, s := range []string{"2027-03-14", "2026-11-01"} {
		d := day(t, s)
		if d.AddDays(-1).DaysUntil(d.AddDays(1)) != 2 || d.AddDays(1).AddDays(-1) != d {
			t.Errorf("days around %s", s)
		}
	}
	for born, want := range map[string]string{"2026-11-20": "0 weeks", "2026-10-01": "7 weeks", "2026-05-24": "5 months", "2025-07-01": "1 year 4 months", "2025-11-23": "1 year", "2022-11-24": "3 years"} {
		if got := (clinic.Pet{BirthDate: day(t, born)}).AgeOn(day(t, "2026-11-23")); got != want {
			t.Errorf("born %s: %s, want %s", born, got, want)
		}
	}
	if d := clinic.DateOf(time.Date(2026, 11, 23, 23, 59, 0, 0, time.UTC)); d.String() != "2026-11-23" {
		t.Error(d)
	}
}
