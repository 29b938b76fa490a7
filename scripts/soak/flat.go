package main

import (
	"slices"
	"time"
)

// trend is how something went on after the warm-up: how much it is in the second and in the last quarter of the time, as medians, and by how much it grows
// in an hour, as the line through all that was seen since has it (least squares).
type trend struct{ early, late, hourly float64 }

func trendOf(seen []sample, of func(sample) float64) trend {
	if len(seen) < 8 {
		return trend{}
	}
	n := len(seen)
	warm := seen[n/4:]
	var sx, sy, sxx, sxy float64
	for _, s := range warm {
		x, y := s.at.Hours(), of(s)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	k := float64(len(warm))
	t := trend{early: median(seen[n/4:n/2], of), late: median(seen[3*n/4:], of)}
	if d := k*sxx - sx*sx; d > 0 {
		t.hourly = (k*sxy - sx*sy) / d
	}
	return t
}

// flat reports whether the last quarter has no more than the second, but for a tenth and some slack.
func (t trend) flat(slack float64) bool { return t.late <= t.early*1.1+slack }

func median(seen []sample, of func(sample) float64) float64 {
	var all []float64
	for _, s := range seen {
		all = append(all, of(s))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// percentile of times, sorted.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
