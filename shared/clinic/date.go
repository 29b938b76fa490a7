package clinic

import (
	"fmt"
	"time"
)

// Date is a civil date: a day on the calendar, in no zone. The zero Date is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day on which an instant falls in its location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads YYYY-MM-DD; the error is an *Error with code Invalid.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, refuse(Invalid, "%s is not a date. Write it as YYYY-MM-DD, for example 2027-03-09.", quote(s))
	}
	return DateOf(t), nil
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// String is YYYY-MM-DD, or nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(time.DateOnly)
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// MarshalText writes String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// AddDays is the date n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// AddMonths is the same day of the month n months later, or the last day of that month where it is shorter:
// a year after 29 February is 28 February, not 1 March.
func (d Date) AddMonths(n int) Date {
	first := Date{d.Year, d.Month, 1}.utc().AddDate(0, n, 0)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.utc().Before(e.utc()) }

// After reports whether d is a later day than e.
func (d Date) After(e Date) bool { return e.Before(d) }

// DaysUntil is the number of days from d to e, negative when e is earlier.
func (d Date) DaysUntil(e Date) int { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

// Clock is a time of day in minutes since midnight, by the clock on the clinic's wall.
type Clock int

// ParseClock reads HH:MM, 00:00 to 23:59; the error is an *Error with code Invalid.
func ParseClock(s string) (Clock, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, refuse(Invalid, "%s is not a time of day. Write it as HH:MM with 24 hours, for example 09:30.", quote(s))
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// String is HH:MM.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// MarshalText writes String.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Clock) UnmarshalText(b []byte) (err error) {
	*c, err = ParseClock(string(b))
	return err
}

// at is the instant of a wall-clock time; ok is false where the clocks skip it (daylight saving begins).
// Of an hour that comes twice it is the first.
func at(d Date, c Clock, zone *time.Location) (t time.Time, ok bool) {
	t = time.Date(d.Year, d.Month, d.Day, int(c/60), int(c%60), 0, 0, zone)
	return t, DateOf(t) == d && Clock(t.Hour()*60+t.Minute()) == c
}

// ageOn says in words how old somebody born on d is on a day.
func (d Date) ageOn(day Date) string {
	if day.Before(d) {
		return "not born yet"
	}
	months := (day.Year-d.Year)*12 + int(day.Month-d.Month)
	if d.AddMonths(months).After(day) {
		months--
	}
	switch years := months / 12; {
	case months < 4:
		return plural(d.DaysUntil(day)/7, "week")
	case years == 0:
		return plural(months, "month")
	case years < 2 && months%12 > 0:
		return plural(years, "year") + " " + plural(months%12, "month")
	default:
		return plural(years, "year")
	}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
