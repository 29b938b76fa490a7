package assistant

import (
	"time"
)

// periodAt reads "next week", "this weekend", "next month", "the rest of the week".
func (c calendar) periodAt(w words, i int) (dateSpan, bool) {
	j := i
	n, which := 0, w.at(j)
	switch which {
	case "next", "following":
		n = 1
		j++
	case "this", "the", "coming":
		j++
	case "last":
		n = -1
		j++
	}
	if w.in(j, "next") && which == "the" { // "the next two weeks"
		if k, at := count(w, j+1); at > j+1 {
			if to, ok := c.add(c.today, k, w.at(at)); ok {
				return dateSpan{from: c.today, to: to.AddDate(0, 0, -1), j: at + 1}, true
			}
		}
		return dateSpan{}, false
	}
	if which == "next" {
		if k, at := count(w, j); at > j {
			if to, ok := c.add(c.today, k, w.at(at)); ok {
				return dateSpan{from: c.today, to: to.AddDate(0, 0, -1), j: at + 1}, true
			}
		}
	}
	switch w.at(j) {
	case "week":
		if which == "the" || j == i {
			return dateSpan{}, false
		}
		from, to := c.inWeek(n, time.Monday), c.inWeek(n, time.Sunday)
		if n == 0 {
			from = c.today
		}
		return dateSpan{from: from, to: to, j: j + 1}, true
	case "weekend":
		return dateSpan{from: c.inWeek(n, time.Saturday), to: c.inWeek(n, time.Sunday), j: j + 1}, true
	case "month":
		if which == "the" || j == i {
			return dateSpan{}, false
		}
		from := time.Date(c.today.Year(), c.today.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		to := from.AddDate(0, 1, -1)
		if n == 0 {
			from = c.today
		}
		return dateSpan{from: from, to: to, j: j + 1}, true
	}
	return dateSpan{}, false
}
