package main

import (
	"cmp"
	"slices"
	"time"
)

// sample is what one round of one contender measured.
type sample struct {
	Calls   int           // messages on a stream count as calls
	Bytes   int           // payload bytes that arrived
	Elapsed time.Duration // from the first call to the end of the last
	CPU     time.Duration // user and system time of the process, both ends of the call
	Allocs  int           // heap allocations of the process, both ends and the caller
	Garbage int           // their bytes
	P50     time.Duration // latency of an operation: a call, or a whole stream
	P99     time.Duration
}

// metric reads one figure of a sample.
type metric struct {
	name string // the part of a FIGURE's name that says what was measured
	unit string
	read func(sample) float64
}

// The metrics that figures and ratios are made of.
var (
	cpuPerCall = metric{"cpu", "us", func(s sample) float64 { return micros(s.CPU) / float64(s.Calls) }}
	allocs     = metric{"allocs", "1", func(s sample) float64 { return float64(s.Allocs) / float64(s.Calls) }}
	garbage    = metric{"garbage", "B", func(s sample) float64 { return float64(s.Garbage) / float64(s.Calls) }}
	callRate   = metric{"rps", "1/s", func(s sample) float64 { return float64(s.Calls) / s.Elapsed.Seconds() }}
	byteRate   = metric{"bytes", "MB/s", func(s sample) float64 { return float64(s.Bytes) / 1e6 / s.Elapsed.Seconds() }}
	medianTime = metric{"p50", "us", func(s sample) float64 { return micros(s.P50) }}
	tailTime   = metric{"p99", "us", func(s sample) float64 { return micros(s.P99) }}
)

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// spread is the median of a few values and how far they lie apart.
type spread struct{ median, low, high float64 }

// spreadOf needs at least one value.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{median: middle(sorted), low: sorted[0], high: sorted[len(sorted)-1]}
}

func middle(sorted []float64) float64 {
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// percentile answers the value that the share p (0 to 1) of the sorted values does not exceed.
func percentile[T cmp.Ordered](sorted []T, p float64) T {
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// figures answers the metric of every round.
func figures(samples []sample, m metric) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = m.read(s)
	}
	return values
}

// ratios answers ours ÷ theirs, round by round.
func ratios(ours, theirs []sample, m metric) []float64 {
	values := make([]float64, min(len(ours), len(theirs)))
	for i := range values {
		values[i] = m.read(ours[i]) / m.read(theirs[i])
	}
	return values
}
