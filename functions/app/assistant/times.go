package assistant

import (
	"fmt"
	"strconv"
	"strings"
)

// A timeSpan is a time of day ("10:00") or a part of the day ("morning") in the tokens i to j-1.
type timeSpan struct {
	i, j  int
	clock string
	part  string
}

var (
	clockPattern = compiled(`^(\d{1,2})(?:[:.h](\d{2}))?(am|pm|a|p|h)?$`)
	parts        = map[string]string{"morning": "morning", "mornings": "morning", "afternoon": "afternoon", "afternoons": "afternoon", "evening": "evening", "evenings": "evening", "tonight": "evening"}
)

// findTimes marks times and parts of the day; tokens inside days (taken) are no times.
func findTimes(toks []token, taken []bool) []timeSpan {
	w := words(toks)
	var out []timeSpan
	for i := 0; i < len(toks); {
		if taken[i] {
			if p := parts[w.at(i)]; p != "" { // tonight
				out = append(out, timeSpan{i: i, j: i + 1, part: p})
			}
			i++
			continue
		}
		s, ok := timeAt(w, i)
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

func timeAt(w words, i int) (timeSpan, bool) {
	j := i
	at := false
	if w.in(j, "at", "around", "about", "by", "from", "for", "until", "till", "before", "after", "@", "to") {
		at = w.at(j) != "to" && w.at(j) != "about"
		j++
	}
	if w.in(j, "in") && w.in(j+1, "the") && parts[w.at(j+2)] != "" {
		return timeSpan{j: j + 3, part: parts[w.at(j+2)]}, true
	}
	if p := parts[w.at(j)]; p != "" && (w.at(j) != "evening" || j > 0) {
		return timeSpan{j: j + 1, part: p}, true
	}
	h, m, k, sure := clockAt(w, j)
	if k == j {
		return timeSpan{}, false
	}
	if !sure && !(at && w.at(i) != "for" && w.at(i) != "from" && w.at(i) != "by") {
		return timeSpan{}, false
	}
	if !sure && (isUnit(w.at(k)) || isDurationUnit(w.at(k))) {
		return timeSpan{}, false
	}
	// "at 8 in the evening", "at 8 tomorrow evening" is settled by the caller's own reading of the part.
	l := k
	if w.in(l, "in") && w.in(l+1, "the") {
		l += 2
	}
	if p := parts[w.at(l)]; p != "" && h < 24 {
		if p != "morning" && h < 12 && h > 0 {
			h += 12
		} else if p == "morning" && h >= 13 {
			h -= 12
		}
		k = l + 1
	}
	return timeSpan{j: k, clock: fmt.Sprintf("%02d:%02d", h, m)}, true
}

// clockAt reads a time at token i and tells whether it can be nothing else. Hours from 1 to 6 without am or pm are in the
// afternoon: the clinic sleeps at night, and the reply names the time that was taken.
func clockAt(w words, i int) (h, m, j int, sure bool) {
	switch w.at(i) {
	case "noon", "midday":
		return 12, 0, i + 1, true
	case "midnight":
		return 0, 0, i + 1, true
	case "half":
		k := i + 1
		if w.in(k, "past") {
			k++
		}
		if hour, ok := hourWord(w.at(k)); ok {
			return daytime(hour), 30, k + 1, true
		}
		return 0, 0, i, false
	case "quarter":
		return pastOrTo(w, i+1, 15, i)
	case "a":
		if w.in(i+1, "quarter") {
			return pastOrTo(w, i+2, 15, i)
		}
	}
	if n, k := minutes(w, i); k > i {
		if h, m, j, sure = pastOrTo(w, k, n, i); j > i {
			return h, m, j, sure
		}
	}
	hour, minute, suffix, ok := clockWord(w.at(i))
	if !ok {
		return 0, 0, i, false
	}
	j = i + 1
	sure = minute >= 0 || suffix != ""
	if suffix == "" {
		switch strings.ReplaceAll(strings.TrimSuffix(w.at(j), "."), ".", "") {
		case "am", "pm":
			suffix = strings.ReplaceAll(strings.TrimSuffix(w.at(j), "."), ".", "")
			j, sure = j+1, true
		case "o'clock", "oclock":
			j, sure = j+1, true
		}
	}
	if minute < 0 {
		minute = 0
	}
	switch {
	case strings.HasPrefix(suffix, "p") && hour < 12:
		hour += 12
	case strings.HasPrefix(suffix, "a") && hour == 12:
		hour = 0
	case suffix == "" && len(w.at(i)) < 5: // "08:30" and "02:00" are written on the 24-hour clock
		hour = daytime(hour)
	}
	return hour, minute, j, sure
}

// clockWord takes "10", "ten", "10:30", "10.30", "10am" apart; minute is -1 when none was written.
func clockWord(word string) (hour, minute int, suffix string, ok bool) {
	if n, known := numberWords[word]; known && len(word) > 2 && word != "couple" {
		return n, -1, "", true
	}
	m := clockPattern().FindStringSubmatch(word)
	if m == nil {
		return 0, 0, "", false
	}
	hour, _ = strconv.Atoi(m[1])
	minute = -1
	if m[2] != "" {
		minute, _ = strconv.Atoi(m[2])
	}
	suffix = m[3]
	if suffix == "h" {
		suffix = ""
		minute = max(minute, 0)
	}
	if suffix != "" && (hour < 1 || hour > 12) || len(suffix) == 1 && minute < 0 {
		return 0, 0, "", false
	}
	return hour, minute, suffix, hour < 24 && minute < 60
}

func hourWord(word string) (int, bool) {
	if n, ok := numberWords[word]; ok && len(word) > 2 && word != "couple" {
		return n, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 1 && n <= 12
}

// minutes reads the number before "past" or "to".
func minutes(w words, i int) (n, j int) {
	if v, err := strconv.Atoi(w.at(i)); err == nil && v > 0 && v < 60 && w.in(i+1, "past") {
		return v, i + 1
	}
	if v, ok := map[string]int{"five": 5, "ten": 10, "twenty": 20}[w.at(i)]; ok && w.in(i+1, "past", "to") {
		return v, i + 1
	}
	return 0, i
}

func pastOrTo(w words, i, minute, start int) (h, m, j int, sure bool) {
	hour, ok := hourWord(w.at(i + 1))
	switch {
	case ok && w.in(i, "past"):
		return daytime(hour), minute, i + 2, true
	case ok && w.in(i, "to"):
		hour = daytime(hour) - 1
		return hour, 60 - minute, i + 2, true
	}
	return 0, 0, start, false
}

func daytime(hour int) int {
	if hour >= 1 && hour <= 6 {
		return hour + 12
	}
	return hour
}

func isDurationUnit(word string) bool {
	switch strings.TrimSuffix(word, "s") {
	case "minute", "min", "hour", "day", "week", "month", "year":
		return true
	}
	return false
}
