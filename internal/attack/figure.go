package main

import (
	"fmt"
	"strconv"
)

// Figure is what came of an attack.
type Figure struct {
	Name  string // with a suffix after a slash, a part
	Value float64
	Unit  string
	// Busy is why the machine could not tell; empty if it could.
	Busy string
}

func (f Figure) String() string {
	value := strconv.FormatFloat(f.Value, 'f', -1, 64)
	if f.Value != float64(int64(f.Value)) {
		value = strconv.FormatFloat(f.Value, 'f', 3, 64)
	}
	text := fmt.Sprintf("ATTACK %s %s %s", f.Name, value, f.Unit)
	if f.Busy != "" {
		text += " # not judged, the machine is too busy: " + f.Busy
	}
	return text
}

// worst is the figure of an attack with several ways: the largest.
func worst(name, unit string, parts []Figure) []Figure {
	w := Figure{Name: name, Unit: unit}
	for _, p := range parts {
		if w.Value = max(w.Value, p.Value); p.Busy != "" {
			w.Busy = p.Busy
		}
	}
	return append(parts, w)
}

// sum is the figure of an attack with several ways: all of them together.
func sum(name, unit string, parts []Figure) []Figure {
	s := Figure{Name: name, Unit: unit}
	for _, p := range parts {
		s.Value += p.Value
	}
	return append(parts, s)
}
