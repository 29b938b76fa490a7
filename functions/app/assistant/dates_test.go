package assistant

import (
	"strings"
	"testing"
	"time"
)

// TestDays reads days on Monday, 23 November 2026: the span, its reading in the past where that differs, and any note.
func TestDays(t *testing.T) {
	cal := newCalendar(monday(t), monday(t).Location())
	for text, want := range map[string]string{
		"today":                           "2026-11-23",
		"tomorrow":                        "2026-11-24",
		"tmrw":                            "2026-11-24",
		"yesterday":                       "2026-11-22",
		"the day after tomorrow":          "2026-11-25",
		"Tuesday":                         "2026-11-24 past 2026-11-17",
		"on Monday":                       "2026-11-30 past 2026-11-16",
		"this Friday":                     "2026-11-27 past 2026-11-20",
		"next Tuesday":                    "2026-12-01 note",
		"next Monday":                     "2026-11-30",
		"next Sunday":                     "2026-12-06 note",
		"last Friday":                     "2026-11-20",
		"Tuesday next week":               "2026-12-01",
		"next week on Thursday":           "2026-12-03",
		"Tuesday week":                    "2026-12-01",
		"a week from Tuesday":             "2026-12-01",
		"in two weeks":                    "2026-12-07",
		"in 3 days":                       "2026-11-26",
		"in a fortnight":                  "2026-12-07",
		"a month from now":                "2026-12-23",
		"two days ago":                    "2026-11-21",
		"within 10 days":                  "2026-11-23..2026-12-03",
		"next week":                       "2026-11-30..2026-12-06",
		"this week":                       "2026-11-23..2026-11-29",
		"this weekend":                    "2026-11-28..2026-11-29",
		"next month":                      "2026-12-01..2026-12-31",
		"the next two weeks":              "2026-11-23..2026-12-06",
		"in December":                     "2026-12-01..2026-12-31 past 2025-12-01",
		"on the 5th":                      "2026-12-05 past 2026-11-05",
		"on the 31st":                     "2026-12-31 past 2026-10-31",
		"5 December":                      "2026-12-05 past 2025-12-05",
		"December 5th":                    "2026-12-05 past 2025-12-05",
		"the 5th of December 2027":        "2027-12-05",
		"Dec 5, 2026":                     "2026-12-05",
		"29 February":                     "2028-02-29 past 2024-02-29",
		"12/5":                            "2026-12-05 past 2025-12-05 note",
		"25/12":                           "2026-12-25 past 2025-12-25",
		"12/25":                           "2026-12-25 past 2025-12-25",
		"12/5/2027":                       "2027-12-05 note",
		"5.12.2026":                       "2026-12-05",
		"2026-12-05":                      "2026-12-05",
		"2026-02-31":                      "",
		"31/31":                           "",
		"from 5 to 9 December":            "2026-12-05..2026-12-09",
		"5 December to 9 December":        "2026-12-05..2026-12-09",
		"between Monday and Wednesday":    "2026-11-30..2026-12-02",
		"from Friday to Monday":           "2026-11-27..2026-11-30",
		"Tuesday or Thursday":             "2026-11-24..2026-11-26",
		"before Friday":                   "2026-11-23..2026-11-26",
		"after Wednesday":                 "2026-11-26..",
		"he sat in the sun and may march": "",
		"Tell me about March":             "",
		"the second one":                  "",
		"weighs 4.5 kg":                   "",
	} {
		var got []string
		for _, s := range cal.find(tokenize(clean(text))) {
			x := isoDate(s.from)
			switch {
			case s.open:
				x += ".."
			case !s.from.Equal(s.to):
				x += ".." + isoDate(s.to)
			}
			if !s.past.IsZero() {
				x += " past " + isoDate(s.past)
			}
			if s.note != "" {
				x += " note"
			}
			got = append(got, x)
		}
		if g := strings.Join(got, "; "); g != want {
			t.Errorf("%q: got %q, want %q", text, g, want)
		}
	}
}

// TestNextWeekday holds on every day of the week: "next" is the week after this one, said on the day itself too.
func TestNextWeekday(t *testing.T) {
	for d := range 7 {
		now := monday(t).AddDate(0, 0, d)
		s := newCalendar(now, now.Location()).find(tokenize("next Wednesday"))
		if want := "2026-12-02"; len(s) != 1 || isoDate(s[0].from) != want {
			t.Errorf("on %s: %+v, want %s", now.Weekday(), s, want)
		}
		s = newCalendar(now, now.Location()).find(tokenize("on Wednesday"))
		want := "2026-11-25"
		if d >= 2 {
			want = "2026-12-02"
		}
		if len(s) != 1 || isoDate(s[0].from) != want {
			t.Errorf("“on Wednesday” on %s: %+v, want %s", now.Weekday(), s, want)
		}
	}
}

// TestDayFirst reads 12/5 the other way round where people write the day first.
func TestDayFirst(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	s := newCalendar(monday(t), zone).find(tokenize("12/5"))
	if len(s) != 1 || isoDate(s[0].from) != "2027-05-12" || !strings.Contains(s[0].note, "12 May") {
		t.Errorf("%+v", s)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"at 10": "10:00", "at ten": "10:00", "at 3": "15:00", "10am": "10:00", "10 am": "10:00", "10 a.m.": "10:00", "5 p.m.": "17:00", "3pm": "15:00", "12 am": "00:00", "12pm": "12:00",
		"at 10:30": "10:30", "10.30 am": "10:30", "14:05": "14:05", "02:00": "02:00", "at 2:30": "14:30", "half past three": "15:30", "half past 9": "09:30", "quarter to nine": "08:45",
		"a quarter past ten": "10:15", "ten past nine": "09:10", "20 past 8": "08:20", "noon": "12:00", "midday": "12:00", "midnight": "00:00", "10 o'clock": "10:00", "8 in the evening": "", "at 8 in the evening": "20:00",
		"in the morning": "morning", "morning": "morning", "around 4 in the afternoon": "16:00", "tonight": "evening", "at 30 kg": "", "10": "", "25:00": "", "for 10 minutes": "", "at 10 kg": "",
	} {
		toks := tokenize(clean(text))
		var got []string
		for _, s := range findTimes(toks, make([]bool, len(toks))) {
			got = append(got, s.clock+s.part)
		}
		if want == "" && text == "8 in the evening" {
			want = "evening" // an hour alone is no time without "at"
		}
		if g := strings.Join(got, "; "); g != want {
			t.Errorf("%q: got %q, want %q", text, g, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]float64{"30 kg": 30, "30kg": 30, "66 lb": 29.94, "66 pounds": 29.94, "4,5 kg": 4.5, "4.5 kilos": 4.5, "500 g": 0.5, "two kg": 2, "1,000 g": 1, "2 stone": 12.7} {
		toks := tokenize(text)
		n := findNumbers(toks, make([]bool, len(toks)))
		if len(n) != 1 {
			t.Errorf("%q: %+v", text, n)
			continue
		}
		if v, ok := n[0].in("kg"); !ok || v != want {
			t.Errorf("%q: %v %v, want %v kg", text, v, ok, want)
		}
	}
	if v, ok := (number{value: 3, unit: "cm"}).in("kg"); ok {
		t.Errorf("3 cm are %v kg", v)
	}
}
