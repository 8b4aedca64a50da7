package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
)

// Measures of every plot, in pixels.
const (
	width       = 860
	plotHeight  = 300
	marginLeft  = 70
	marginRight = 24
	headHeight  = 56 // title and subtitle
	legendLine  = 22
	footHeight  = 56 // labels of the x axis
)

// Ink of everything but the data.
const (
	ink   = "#1f2328"
	faint = "#59636e"
	grid  = "#d8dee4"
)

// colour gives the i-th of Okabe and Ito's colours, which the colour-blind tell
// apart too. The first stands for pgroute wherever there are rivals.
func colour(i int) string {
	palette := [...]string{"#0072b2", "#999999", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"}
	return palette[i%len(palette)]
}

// canvas collects the elements of an SVG document.
type canvas struct {
	bytes.Buffer
	height int
}

// newCanvas begins a document with title and subtitle.
func newCanvas(height int, title, subtitle string) *canvas {
	c := &canvas{height: height}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">`+"\n",
		width, height, width, height)
	fmt.Fprintf(c, "<title>%s</title>\n", escape(title))
	c.rect(0, 0, width, float64(height), "#ffffff")
	c.text(16, 24, title, style{size: 16, fill: ink, bold: true})
	c.text(16, 44, subtitle, style{size: 12, fill: faint})
	return c
}

// finish ends the document.
func (c *canvas) finish() []byte {
	c.WriteString("</svg>\n")
	return c.Bytes()
}

// style is how a text looks.
type style struct {
	size    int
	fill    string
	anchor  string // start, middle or end
	bold    bool
	rotated bool // reads upwards
}

func (c *canvas) text(x, y float64, s string, st style) {
	fmt.Fprintf(c, `<text x="%s" y="%s" font-size="%d" fill="%s"`, num(x), num(y), st.size, st.fill)
	if st.anchor != "" {
		fmt.Fprintf(c, ` text-anchor="%s"`, st.anchor)
	}
	if st.bold {
		c.WriteString(` font-weight="600"`)
	}
	if st.rotated {
		fmt.Fprintf(c, ` transform="rotate(-90 %s %s)"`, num(x), num(y))
	}
	fmt.Fprintf(c, ">%s</text>\n", escape(s))
}

func (c *canvas) rect(x, y, w, h float64, fill string) {
	fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`+"\n", num(x), num(y), num(w), num(h), fill)
}

func (c *canvas) line(x1, y1, x2, y2 float64, stroke string, strokeWidth float64, dashed bool) {
	fmt.Fprintf(c, `<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s" stroke-width="%s"%s/>`+"\n",
		num(x1), num(y1), num(x2), num(y2), stroke, num(strokeWidth), dash(dashed))
}

func (c *canvas) dot(x, y, r float64, fill string) {
	fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="%s" fill="%s"/>`+"\n", num(x), num(y), num(r), fill)
}

func dash(dashed bool) string {
	if dashed {
		return ` stroke-dasharray="5 4"`
	}
	return ""
}

// num writes a coordinate with a tenth of a pixel, so that the same plot gives
// the same bytes on every machine.
func num(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer does not fail
	return b.String()
}
