package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []float64
		want   spread
	}{
		{"one", []float64{3}, spread{3, 3, 3}},
		{"odd, unsorted", []float64{5, 1, 3}, spread{3, 1, 5}},
		{"even: mean of the middle two", []float64{4, 1, 2, 9}, spread{3, 1, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, spreadOf(tt.values), cmp.AllowUnexported(spread{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPercentileStaysInRange(t *testing.T) {
	t.Parallel()
	sorted := []int{1, 2, 3, 4}
	for p, want := range map[float64]int{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("percentile %v = %d, want %d", p, got, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := sample{Calls: 200, Bytes: 4e6, Elapsed: 2 * time.Second, CPU: 10 * time.Millisecond, P50: 30 * time.Microsecond}
	for m, want := range map[*metric]float64{&cpuPerCall: 50, &callRate: 100, &byteRate: 2, &medianTime: 30} {
		if got := m.read(s); got != want {
			t.Errorf("%s = %v, want %v", m.name, got, want)
		}
	}
}

func TestRatiosCompareRoundByRound(t *testing.T) {
	t.Parallel()
	ours := []sample{{Calls: 1, CPU: 1000}, {Calls: 1, CPU: 6000}}
	theirs := []sample{{Calls: 1, CPU: 4000}, {Calls: 1, CPU: 8000}}
	if diff := cmp.Diff([]float64{0.25, 0.75}, ratios(ours, theirs, cpuPerCall)); diff != "" {
		t.Error(diff)
	}
}
