package plot

// legendEntry is one sample of colour with its name.
type legendEntry struct {
	name   string
	colour string
}

// glyph is about the width of a letter of the legend's size.
const glyph = 7.2

// legend lays entries out in lines and reports the height it took; with draw
// false it only measures.
func (c *canvas) legend(entries []legendEntry, draw bool) float64 {
	x, y := 16.0, headHeight+14.0
	for _, e := range entries {
		w := 26 + glyph*float64(len([]rune(e.name)))
		if x+w > width-marginRight && x > 16 {
			x, y = 16, y+legendLine
		}
		if draw {
			c.rect(x, y-9, 12, 12, e.colour)
			c.text(x+17, y+1, e.name, style{size: 12, fill: ink})
		}
		x += w
	}
	return y - headHeight + legendLine - 14
}

// begin makes a canvas with head, legend and y axis, and gives the scale of y.
func begin(title, subtitle, yLabel string, entries []legendEntry, low, high float64) (*canvas, scale) {
	top := headHeight + (&canvas{}).legend(entries, false) + 8
	c := newCanvas(int(top)+plotHeight+footHeight, title, subtitle)
	c.legend(entries, true)
	values := ticks(low, high, 5)
	y := scale{low: values[0], high: values[len(values)-1], from: top + plotHeight, to: top}
	for _, v := range values {
		c.line(marginLeft, y.at(v), width-marginRight, y.at(v), grid, 1, false)
		c.text(marginLeft-8, y.at(v)+4, label(v), style{size: 12, fill: faint, anchor: "end"})
	}
	c.text(18, top+plotHeight/2, yLabel, style{size: 12, fill: faint, anchor: "middle", rotated: true})
	return c, y
}

// xLabel writes what the x axis is.
func (c *canvas) xLabel(s string) {
	c.text((marginLeft+width-marginRight)/2, float64(c.height)-12, s, style{size: 12, fill: faint, anchor: "middle"})
}
