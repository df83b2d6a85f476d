package admission

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// enter enters in a goroutine, and returns when all wait.
func enter(ctx context.Context, g *Gate, p *Policy) <-chan bool {
	let := make(chan bool, 1)
	go func() {
		_, ok := g.Enter(ctx, p)
		let <- ok
	}()
	synctest.Wait()
	return let
}

// Of a fixed number all run; of those that wait, the newest has the next place, and the others are refused in time.
func TestGate_Fixed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		p := &Policy{Calls: 2, Clock: endpoint.NewClock()}
		var passes []Pass
		for range 2 {
			pass, ok := g.Enter(t.Context(), p)
			if !ok {
				t.Fatal("a call was refused that there is room for")
			}
			passes = append(passes, pass)
		}
		oldest, older, newest := enter(t.Context(), &g, p), enter(t.Context(), &g, p), enter(t.Context(), &g, p)
		if <-oldest {
			t.Error("the oldest of three was let in, of whom two may wait")
		}
		g.Leave(p, passes[0], true)
		if !<-newest {
			t.Error("the newest was not let in")
		}
		began := time.Now()
		if <-older {
			t.Error("a call was let in that there is no room for")
		}
		if waited := time.Since(began); waited != LeastWait {
			t.Errorf("a call waited for %v, want %v", waited, LeastWait)
		}
		if got := g.State(); got != (State{Running: 2, Refused: 2}) {
			t.Errorf("the state is %+v", got)
		}
		g.Leave(p, passes[1], true)
		g.Leave(p, Pass{}, true)
		if got := g.State().Running; got != 0 {
			t.Errorf("%d calls run after all have left", got)
		}
	})
}

// A call whose time would be over before it is answered does not wait, and one that is given up does not either.
func TestGate_WaitsNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		p := &Policy{Calls: 1, Clock: endpoint.NewClock()}
		for range windowSamples {
			pass, _ := g.Enter(t.Context(), p)
			elapse(100 * time.Millisecond)
			g.Leave(p, pass, true)
		}
		_, _ = g.Enter(t.Context(), p)
		began := time.Now()
		short, cancel := context.WithTimeout(t.Context(), 90*time.Millisecond)
		defer cancel()
		if _, ok := g.Enter(short, p); ok || time.Since(began) > 0 {
			t.Errorf("a call with 90 ms was let in (%v), after %v, where calls take 100 ms", ok, time.Since(began))
		}
		given, giveUp := context.WithCancel(t.Context())
		let := enter(given, &g, p)
		giveUp()
		if <-let || time.Since(began) > 0 {
			t.Errorf("a call that was given up was let in, or waited for %v", time.Since(began))
		}
		began = time.Now()
		if _, ok := g.Enter(t.Context(), p); ok || time.Since(began) != 50*time.Millisecond {
			t.Errorf("a call was let in (%v), after %v, want 50 ms", ok, time.Since(began))
		}
		g.Leave(p, Pass{}, true)
	})
}

// Whoever wants no limit has none.
func TestGate_Unlimited(t *testing.T) {
	t.Parallel()
	var g Gate
	p := &Policy{Calls: -1, Clock: endpoint.NewClock()}
	for range 10_000 {
		if _, ok := g.Enter(t.Context(), p); !ok {
			t.Fatal("a call was refused")
		}
	}
}

// BenchmarkGate is what a call costs that meets no limit.
func BenchmarkGate(b *testing.B) {
	p := &Policy{Clock: endpoint.NewClock()}
	b.Run("alone", func(b *testing.B) {
		var g Gate
		ctx := b.Context()
		b.ReportAllocs()
		for b.Loop() {
			pass, _ := g.Enter(ctx, p)
			g.Leave(p, pass, true)
		}
	})
	b.Run("many", func(b *testing.B) {
		var g Gate
		ctx := b.Context()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				pass, _ := g.Enter(ctx, p)
				g.Leave(p, pass, true)
			}
		})
	})
}
