package rig

import (
	"fmt"
	"math"
	"strconv"
)

// Figure is what came of a try.
type Figure struct {
	Name  string // with a suffix after a slash, a part
	Value float64
	Unit  string
	// Busy is why the machine could not tell; empty if it could.
	Busy string
}

// Line is the figure in the form `KIND name value unit`, which the Makefile promises.
func (f Figure) Line(kind string) string {
	value := strconv.FormatFloat(f.Value, 'f', -1, 64)
	if f.Value != math.Trunc(f.Value) {
		value = strconv.FormatFloat(f.Value, 'f', 3, 64)
	}
	text := fmt.Sprintf("%s %s %s %s", kind, f.Name, value, f.Unit)
	if f.Busy != "" {
		text += " # not judged, the machine is too busy: " + f.Busy
	}
	return text
}
