package admission

import (
	"math"
	"slices"
	"time"
)

// A window has at least so many samples, and is at least so long. Of more than there is room for, the first count.
const (
	windowSamples = 10
	windowRoom    = 64
	windowLength  = 50 * time.Millisecond
)

// sample is an answered call: how long it took, among how many it began, and how long its caller would have waited.
type sample struct {
	latency, given, began int64
	among                 float64
}

// window is the samples since the last summary.
type window struct {
	samples []sample
	count   int // of those that came
	from    int64
}

// summary is the medians of a window.
type summary struct {
	latency float64 // nanoseconds
	among   float64 // calls
	given   float64 // nanoseconds; infinite if most have no deadline
}

// add adds a sample, and reports whether the window is complete.
func (w *window) add(s sample, now int64) bool {
	if w.count == 0 {
		w.from = now
	}
	if w.samples == nil {
		w.samples = make([]sample, 0, windowRoom) // most methods are never called
	}
	if len(w.samples) < windowRoom {
		w.samples = append(w.samples, s)
	}
	w.count++
	return w.count >= windowSamples && now-w.from >= windowLength.Nanoseconds()
}

// close makes a summary of the samples, and forgets them.
func (w *window) close() summary {
	of := w.samples
	w.samples, w.count = w.samples[:0], 0
	return summary{
		latency: median(of, func(s sample) float64 { return float64(s.latency) }),
		among:   median(of, func(s sample) float64 { return s.among }),
		given: median(of, func(s sample) float64 {
			if s.given == 0 {
				return math.Inf(1)
			}
			return float64(s.given)
		}),
	}
}

func median(of []sample, value func(sample) float64) float64 {
	var memory [windowRoom]float64
	values := memory[:0]
	for _, s := range of {
		values = append(values, value(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// flat tells of two summaries among different numbers of calls that the larger number did not take longer: no queue is
// between them, and something else makes them slow. Numbers that are alike tell nothing.
func flat(a, b summary) bool {
	if a.among > b.among {
		a, b = b, a
	}
	return apart(a, b) && math.Pow(b.latency/a.latency, 4) < b.among/a.among
}

// apart tells that two summaries are among different numbers of calls.
func apart(a, b summary) bool {
	return max(a.among, b.among) > 1.3*min(a.among, b.among)
}
