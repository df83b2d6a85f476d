package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unique"

	"github.com/collectiverpc/collective/access"
)

// asked is the key of a decision: who, what, for what.
type asked struct {
	caller   unique.Handle[string]
	action   access.Action
	resource access.Resource
}

// BenchmarkDecideBesideMap compares decisions that are remembered with look-ups in a plain map whose keys are made of the same
// parts. They take turns: so both have the same machine, whoever else uses it.
func BenchmarkDecideBesideMap(b *testing.B) {
	guard, err := access.New()
	if err != nil {
		b.Fatal(err)
	}
	callers, resources := crowd(b, 10), methods(100)
	plain := make(map[asked]*access.Decision)
	handles := make([]unique.Handle[string], len(callers))
	for i, c := range callers {
		handles[i] = unique.Make(c.Text())
		for _, r := range resources {
			own := access.Resource{Namespace: strings.Clone(r.Namespace), Procedure: strings.Clone(r.Procedure)} // as no request has the strings of the map
			plain[asked{handles[i], access.Call, own}] = guard.Decide(c, access.Call, r)
		}
	}
	decide := func() {
		for _, c := range callers {
			for _, r := range resources {
				if !guard.Decide(c, access.Call, r).Allowed {
					b.Fatal(c, r)
				}
			}
		}
	}
	look := func() {
		for _, h := range handles {
			for _, r := range resources {
				if !plain[asked{h, access.Call, r}].Allowed {
					b.Fatal(h, r)
				}
			}
		}
	}
	authorize := func() {
		for _, c := range callers {
			for _, r := range resources {
				if err := guard.Authorize(b.Context(), c, access.Call, r); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	decide() // so that all is remembered and settled
	decide()
	var ratios, decisions []float64
	for len(ratios) < 9 || b.Loop() {
		took := tookEach(look, decide)
		ratios = append(ratios, float64(took[1])/float64(took[0]))
		decisions = append(decisions, float64(took[1])/float64(len(callers)*len(resources)*rounds))
	}
	b.ReportMetric(median(ratios), "policy_cached")
	b.ReportMetric(median(decisions), "ns/decision")
	b.ReportMetric(testing.AllocsPerRun(10, decide), "decide_allocs")
	b.ReportMetric(testing.AllocsPerRun(10, authorize), "authorize_allocs")
}

// rounds is how often a turn does what it measures: long enough for the clock, short enough for a noisy neighbour.
const rounds = 20

// tookEach is how long each took, taking turns.
func tookEach(do ...func()) []time.Duration {
	took := make([]time.Duration, len(do))
	for range rounds {
		for i, f := range do {
			start := time.Now()
			f()
			took[i] += time.Since(start)
		}
	}
	return took
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func crowd(t testing.TB, n int) []*access.Caller {
	callers := make([]*access.Caller, n)
	for i := range callers {
		p := principal(t, access.KindUser, fmt.Sprintf("user-%d@example.org", i), "developers")
		callers[i] = access.NewCaller(p, access.Origin{Network: access.NetworkRemote, TLS: true, Entrance: "native"})
	}
	return callers
}

func methods(n int) []access.Resource {
	resources := make([]access.Resource, n)
	for i := range resources {
		resources[i] = access.Resource{Namespace: "shop", Procedure: fmt.Sprintf("/shop.v1.OrderService%d/CreateOrder", i)}
	}
	return resources
}
