package assistant

import (
	"math"
	"strconv"
	"strings"
)

// A number is a quantity in the tokens i to j-1, with its unit where one was said.
type number struct {
	i, j   int
	value  float64
	unit   string   // canonical: kg, g, lb, oz, st, cm, m, in, ft; "" for none
	labels []string // the words after a number without unit: "5 best articles"
}

var (
	numberPattern = compiled(`^(\d{1,9}(?:[.,]\d{1,4})?)(\p{L}*)$`)
	thousands     = compiled(`^\d{1,3}(,\d{3})+(\.\d+)?$`)
	units         = map[string]string{
		"kg": "kg", "kgs": "kg", "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg", "kilogramme": "kg", "kilogrammes": "kg",
		"g": "g", "gram": "g", "grams": "g", "lb": "lb", "lbs": "lb", "pound": "lb", "pounds": "lb", "oz": "oz", "ounce": "oz", "ounces": "oz",
		"st": "st", "stone": "st", "cm": "cm", "centimetre": "cm", "centimetres": "cm", "centimeter": "cm", "centimeters": "cm",
		"inch": "in", "inches": "in", "ft": "ft", "feet": "ft", "foot": "ft", "metre": "m", "metres": "m", "meters": "m",
	}
	// factors give a unit in its family's base: kilograms and centimetres.
	factors = map[string]struct {
		base string
		by   float64
	}{
		"kg": {"kg", 1}, "g": {"kg", 0.001}, "lb": {"kg", 0.45359237}, "oz": {"kg", 0.028349523125}, "st": {"kg", 6.35029318},
		"cm": {"cm", 1}, "m": {"cm", 100}, "in": {"cm", 2.54}, "ft": {"cm", 30.48},
	}
)

func isUnit(word string) bool { return units[word] != "" }

// findNumbers marks quantities outside the days and times already taken.
func findNumbers(toks []token, taken []bool) []number {
	w := words(toks)
	var out []number
	for i := range toks {
		if taken[i] {
			continue
		}
		n, ok := numberAt(w, i)
		if !ok {
			continue
		}
		for k := n.j; k < len(toks) && k < n.j+2 && n.unit == "" && toks[k-1].sep == ""; k++ {
			if len(toks[k].stem) > 3 {
				n.labels = append(n.labels, toks[k].stem)
			}
		}
		out = append(out, n)
	}
	return out
}

func numberAt(w words, i int) (number, bool) {
	word := w.at(i)
	if thousands().MatchString(word) {
		word = strings.ReplaceAll(word, ",", "")
	}
	m := numberPattern().FindStringSubmatch(word)
	if m == nil {
		v, ok := numberWords[word]
		if !ok || len(word) < 3 || !isUnit(w.at(i+1)) {
			return number{}, false
		}
		return number{i: i, j: i + 2, value: float64(v), unit: units[w.at(i+1)]}, true
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", "."), 64)
	if err != nil || m[2] != "" && !isUnit(m[2]) {
		return number{}, false
	}
	if w[i].minus {
		v = -v
	}
	n := number{i: i, j: i + 1, value: v, unit: units[m[2]]}
	if n.unit == "" && isUnit(w.at(i+1)) && w[i].sep == "" {
		n.unit, n.j = units[w.at(i+1)], i+2
	}
	return n, true
}

// in converts the number to a unit, rounded to two decimals; false where the units measure different things. A number
// without a unit is taken as it is.
func (n number) in(unit string) (float64, bool) {
	if n.unit == "" || unit == "" || n.unit == unit {
		return n.value, n.unit == "" || unit != ""
	}
	from, to := factors[n.unit], factors[unit]
	if from.base == "" || from.base != to.base {
		return 0, false
	}
	return math.Round(n.value*from.by/to.by*100) / 100, true
}
