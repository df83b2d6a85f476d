package dispatcher_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// What being watched costs: the throughput of calls to a peer while somebody watches everything, divided by that while
// nobody does, in turns so that the machine's moods meet both. The watcher runs here too, so what it spends on reading
// counts as a cost.
func BenchmarkWatched(b *testing.B) {
	const callers, each = 32, 500
	a, _ := pair(b)
	client := a.mesh("test")
	round := func() float64 {
		start := time.Now()
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range each {
					if _, err := client.Echo(b.Context(), &testingv1.EchoRequest{Text: "hello"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		return callers * each / time.Since(start).Seconds()
	}
	round() // warm
	var ratios []float64
	for b.Loop() {
		alone := round()
		leave := a.watch(b)
		ratios = append(ratios, round()/alone)
		leave()
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "watched_vs_unwatched_rps")
	b.ReportMetric(2*callers*each, "calls/op")
}

// watch follows all topics until the caller leaves.
func (n node) watch(b *testing.B) (leave func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(b), "http://"+n.Address)))
	stream, err := client.Watch(ctx, &meshv1.WatchRequest{})
	if err != nil {
		b.Fatal(err)
	}
	if first, err := stream.Receive(); err != nil || first.GetSnapshot() == nil {
		b.Fatalf("the stream begins with %v, %v", first, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := stream.Receive(); err != nil {
				return // left
			}
		}
	}()
	return func() { cancel(); <-done }
}
