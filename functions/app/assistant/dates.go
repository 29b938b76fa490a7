package assistant

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A dateSpan is a day or a range of days found in the tokens i to j-1 (j exclusive). Days are midnight UTC: they are calendar
// days of the clinic, not instants. A day without a year or month has two readings, the next one and the last one.
type dateSpan struct {
	i, j     int
	from, to time.Time // to is inclusive; equal to from for one day
	past     time.Time // the latest such day not after today, zero if the day is fixed
	pastTo   time.Time // its end, zero for one day
	open     bool      // "after Tuesday": no end was given
	note     string    // how an ambiguous day was read
	relative int       // "the day before": days to add to a day known from elsewhere
	anchored bool      // relative is meant
}

// calendar reads days relative to today.
type calendar struct {
	today    time.Time
	dayFirst bool // 12/5 is 12 May
}

func newCalendar(now time.Time, zone *time.Location) calendar {
	name := zone.String()
	now = now.In(zone)
	y, m, d := now.Date()
	return calendar{today: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), dayFirst: strings.Contains(name, "/") && !strings.HasPrefix(name, "America/") && !strings.HasPrefix(name, "US/")}
}

var (
	weekdayNames = map[string]time.Weekday{
		"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 0,
		"mondays": 1, "tuesdays": 2, "wednesdays": 3, "thursdays": 4, "fridays": 5, "saturdays": 6, "sundays": 0,
		"mon": 1, "tue": 2, "tues": 2, "wed": 3, "weds": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5, "sat": 6, "sun": 0,
	}
	monthNames = map[string]time.Month{
		"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
		"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
	}
	numberWords = map[string]int{"a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
	// doubtful are abbreviations that are also words: they are days or months only next to something that says so.
	doubtful     = set("may march mar mon wed sat sun fri jan dec")
	isoPattern   = compiled(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	slashPattern = compiled(`^(\d{1,2})([/.])(\d{1,2})(?:[/.](\d{4}|\d{2}))?$`)
	dayPattern   = compiled(`^(\d{1,2})(st|nd|rd|th)?$`)
)

func isCalendarWord(w string) bool {
	_, day := weekdayNames[w]
	_, month := monthNames[w]
	_, number := numberWords[w]
	return day || month || number || w == "weekend" || w == "fortnight" || w == "noon" || w == "midday" || w == "midnight"
}

// words is a view on tokens that answers "" beyond the ends.
type words []token

func (w words) at(i int) string {
	if i < 0 || i >= len(w) {
		return ""
	}
	return w[i].low
}

// in reports whether the word at i is one of the list.
func (w words) in(i int, list ...string) bool {
	for _, l := range list {
		if w.at(i) == l {
			return true
		}
	}
	return false
}

// find marks every day and range in the tokens.
func (c calendar) find(toks []token) []dateSpan {
	w := words(toks)
	var out []dateSpan
	for i := 0; i < len(toks); {
		s, ok := c.rangeAt(w, i)
		if !ok {
			i++
			continue
		}
		s.i = i
		out = append(out, s)
		i = s.j
	}
	return out
}

// rangeAt reads a day, or two days joined by "to", "until" or "and", at token i.
func (c calendar) rangeAt(w words, i int) (dateSpan, bool) {
	start := i
	lead := ""
	if w.in(i, "from", "between", "after", "before", "by", "since", "until", "starting") {
		lead = w.at(i)
		i++
	}
	// "5 to 9 December": the month comes with the second day.
	if n, ok := dayNumber(w.at(i)); ok && lead != "" || ok && w.in(i+1, "to", "until", "till", "through") {
		if w.in(i+1, "to", "until", "till", "through", "and", "-") {
			if s, ok := c.dayAt(w, i+2); ok && s.from.Equal(s.to) && n < s.from.Day() {
				s.from, s.i, s.past = s.from.AddDate(0, 0, n-s.from.Day()), start, time.Time{}
				return s, true
			}
		}
	}
	s, ok := c.dayAt(w, i)
	if !ok {
		return s, false
	}
	s.i = start
	join := w.in(s.j, "to", "until", "till", "through", "or") || lead == "between" && w.in(s.j, "and")
	if join && !s.anchored {
		if e, ok := c.dayAt(w, s.j+1); ok && !e.anchored {
			for e.to.Before(s.from) && !e.past.IsZero() { // "Friday to Monday"
				e.to = e.to.AddDate(0, 0, 7)
			}
			if !e.to.Before(s.from) {
				s.to, s.j, s.past = e.to, e.j, time.Time{}
				return s, true
			}
		}
		// "Monday to 9": no second day. "5 December to 9" is a range within the month.
		if n, ok := dayNumber(w.at(s.j + 1)); ok && n > s.from.Day() && w.in(s.j, "to", "until", "till", "through") && s.past.IsZero() {
			if to := s.from.AddDate(0, 0, n-s.from.Day()); to.Month() == s.from.Month() {
				s.to, s.j = to, s.j+2
				return s, true
			}
		}
	}
	switch lead {
	case "after":
		s.from = s.to.AddDate(0, 0, 1)
		s.to, s.open, s.past = s.from, true, time.Time{}
	case "before":
		if s.to.After(c.today) {
			s.from, s.to, s.past = c.today, s.from.AddDate(0, 0, -1), time.Time{}
		}
	case "starting", "from":
		s.open = s.from.Equal(s.to)
	}
	return s, true
}

// dayAt reads one expression for a day (or a week, weekend or month) at token i.
func (c calendar) dayAt(w words, i int) (dateSpan, bool) {
	for _, rule := range []func(words, int) (dateSpan, bool){c.relativeAt, c.countedAt, c.weekdayAt, c.periodAt, c.monthDayAt, c.numericAt} {
		if s, ok := rule(w, i); ok {
			return s, true
		}
	}
	return dateSpan{}, false
}

func day(d time.Time, j int) (dateSpan, bool) { return dateSpan{from: d, to: d, j: j}, true }

func (c calendar) plus(days int) time.Time { return c.today.AddDate(0, 0, days) }

// relativeAt reads today, tomorrow, yesterday, the day before.
func (c calendar) relativeAt(w words, i int) (dateSpan, bool) {
	j := i
	if w.in(j, "the") {
		j++
	}
	if w.in(j, "day") && w.in(j+1, "after", "before") {
		switch {
		case w.in(j+1, "after") && w.in(j+2, "tomorrow"):
			return day(c.plus(2), j+3)
		case w.in(j+1, "before") && w.in(j+2, "yesterday"):
			return day(c.plus(-2), j+3)
		}
		n := 1
		if w.in(j+1, "before") {
			n = -1
		}
		return dateSpan{j: j + 2, relative: n, anchored: true}, true
	}
	if w.in(j-1, "the") || j > i {
		if w.in(j, "same") && w.in(j+1, "day") {
			return dateSpan{j: j + 2, anchored: true}, true
		}
	}
	switch w.at(i) {
	case "today", "tonight":
		return day(c.today, i+1)
	case "tomorrow":
		return day(c.plus(1), i+1)
	case "yesterday":
		return day(c.plus(-1), i+1)
	case "this":
		if w.in(i+1, "morning", "afternoon", "evening") {
			return day(c.today, i+1)
		}
	case "that":
		if w.in(i+1, "day") {
			return dateSpan{j: i + 2, anchored: true}, true
		}
	}
	return dateSpan{}, false
}

// count reads "3", "three", "a couple of".
func count(w words, i int) (n, j int) {
	if v, err := strconv.Atoi(w.at(i)); err == nil && v >= 0 && v <= 500 {
		return v, i + 1
	}
	j = i
	if w.in(j, "a") && w.in(j+1, "couple") {
		j++
	}
	if v, ok := numberWords[w.at(j)]; ok {
		j++
		if w.in(j, "of") {
			j++
		}
		return v, j
	}
	return 0, i
}

func (c calendar) add(from time.Time, n int, unit string) (time.Time, bool) {
	switch strings.TrimSuffix(unit, "s") {
	case "day":
		return from.AddDate(0, 0, n), true
	case "week":
		return from.AddDate(0, 0, 7*n), true
	case "fortnight":
		return from.AddDate(0, 0, 14*n), true
	case "month":
		to := from.AddDate(0, n, 0)
		if to.Day() != from.Day() { // 31 January and a month is the last of February
			to = to.AddDate(0, 0, -to.Day())
		}
		return to, true
	case "year":
		return from.AddDate(n, 0, 0), true
	}
	return from, false
}

// countedAt reads "in two weeks", "a fortnight from now", "three days ago", "a week from Tuesday".
func (c calendar) countedAt(w words, i int) (dateSpan, bool) {
	j := i
	in := w.in(j, "in", "within")
	if in {
		j++
	}
	n, k := count(w, j)
	if k == j {
		return dateSpan{}, false
	}
	to, ok := c.add(c.today, n, w.at(k))
	if !ok {
		return dateSpan{}, false
	}
	unit := w.at(k)
	k++
	switch {
	case w.in(k, "ago"):
		d, _ := c.add(c.today, -n, unit)
		return day(d, k+1)
	case w.in(k, "from") && w.in(k+1, "now", "today"):
		return day(to, k+2)
	case w.in(k, "from"):
		if s, ok := c.dayAt(w, k+1); ok && !s.anchored {
			d, _ := c.add(s.from, n, unit)
			return day(d, s.j)
		}
	case w.in(k, "before"):
		if unit == "day" || unit == "days" {
			return dateSpan{j: k + 1, relative: -n, anchored: true}, true
		}
	}
	if !in {
		return dateSpan{}, false
	}
	if w.at(i) == "within" {
		return dateSpan{from: c.today, to: to, j: k}, true
	}
	return day(to, k)
}

// weekdayAt reads "Tuesday", "next Tuesday", "Tuesday next week", "Tuesday week". A plain weekday is the first one after today;
// "next" means the one in the next calendar week (weeks begin on Monday), and the reply says so when the two differ.
func (c calendar) weekdayAt(w words, i int) (dateSpan, bool) {
	j := i
	which := ""
	if w.in(j, "next", "this", "coming", "last", "past", "previous") {
		which = w.at(j)
		j++
	}
	if which == "next" && w.in(j, "week") { // "next week Tuesday", "next week on Tuesday"
		k := j + 1
		if w.in(k, "on") {
			k++
		}
		if d, ok := weekdayNames[w.at(k)]; ok {
			return day(c.inWeek(1, d), k+1)
		}
	}
	d, ok := weekdayNames[w.at(j)]
	if !ok {
		return dateSpan{}, false
	}
	if doubtful[w.at(j)] && which == "" && !w[j].upper && !w.in(j-1, "on", "by", "until", "from", "to", "or", "for", "between") {
		return dateSpan{}, false
	}
	name := w[j].text
	j++
	ahead := (int(d) - int(c.today.Weekday()) + 7) % 7
	if ahead == 0 {
		ahead = 7
	}
	soonest, behind := c.plus(ahead), c.plus(ahead-7)
	if behind.Equal(c.today) {
		behind = c.plus(-7)
	}
	switch {
	case which == "last" || which == "past" || which == "previous":
		return day(behind, j)
	case which == "next":
		s, _ := day(c.inWeek(1, d), j)
		if !s.from.Equal(soonest) {
			s.note = fmt.Sprintf("I read “%s %s” as %s, in the week after this one.", w[i].text, name, longDate(s.from))
		}
		return s, true
	case w.in(j, "next") && w.in(j+1, "week"):
		return day(c.inWeek(1, d), j+2)
	case w.in(j, "this") && w.in(j+1, "week"):
		return day(c.inWeek(0, d), j+2)
	case w.in(j, "week"):
		return day(soonest.AddDate(0, 0, 7), j+1)
	}
	s, _ := day(soonest, j)
	s.past = behind
	return s, true
}

// inWeek is the weekday in the calendar week that is n weeks after this one.
func (c calendar) inWeek(n int, d time.Weekday) time.Time {
	monday := c.plus(-((int(c.today.Weekday()) + 6) % 7))
	return monday.AddDate(0, 0, 7*n+(int(d)+6)%7)
}
