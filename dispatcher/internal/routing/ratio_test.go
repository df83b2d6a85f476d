package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// methods is a view of n methods that three peers serve, and the calls of them.
func methods(tb testing.TB, n int) (*View, []Call) {
	tb.Helper()
	names, calls := make([]string, n), make([]Call, n)
	for i := range names {
		procedure := fmt.Sprintf("shop.v1.Service%d/Method", i)
		names[i], calls[i] = "ns/"+procedure, Call{Namespace: "ns", Procedure: "/" + procedure}
	}
	v := viewOf(tb, nil, peerServing(tb, "b", active, "ns", names...), peerServing(tb, "c", active, "ns", names...), peerServing(tb, "d", active, "ns", names...))
	return v, calls
}

// chooseAndRecord is all that a call does about its choice.
func chooseAndRecord(v *View, c Call, clock endpoint.Clock) {
	now := clock.Now()
	d := Route(v, c, Balance{Turn: rand.Uint64(), Now: now})
	p, e := d.Peer(0), d.Endpoint(0)
	p.Load.Add(1)
	e.Begin(now)
	p.Load.Add(-1)
	e.End(clock.Now(), now, endpoint.Answered, "")
}

func TestChoosingAndRecordingDoNotAllocate(t *testing.T) { // AllocsPerRun forbids parallel tests
	v, calls := methods(t, 3)
	clock := endpoint.NewClock()
	calls[1].Affinity = balance.Affinity("alice")
	for _, c := range calls {
		if n := testing.AllocsPerRun(100, func() { chooseAndRecord(v, c, clock) }); n != 0 {
			t.Errorf("%+v: %v allocations", c, n)
		}
	}
}

// BenchmarkRouteBesideMap compares what a call costs that is routed among three peers and recorded, with finding its procedure
// in a map of as many. They take turns, so that a noisy neighbour disturbs both.
func BenchmarkRouteBesideMap(b *testing.B) {
	const rounds, many = 20, 1000
	v, calls := methods(b, many)
	plain := make(map[string]*Entry, many)
	for procedure, e := range v.Namespaces["ns"].Entries {
		plain[procedure] = e
	}
	clock := endpoint.NewClock()
	routes := func() {
		for _, c := range calls {
			Route(v, c, Balance{Turn: rand.Uint64(), Now: int64(time.Second)})
		}
	}
	recorded := func() {
		for _, c := range calls {
			chooseAndRecord(v, c, clock)
		}
	}
	looks := func() {
		for _, c := range calls {
			if plain[c.Procedure] == nil {
				b.Fatal(c)
			}
		}
	}
	took := func(do func()) float64 {
		began := time.Now()
		for range rounds {
			do()
		}
		return float64(time.Since(began)) / (rounds * many)
	}
	recorded()
	var ratios, both []float64
	for len(ratios) < 9 || b.Loop() {
		look, route := took(looks), took(routes)
		ratios, both = append(ratios, route/look), append(both, took(recorded))
	}
	slices.Sort(ratios)
	slices.Sort(both)
	b.ReportMetric(ratios[len(ratios)/2], "route_vs_map_lookup")
	b.ReportMetric(both[len(both)/2], "ns/choice")
}
