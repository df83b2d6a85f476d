package main

import (
	"context"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/rig"
)

// testLog logs what an attack prints, as it is printed.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// TestAttack runs each attack in a short form and asserts its bound; `make attack` runs them in full.
func TestAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("attacks processes for minutes")
	}
	collector := build(t)
	for _, b := range bounds() {
		if b.Run == nil {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			failed, err := run(t.Context(), testLog{t}, Options{Only: b.Name, Collector: collector, Short: true})
			for _, why := range failed {
				t.Error(why)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// build builds the binary once for all of them.
func build(t *testing.T) string {
	t.Helper()
	path, err := rig.BuildCollector(context.WithoutCancel(t.Context()), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The table judges as it is written.
func TestJudge(t *testing.T) {
	t.Parallel()
	for f, missed := range map[Figure]bool{
		{Name: "stuck_closed", Value: 15}:              false,
		{Name: "stuck_closed", Value: 15.1}:            true,
		{Name: "stuck_closed", Value: 99, Busy: "yes"}: false,
		{Name: "stuck_closed/http1_body", Value: 99}:   false, // a part: the figure follows
		{Name: "takeover_calls", Value: 1}:             true,
		{Name: "poison_start", Value: 0}:               true,
		{Name: "poison_start", Value: 1}:               false,
	} {
		if why := judge(f); (why != "") != missed {
			t.Errorf("%v: %q", f, why)
		}
	}
}
