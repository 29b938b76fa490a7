package clinic

import "slices"

// Species that the clinic treats.
var Species = []string{"dog", "cat", "rabbit", "ferret"}

// Vaccine is one line of a species' vaccination plan, as clinic.json writes it.
type Vaccine struct {
	Code string `json:"code"`
	Name string `json:"name"`
	// Core vaccines are for every animal of the species. Others count once a first dose was given.
	Core bool `json:"core"`
	// PrimaryWeeks are the ages in weeks of the first series.
	PrimaryWeeks []int `json:"primary_weeks"`
	// IntervalWeeks is the shortest time between two doses of the first series.
	IntervalWeeks int `json:"interval_weeks"`
	// AdultWeeks is the age from which a first series needs only AdultDoses. 0: never.
	AdultWeeks int `json:"adult_weeks"`
	AdultDoses int `json:"adult_doses"`
	// FirstBoosterMonths is counted from the last dose of the first series, BoosterMonths from every later dose.
	FirstBoosterMonths int `json:"first_booster_months"`
	BoosterMonths      int `json:"booster_months"`
}

// dueSoonDays is how long before its date a vaccination is called due soon.
const dueSoonDays = 30

// The statuses of a vaccination, and of a pet, whose status is that of its most urgent vaccination.
const (
	UpToDate = "up to date"
	DueSoon  = "due soon"
	Overdue  = "overdue"
	NoPlan   = "no plan"
)

// nextDue is the date of the next dose, given the birth date and the doses given so far in order.
func (v Vaccine) nextDue(birth Date, given []Date) Date {
	n := len(given)
	if n == 0 {
		return birth.AddDays(7 * v.PrimaryWeeks[0])
	}
	last, series := given[n-1], len(v.PrimaryWeeks)
	lateStart := v.AdultWeeks > 0 && birth.DaysUntil(given[0]) >= 7*v.AdultWeeks
	if lateStart {
		series = v.AdultDoses
	}
	switch {
	case n < series:
		due := last.AddDays(7 * v.IntervalWeeks)
		if !lateStart {
			if byAge := birth.AddDays(7 * v.PrimaryWeeks[n]); byAge.After(due) {
				due = byAge
			}
		}
		return due
	case n == series:
		return last.AddMonths(v.FirstBoosterMonths)
	default:
		return last.AddMonths(v.BoosterMonths)
	}
}

func dueStatus(due, today Date) string {
	switch days := today.DaysUntil(due); {
	case days < 0:
		return Overdue
	case days <= dueSoonDays:
		return DueSoon
	default:
		return UpToDate
	}
}

// Due is where a pet stands with one vaccine.
type Due struct {
	Vaccine   Vaccine
	LastGiven Date // zero: never
	Due       Date
	Status    string
}

// schedule applies a species' plan to the doses that one pet was given, the soonest due first.
func schedule(plan []Vaccine, birth, today Date, doses []Dose) []Due {
	var all []Due
	for _, v := range plan {
		var given []Date
		for _, d := range doses {
			if d.Vaccine == v.Code {
				given = append(given, d.Date)
			}
		}
		if !v.Core && len(given) == 0 {
			continue
		}
		slices.SortFunc(given, func(a, b Date) int { return b.DaysUntil(a) })
		line := Due{Vaccine: v, Due: v.nextDue(birth, given)}
		if len(given) > 0 {
			line.LastGiven = given[len(given)-1]
		}
		line.Status = dueStatus(line.Due, today)
		all = append(all, line)
	}
	slices.SortStableFunc(all, func(a, b Due) int { return b.Due.DaysUntil(a.Due) })
	return all
}
