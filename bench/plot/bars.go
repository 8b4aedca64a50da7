package plot

// Bar is one value with its spread. A bar that was not measured is left out and
// its place says why.
type Bar struct {
	Value, Low, High float64
	Missing          string // why there is none; "" when there is
}

// Series is the bars of one colour, one for every group.
type Series struct {
	Name string
	Bars []Bar
}

// Bars is a plot of grouped bars over zero, with whiskers from Low to High.
type Bars struct {
	Title, Subtitle, YLabel, XLabel string
	Groups                          []string
	Series                          []Series
}

// SVG draws the plot.
func (p Bars) SVG() []byte {
	var entries []legendEntry
	for i, s := range p.Series {
		entries = append(entries, legendEntry{s.Name, colour(i)})
	}
	c, y := begin(p.Title, p.Subtitle, p.YLabel, entries, 0, p.highest())
	slot := float64(width-marginLeft-marginRight) / float64(max(1, len(p.Groups)))
	for g, name := range p.Groups {
		left := marginLeft + slot*float64(g)
		p.group(c, y, g, left, slot)
		c.text(left+slot/2, y.from+20, name, style{size: 12, fill: ink, anchor: "middle"})
	}
	c.line(marginLeft, y.from, width-marginRight, y.from, ink, 1, false)
	c.xLabel(p.XLabel)
	return c.finish()
}

// group draws the bars of one group, side by side, a sixth of the slot free.
func (p Bars) group(c *canvas, y scale, g int, left, slot float64) {
	w := min(slot*5/6/float64(max(1, len(p.Series))), 60)
	x := left + (slot-w*float64(len(p.Series)))/2
	for i, s := range p.Series {
		if g < len(s.Bars) {
			c.bar(y, s.Bars[g], x+w*float64(i), w, colour(i))
		}
	}
}

// bar draws one bar, its whisker and its value.
func (c *canvas) bar(y scale, b Bar, x, w float64, fill string) {
	middle := x + w/2
	if b.Missing != "" {
		c.text(middle+4, y.from-6, b.Missing, style{size: 10, fill: faint, rotated: true})
		return
	}
	top := y.at(b.Value)
	c.rect(x+1, top, w-2, y.from-top, fill)
	if b.High > b.Low {
		c.line(middle, y.at(b.Low), middle, y.at(b.High), ink, 1, false)
		c.line(middle-3, y.at(b.Low), middle+3, y.at(b.Low), ink, 1, false)
		c.line(middle-3, y.at(b.High), middle+3, y.at(b.High), ink, 1, false)
	}
	size := 11
	if w < 26 {
		size = 9
	}
	c.text(middle, y.at(max(b.Value, b.High))-4, valueLabel(b.Value), style{size: size, fill: ink, anchor: "middle"})
}

// highest is the greatest value drawn, with room for its label.
func (p Bars) highest() float64 {
	var high float64
	for _, s := range p.Series {
		for _, b := range s.Bars {
			high = max(high, b.Value, b.High)
		}
	}
	return high * 1.05
}
