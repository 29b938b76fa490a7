package assistant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const maxRows = 12

// generic renders a result of unknown shape: "label: value" lines, lists as bullets.
func generic(res object, depth int) string {
	var lines []string
	for _, k := range sortedKeys(res) {
		if strings.Contains(k, "cursor") || res[k] == nil {
			continue
		}
		label := capital(humanise(k))
		switch v := res[k].(type) {
		case object:
			if n := name(v); n != "" && len(v) <= 2 {
				lines = append(lines, label+": "+n)
			} else if depth < 3 && len(v) > 0 {
				lines = append(lines, label+":\n"+generic(v, depth+1))
			}
		case []any:
			lines = append(lines, label+":"+rows(v))
		default:
			if s := scalar(k, v); s != "" {
				lines = append(lines, label+": "+s)
			}
		}
		if len(lines) == 30 {
			break
		}
	}
	return strings.Join(lines, "\n")
}

func rows(list []any) string {
	if len(list) == 0 {
		return " none"
	}
	var sb strings.Builder
	for i, v := range list {
		if i == maxRows {
			sb.WriteString("\n• and more")
			break
		}
		if f, ok := v.(object); ok {
			sb.WriteString("\n• " + summary(f))
		} else {
			sb.WriteString("\n• " + scalar("", v))
		}
	}
	return sb.String()
}

// scalar writes a plain value: dates in words, numbers with the unit of their key, yes and no.
func scalar(key string, v any) string {
	switch v := v.(type) {
	case string:
		s := line(v)
		if d := dateWords(s); d != "" {
			return d
		}
		return bound(s, 300)
	case float64:
		s := decimal(v)
		if i := strings.LastIndexByte(key, '_'); i > 0 && units[key[i+1:]] != "" {
			s += " " + key[i+1:]
		}
		return s
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return ""
}

func decimal(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// summary is one line for a thing: day and time first, then what it is.
func summary(f object) string {
	var head, tail []string
	used := map[string]bool{"id": true, "weekday": true, "uri": true, "score": true, "slug": true}
	take := func(k string) string { used[k] = true; return text(f, k) }
	if d := dateWords(text(f, "date")); d != "" {
		take("date")
		if at := take("time"); at != "" {
			d += " at " + at
		}
		head = append(head, d)
	}
	for _, k := range []string{"title", "text", "name", "vaccine_name"} {
		if s := take(k); s != "" {
			head = append(head, bound(s, 200))
			break
		}
	}
	if s := take("kind"); s != "" {
		tail = append(tail, s)
	}
	if p := name(f["pet"]); p != "" {
		used["pet"] = true
	}
	if p := name(f["pet"]); p != "" && !strings.Contains(strings.Join(head, " "), p) {
		tail = append(tail, "for "+p)
	}
	if s := take("vet"); s != "" {
		tail = append(tail, "with "+s)
	}
	if s := take("duration_minutes"); s == "" {
		used["duration_minutes"] = true
	}
	if s := text(f, "status"); s != "" && s != "booked" {
		tail = append(tail, "("+s+")")
	}
	used["status"] = true
	var rest []string
	for _, k := range sortedKeys(f) {
		if used[k] || f[k] == nil || len(rest) == 5 {
			continue
		}
		if yes, ok := f[k].(bool); ok { // a switch is worth a word only where it is on
			if yes {
				rest = append(rest, humanise(k))
			}
			continue
		}
		if n := name(f[k]); n != "" {
			rest = append(rest, humanise(k)+" "+n)
		} else if s := scalar(k, f[k]); s != "" {
			rest = append(rest, fmt.Sprintf("%s %s", strings.TrimSuffix(humanise(k), unitTail(k)), s))
		}
	}
	s := strings.Join(head, ": ")
	if len(tail) > 0 {
		if s != "" {
			s += ", "
		}
		s += strings.Join(tail, " ")
	}
	if len(rest) > 0 {
		if s != "" {
			s += ", "
		}
		s += strings.Join(rest, ", ")
	}
	return bound(s, 400)
}

// unitTail is what humanise wrote for the unit of a key: the value says it again.
func unitTail(key string) string {
	if i := strings.LastIndexByte(key, '_'); i > 0 && units[key[i+1:]] != "" {
		return " (" + key[i+1:] + ")"
	}
	return ""
}
