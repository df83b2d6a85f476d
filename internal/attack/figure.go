package main

import "github.com/collectiverpc/collective/internal/rig"

// Figure is what came of an attack.
type Figure = rig.Figure

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
