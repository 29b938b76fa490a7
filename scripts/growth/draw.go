package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// table is results.md.
func table(r results) string {
	var s strings.Builder
	last := len(r.Sizes) - 1
	fmt.Fprintf(&s, "# How operations grow\n\nWritten by `go run ./scripts/growth` on %s, commit %s, %s, %d cores. Milliseconds over HTTP, medians;\n"+
		"of each size there were so many pets, users, applications and rows in the audit log.\n\n| Operation |", r.Date, r.Commit, r.Go, r.Cores)
	for _, size := range r.Sizes {
		fmt.Fprintf(&s, " %s |", thousands(size))
	}
	fmt.Fprintf(&s, " Times | Items at %s | Items at %s |\n|---|%s--:|--:|--:|\n", thousands(r.Sizes[0]), thousands(r.Sizes[last]), strings.Repeat("--:|", len(r.Sizes)))
	for _, o := range r.Operations {
		fmt.Fprintf(&s, "| %s |", o.Name)
		for _, ms := range o.Milliseconds {
			fmt.Fprintf(&s, " %.2f |", ms)
		}
		fmt.Fprintf(&s, " %.1f | %s | %s |\n", o.times(last), thousands(o.Items[0]), thousands(o.Items[last]))
	}
	return s.String()
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// The plot, in its own units.
const (
	width, height            = 720, 320
	left, right, top, bottom = 56, 150, 24, 44
)

// plot is growth.svg: a thin line for each operation, and the logarithm for comparison. Its colours suit light and dark pages.
func plot(r results) string {
	last := len(r.Sizes) - 1
	highest := logarithm(r, last)
	for _, o := range r.Operations {
		for i := range r.Sizes {
			highest = math.Max(highest, o.times(i))
		}
	}
	highest = math.Exp2(math.Ceil(math.Log2(highest)))
	const lowest = 0.5
	x := func(i int) float64 {
		from, to := math.Log(float64(r.Sizes[0])), math.Log(float64(r.Sizes[last]))
		return left + (width-left-right)*(math.Log(float64(r.Sizes[i]))-from)/(to-from)
	}
	y := func(times float64) float64 {
		share := math.Log2(math.Max(times, lowest)/lowest) / math.Log2(highest/lowest)
		return height - bottom - (height-top-bottom)*share
	}
	line := func(class string, times func(int) float64, title string) string {
		var points []string
		for i := range r.Sizes {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(times(i))))
		}
		return fmt.Sprintf("<polyline class=%q points=%q><title>%s</title></polyline>\n", class, strings.Join(points, " "), title)
	}

	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Time of each operation among up to %s records, beside that among %d">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.grid { stroke: #8c959f; stroke-opacity: .35; }
polyline { fill: none; stroke-width: 1.2; stroke: #0969da; stroke-opacity: .4; }
polyline.log { stroke: #cf222e; stroke-width: 2; stroke-opacity: 1; stroke-dasharray: 6 4; }
text.log { fill: #cf222e; } text.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) { text { fill: #9198a1; } polyline { stroke: #4493f8; stroke-opacity: .5; } polyline.log { stroke: #f85149; } text.log { fill: #f85149; } text.ours { fill: #4493f8; } }
</style>
`, width, height, thousands(r.Sizes[last]), r.Sizes[0])
	for times := lowest; times <= highest; times *= 2 {
		fmt.Fprintf(&s, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%g×</text>`+"\n", left, width-right, y(times), y(times), left-8, y(times)+4, times)
	}
	for i, size := range r.Sizes {
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(i), height-bottom+20, thousands(size))
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="middle">pets, users, applications and audit rows, each</text>`+"\n", left+(width-left-right)/2, height-6)
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	for _, o := range r.Operations {
		s.WriteString(line("", o.times, text.Replace(o.Name)))
		if o.times(last) > logarithm(r, last) { // the exceptions, by name
			name, _, _ := strings.Cut(o.Name, "=")
			fmt.Fprintf(&s, `<text class="ours" x="%d" y="%.1f">%s</text>`+"\n", width-right+8, y(o.times(last))+4, text.Replace(name))
		}
	}
	s.WriteString(line("log", func(i int) float64 { return logarithm(r, i) }, "log n"))
	fmt.Fprintf(&s, `<text class="log" x="%d" y="%.1f">log n</text>`+"\n", width-right+8, y(logarithm(r, last))+4)
	fmt.Fprintf(&s, `<text class="ours" x="%d" y="%.1f">%d operations</text>`+"\n</svg>\n", width-right+8, y(1)+4, len(r.Operations))
	return s.String()
}

// logarithm is how much more an operation would take in world i if it grew with the logarithm of the size.
func logarithm(r results, i int) float64 {
	return math.Log(float64(r.Sizes[i])) / math.Log(float64(r.Sizes[0]))
}
