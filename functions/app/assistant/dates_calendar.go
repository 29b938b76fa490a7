package assistant

import (
	"fmt"
	"strconv"
	"time"
)

// dayNumber reads "5" or "5th".
func dayNumber(word string) (int, bool) {
	m := dayPattern().FindStringSubmatch(word)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(m[1])
	return n, n >= 1 && n <= 31
}

// year reads a year that stands after a month: "2026".
func year(word string) (int, bool) {
	n, err := strconv.Atoi(word)
	return n, err == nil && len(word) == 4 && n >= 1980 && n <= 2100
}

// exact is a calendar day, or false for 31 February.
func exact(y int, m time.Month, d int) (time.Time, bool) {
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == d && t.Month() == m
}

// yearless gives a day and month both readings: the next one from today on, and the last one.
func (c calendar) yearless(m time.Month, d, j int) (dateSpan, bool) {
	y := c.today.Year()
	var s dateSpan
	for k := y - 8; k <= y+8; k++ { // 29 February may be eight years away
		t, ok := exact(k, m, d)
		if !ok {
			continue
		}
		if !t.After(c.today) {
			s.past = t
		}
		if !t.Before(c.today) && s.from.IsZero() {
			s.from, s.to, s.j = t, t, j
		}
	}
	return s, !s.from.IsZero()
}

// monthDayAt reads "5 December", "December 5th, 2026", "the 5th of December", "the 5th", "in December".
func (c calendar) monthDayAt(w words, i int) (dateSpan, bool) {
	j := i
	the := w.in(j, "the")
	if the {
		j++
	}
	if d, ok := dayNumber(w.at(j)); ok {
		ordinal := len(w.at(j)) > 2 || w.at(j)[len(w.at(j))-1] > '9'
		k := j + 1
		if w.in(k, "of") {
			k++
		}
		if m, ok := monthNames[w.at(k)]; ok {
			return c.withYear(w, m, d, k+1)
		}
		// "on the 5th", "the 12th": a day of a month, not "the 2nd one" and not "the 5th pet".
		if ordinal && (the || w.in(i-1, "on")) && (k >= len(w) || w[j].sep != "" || w.in(j+1, "at", "in", "and", "or", "for", "please", "then", "to", "around", "morning", "afternoon", "evening")) {
			return c.dayOfMonth(d, j+1)
		}
		return dateSpan{}, false
	}
	m, ok := monthNames[w.at(i)]
	if !ok {
		return dateSpan{}, false
	}
	if d, ok := dayNumber(w.at(i + 1)); ok && w[i].sep != "." {
		return c.withYear(w, m, d, i+2)
	}
	if y, ok := year(w.at(i + 1)); ok {
		from, _ := exact(y, m, 1)
		return dateSpan{from: from, to: from.AddDate(0, 1, -1), j: i + 2}, true
	}
	if w.in(i-1, "in", "during", "since", "until", "this", "next", "last") {
		s, _ := c.yearless(m, 1, i+1)
		if m == c.today.Month() {
			s.from = c.today
			s.to, _ = exact(c.today.Year(), m, 1)
		}
		s.to = time.Date(s.to.Year(), m+1, 0, 0, 0, 0, 0, time.UTC)
		if w.in(i-1, "this", "next") {
			s.past = time.Time{}
		}
		if !s.past.IsZero() {
			s.pastTo = s.past.AddDate(0, 1, -1)
		}
		return s, true
	}
	return dateSpan{}, false
}

func (c calendar) withYear(w words, m time.Month, d, j int) (dateSpan, bool) {
	if y, ok := year(w.at(j)); ok {
		t, ok := exact(y, m, d)
		if !ok {
			return dateSpan{}, false
		}
		return day(t, j+1)
	}
	return c.yearless(m, d, j)
}

// dayOfMonth is the next day with this number, and the last one.
func (c calendar) dayOfMonth(d, j int) (dateSpan, bool) {
	var s dateSpan
	first := c.today.AddDate(0, 0, 1-c.today.Day())
	for k := -2; k <= 2; k++ { // the 31st may be two months away
		month := first.AddDate(0, k, 0)
		t, ok := exact(month.Year(), month.Month(), d)
		if !ok {
			continue
		}
		if !t.After(c.today) {
			s.past = t
		}
		if !t.Before(c.today) && s.from.IsZero() {
			s.from, s.to, s.j = t, t, j
		}
	}
	return s, !s.from.IsZero()
}

// numericAt reads 2026-12-05, 12/5, 5.12.2026. Two small numbers are ambiguous: the note says how they were read.
func (c calendar) numericAt(w words, i int) (dateSpan, bool) {
	if m := isoPattern().FindStringSubmatch(w.at(i)); m != nil {
		y, _ := strconv.Atoi(m[1])
		mo, _ := strconv.Atoi(m[2])
		d, _ := strconv.Atoi(m[3])
		t, ok := exact(y, time.Month(mo), d)
		if !ok {
			return dateSpan{}, false
		}
		return day(t, i+1)
	}
	m := slashPattern().FindStringSubmatch(w.at(i))
	if m == nil {
		return dateSpan{}, false
	}
	a, _ := strconv.Atoi(m[1])
	b, _ := strconv.Atoi(m[3])
	if m[2] == "." && m[4] == "" { // 4.5 is a number, not a day
		return dateSpan{}, false
	}
	mo, d := a, b
	if c.dayFirst || m[2] == "." || a > 12 {
		mo, d = b, a
	}
	if mo > 12 && d <= 12 {
		mo, d = d, mo
	}
	if mo < 1 || mo > 12 || d < 1 || d > 31 {
		return dateSpan{}, false
	}
	var s dateSpan
	var ok bool
	if m[4] != "" {
		y, _ := strconv.Atoi(m[4])
		if y < 100 {
			y += 2000
		}
		var t time.Time
		if t, ok = exact(y, time.Month(mo), d); ok {
			s, _ = day(t, i+1)
		}
	} else {
		s, ok = c.yearless(time.Month(mo), d, i+1)
	}
	if ok && a <= 12 && b <= 12 && a != b && m[2] == "/" {
		s.note = fmt.Sprintf("I read “%s” as %d %s.", w[i].text, d, time.Month(mo))
	}
	return s, ok
}

// longDate writes a day as replies do: "Tuesday, 1 December 2026".
func longDate(t time.Time) string { return t.Format("Monday, 2 January 2006") }

// isoDate writes a day as tools take it.
func isoDate(t time.Time) string { return t.Format(time.DateOnly) }
