// Package plot draws the few kinds of plot that benchmarks need as SVG: grouped
// bars with whiskers, and lines with marks. Plots are values; drawing one twice
// gives the same bytes, so that a plot can be compared and committed. It draws
// nothing interactive and lays out nothing that does not fit.
package plot
