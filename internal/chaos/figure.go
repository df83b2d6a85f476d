package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/rig"
)

// Figure is what came of a test.
type Figure = rig.Figure

// count is a number of something.
func count(name string, n int) Figure { return Figure{Name: name, Value: float64(n), Unit: "count"} }

// percent is a share.
func percent(name string, of, all int) Figure {
	return Figure{Name: name, Value: 100 * float64(of) / float64(max(1, all)), Unit: "percent"}
}

// ratio is how many times longer a time is than that of the control.
func ratio(name string, is, control time.Duration) Figure {
	return Figure{Name: name, Value: float64(is) / float64(max(1, control)), Unit: "ratio"}
}

// seconds is a time.
func seconds(name string, d time.Duration) Figure {
	return Figure{Name: name, Value: d.Seconds(), Unit: "s"}
}

// joined makes the figures of a test of those of its parts: counts are added, of the others the worst counts.
func joined(parts []part) []Figure {
	var all []Figure
	var whole []Figure
	at := make(map[string]int)
	for _, p := range parts {
		for _, f := range p.figures {
			name := f.Name
			f.Name += "/" + p.name
			all = append(all, f)
			f.Name = name
			i, known := at[name]
			switch {
			case !known:
				at[name] = len(whole)
				whole = append(whole, f)
			case f.Unit == "count":
				whole[i].Value += f.Value
			default:
				whole[i].Value = max(whole[i].Value, f.Value)
			}
			if known && f.Busy != "" {
				whole[i].Busy = f.Busy
			}
		}
	}
	return append(all, whole...)
}

// part is one kind of a fault.
type part struct {
	name    string
	figures []Figure
}
