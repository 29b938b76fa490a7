package main

import (
	"slices"
	"time"
)

// trend is how something went on after the warm-up: how much it is in the second and in the last quarter of the time, as medians, and by how much it grows
// in an hour, as the line through all that was seen since has it (least squares). The floors are what nine of ten samples are above: what leaks lifts them, and
// a machine that is busy with other things, where more requests wait at once, does not.
type trend struct{ early, late, hourly, earlyFloor, lateFloor float64 }

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
	t := trend{early: quantile(seen[n/4:n/2], of, 50), late: quantile(seen[3*n/4:], of, 50),
		earlyFloor: quantile(seen[n/4:n/2], of, 10), lateFloor: quantile(seen[3*n/4:], of, 10)}
	if d := k*sxx - sx*sx; d > 0 {
		t.hourly = (k*sxy - sx*sy) / d
	}
	return t
}

// flat reports whether the floor of the last quarter is no higher than that of the second, but for a tenth and some slack.
func (t trend) flat(slack float64) bool { return t.lateFloor <= t.earlyFloor*1.1+slack }

func quantile(seen []sample, of func(sample) float64, percent int) float64 {
	var all []float64
	for _, s := range seen {
		all = append(all, of(s))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*percent/100]
}

// percentile of times, sorted.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
