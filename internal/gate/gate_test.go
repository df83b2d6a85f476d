package gate_test

import (
	"sync"
	"testing"

	"github.com/collectiverpc/collective/internal/gate"
)

func TestGate(t *testing.T) {
	t.Parallel()
	var g gate.Gate
	for range 2 {
		if !g.Enter() {
			t.Fatal("an open gate refuses")
		}
	}
	g.Leave()
	if first, alone := g.Close(); !first || alone {
		t.Errorf("Close with a user inside = %v, %v", first, alone)
	}
	g.Leave()
	if g.Enter() {
		t.Error("a closed gate lets through")
	}
	if first, alone := g.Close(); first || alone {
		t.Errorf("second Close = %v, %v", first, alone)
	}
	var empty gate.Gate
	if first, alone := empty.Close(); !first || !alone {
		t.Errorf("Close of an empty gate = %v, %v", first, alone)
	}
}

// TestCloseAlone has users come and go while the gate is closed: whoever is told to be alone is.
func TestCloseAlone(t *testing.T) {
	t.Parallel()
	for range 1000 {
		var g gate.Gate
		behind, owned := 0, false
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if g.Enter() {
					_ = behind // the race detector objects if the owner writes meanwhile
					g.Leave()
				}
			})
		}
		all.Go(func() {
			if _, alone := g.Close(); alone {
				behind, owned = 1, true
			}
		})
		all.Wait()
		if owned != (behind == 1) {
			t.Fatal("two owners")
		}
	}
}
