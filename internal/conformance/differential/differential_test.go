package differential

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

var (
	seed  = flag.Uint64("seed", 0, "of the first call; 0: by the clock")
	calls = flag.Int("calls", 10_000, "how many calls; a tenth with -short, a twentieth under the race detector")
)

// parallel is how many plans are carried out at once.
const parallel = 8

func TestMain(m *testing.M) {
	// net/http waits half a second before it hangs up on a client that it has answered early.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

func TestRoutedCallsAreDirectCalls(t *testing.T) {
	t.Parallel()
	first, count := *seed, *calls
	if first == 0 {
		first = uint64(time.Now().Unix()) * 1e6
	}
	switch {
	case raced:
		count /= 20
	case testing.Short():
		count /= 10
	}
	t.Logf("repeat with: go test ./differential -seed %d -calls %d", first, count)
	targets, specs := startTargets(t), specs()
	var next, same atomic.Int64
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(count); n = next.Add(1) {
				if compare(t, newPlan(first+uint64(n)-1, specs), targets) {
					same.Add(1)
				}
			}
		})
	}
	workers.Wait()
	different := count - int(same.Load())
	fmt.Printf("differential %d calls, %d differences\n", count, different) // make conformance shows it
	if different != 0 {
		t.Errorf("%d of %d calls are not the same everywhere", different, count)
	}
}

// compare carries out a plan everywhere and reports whether all targets showed the same.
func compare(t *testing.T, p *plan, targets []*target) bool {
	same := true
	var want *trace
	for _, g := range targets {
		got := carryOut(t.Context(), p, g.transport(t, p.wire), g.mesh == nil)
		if want == nil {
			want = got
			continue
		}
		ignored := []cmp.Option{cmpopts.IgnoreUnexported(exchange{}), cmpopts.EquateEmpty()}
		if g.mesh != nil {
			ignored = append(ignored, cmpopts.IgnoreFields(trace{}, "HTTP"))
		}
		if diff := cmp.Diff(want, got, ignored...); diff != "" {
			t.Errorf("%v\n%s (-) and %s (+) differ:\n%s", p, targets[0].name, g.name, diff)
			same = false
		}
	}
	return same
}

// specs are the methods that handler has.
func specs() []connect.Spec {
	server := connect.NewServer()
	conformancev1connect.RegisterConformanceServiceHandler(server, handler{})
	var all []connect.Spec
	for spec := range server.Specs() {
		if spec.Procedure != conformancev1connect.ConformanceServiceUnimplementedProcedure {
			all = append(all, spec)
		}
	}
	return all
}

// A test of the test: plans are the same for the same seed, and different ones for others.
func TestPlansAreMadeFromTheirSeed(t *testing.T) {
	t.Parallel()
	kinds := make(map[string]int)
	for seed := range uint64(1000) {
		p := newPlan(seed, specs())
		if again := newPlan(seed, specs()); again.String() != p.String() {
			t.Fatalf("seed %d: %v and %v", seed, p, again)
		}
		kinds[p.method()+" "+p.wire.protocol]++
	}
	for kind, count := range kinds {
		if count < 20 {
			t.Errorf("%s: only %d of 1000 calls", kind, count)
		}
	}
	if len(kinds) != 15 {
		t.Errorf("%d kinds of calls: %v", len(kinds), kinds)
	}
}
