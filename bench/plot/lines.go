package plot

import "strings"

// Point is a place in a plot.
type Point struct{ X, Y float64 }

// Line is points in the order of X, joined.
type Line struct {
	Name   string
	Points []Point
	Dashed bool // for what was not measured but is compared with
	Dots   bool // a dot at every point
}

// Mark is a vertical line with a note, for an event.
type Mark struct {
	X    float64
	Note string
}

// Lines is a plot of lines over zero.
type Lines struct {
	Title, Subtitle, YLabel, XLabel string
	Lines                           []Line
	Marks                           []Mark
	// Whole says that only whole numbers mean anything on the x axis.
	Whole bool
}

// SVG draws the plot.
func (p Lines) SVG() []byte {
	var entries []legendEntry
	for i, l := range p.Lines {
		entries = append(entries, legendEntry{l.Name, colour(i)})
	}
	c, y := begin(p.Title, p.Subtitle, p.YLabel, entries, 0, p.highest())
	x := p.xAxis(c, y.from)
	for i, m := range p.Marks {
		c.line(x.at(m.X), y.from, x.at(m.X), y.to, ink, 1, true)
		// Notes of neighbouring marks stand one below the other.
		c.text(x.at(m.X)+4, y.to+14+float64(i)*15, m.Note, style{size: 12, fill: ink})
	}
	for i, l := range p.Lines {
		c.polyline(l, x, y, colour(i))
	}
	c.xLabel(p.XLabel)
	return c.finish()
}

// xAxis draws the axis from the lowest to the highest X and gives its scale.
func (p Lines) xAxis(c *canvas, bottom float64) scale {
	low, high := p.extent()
	n := 8
	if p.Whole {
		n = max(1, int(high-low))
	}
	values := ticks(low, high, n)
	x := scale{low: values[0], high: values[len(values)-1], from: marginLeft + 20, to: width - marginRight - 20}
	for _, v := range values {
		c.line(x.at(v), bottom, x.at(v), bottom+5, ink, 1, false)
		c.text(x.at(v), bottom+20, label(v), style{size: 12, fill: ink, anchor: "middle"})
	}
	c.line(marginLeft, bottom, width-marginRight, bottom, ink, 1, false)
	return x
}

// polyline draws one line.
func (c *canvas) polyline(l Line, x, y scale, stroke string) {
	var points []string
	for _, p := range l.Points {
		points = append(points, num(x.at(p.X))+","+num(y.at(p.Y)))
	}
	c.WriteString(`<polyline points="` + strings.Join(points, " ") + `" fill="none" stroke="` + stroke + `" stroke-width="2"` + dash(l.Dashed) + "/>\n")
	if !l.Dots {
		return
	}
	for _, p := range l.Points {
		c.dot(x.at(p.X), y.at(p.Y), 4, stroke)
	}
}

func (p Lines) extent() (low, high float64) {
	first := true
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			if first {
				low, high, first = pt.X, pt.X, false
			}
			low, high = min(low, pt.X), max(high, pt.X)
		}
	}
	return low, high
}

func (p Lines) highest() float64 {
	var high float64
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			high = max(high, pt.Y)
		}
	}
	return high * 1.05
}
