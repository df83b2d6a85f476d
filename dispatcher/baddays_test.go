package dispatcher_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// sick is the test service of a collector that may have a bad day.
type sick struct {
	meshtest.EchoService
	asked *atomic.Int64 // calls of Echo
	echo  func(ctx context.Context) error
}

func (s sick) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	s.asked.Add(1)
	if err := s.echo(ctx); err != nil {
		return nil, err
	}
	return s.EchoService.Echo(ctx, req)
}

// sickPair is a collector a, with peers b and c that serve the same. It returns how often each was asked.
func sickPair(t *testing.T, b, c func(ctx context.Context) error, opts ...dispatcher.Option) (a node, askedB, askedC *atomic.Int64) {
	t.Helper()
	a = serve(t, "a", []string{"test"})
	asked := [2]*atomic.Int64{new(atomic.Int64), new(atomic.Int64)}
	for i, echo := range []func(context.Context) error{b, c} {
		id := []string{"b", "c"}[i]
		peer := serve(t, id, []string{"test"}, opts...)
		err := peer.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, sick{meshtest.EchoService(id), asked[i], echo})
		})
		if err != nil {
			t.Fatal(err)
		}
		join(t, a, peer)
	}
	a.waitFor(t, "two peers", func() bool {
		return len(a.Connections().Table().Serving("test", testingv1connect.EchoServiceEchoProcedure)) == 2
	})
	return a, asked[0], asked[1]
}

func well(context.Context) error { return nil }

// callMany makes calls by so many callers at once, and returns how many failed and how long each took.
func callMany(t *testing.T, client testingv1connect.EchoServiceClient, callers, each int) (failed int, took []time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for range callers {
		all.Go(func() {
			for range each {
				began := time.Now()
				_, err := client.Echo(t.Context(), &testingv1.EchoRequest{})
				mu.Lock()
				took = append(took, time.Since(began))
				if err != nil {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return failed, took
}

// F5: a peer that fails at once is avoided after some failures, and shown as that.
func TestBadDay_APeerFailsAtOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []connect.Code{connect.CodeUnavailable, connect.CodeInternal} {
		a, asked, _ := sickPair(t, func(context.Context) error { return connect.NewError(code, "a bad day") }, well)
		failed, took := callMany(t, a.mesh("test"), 4, 1000)
		if share := float64(failed) / float64(len(took)); share > 0.005 || failed != int(asked.Load()) {
			t.Errorf("%s: %d of %d calls failed, b was asked %d times", code, failed, len(took), asked.Load())
		}
	}
}

// What a handler says of its input is no failure of the peer.
func TestBadDay_AVerdictOnTheInputIsNone(t *testing.T) {
	t.Parallel()
	a, asked, _ := sickPair(t, func(context.Context) error { return connect.NewError(connect.CodeNotFound, "no such thing") }, well)
	for range 20 {
		_, _ = a.mesh("test").Echo(targeted(t, "b"), &testingv1.EchoRequest{})
	}
	for _, candidate := range explainEcho(a).GetCandidates() {
		if candidate.GetCollectorId() == "b" && (candidate.GetLatencyNanos() == 0 || strings.Contains(candidate.GetReason(), "ejected")) {
			t.Errorf("b, which said not_found %d times: %v", asked.Load(), candidate)
		}
	}
}

// F4: a peer that becomes slow gets hardly any calls.
func TestBadDay_APeerBecomesSlow(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	a, asked, _ := sickPair(t, func(ctx context.Context) error {
		if slow.Load() {
			select {
			case <-time.After(2 * time.Second):
			case <-ctx.Done():
			}
		}
		return nil
	}, well)
	_, control := callMany(t, a.mesh("test"), 8, 100)
	slow.Store(true)
	callMany(t, a.mesh("test"), 8, 1) // some find out
	before := asked.Load()
	failed, took := callMany(t, a.mesh("test"), 8, 500)
	if share := float64(asked.Load()-before) / float64(len(took)); share > 0.03 || failed > 0 {
		t.Errorf("%.1f %% of the calls went to the slow peer, %d failed", 100*share, failed)
	}
	limit := max(3*control[len(control)*99/100], 100*time.Millisecond) // the machine of a test is a busy one
	if p99 := took[len(took)*99/100]; p99 > limit {
		t.Errorf("p99 is %v, and was %v", p99, control[len(control)*99/100])
	}
}

// An ejected peer is shown wherever peers are.
func TestBadDay_AnEjectedPeerIsShown(t *testing.T) {
	t.Parallel()
	a, _, _ := sickPair(t, func(context.Context) error { return connect.NewError(connect.CodeUnavailable, "a bad day") }, well)
	for range 5 { // as the router would, some time
		_, _ = a.mesh("test").Echo(targeted(t, "b"), &testingv1.EchoRequest{})
	}
	const why = "ejected until "
	for _, candidate := range explainEcho(a).GetCandidates() {
		if id := candidate.GetCollectorId(); id == "b" && (!strings.Contains(candidate.GetReason(), why) || !strings.Contains(candidate.GetReason(), "5 × unavailable") || candidate.GetRank() != 2) {
			t.Errorf("route: %v", candidate)
		}
	}
	status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(status.GetWarnings(), func(w string) bool { return strings.Contains(w, "calls avoid collector b") && strings.Contains(w, why) }) {
		t.Errorf("warnings: %q", status.GetWarnings())
	}
	for _, p := range status.GetPeers() {
		if avoided := strings.Join(p.GetAvoided(), ""); (p.GetCollectorId() == "b") != strings.Contains(avoided, why) {
			t.Errorf("status of %s: %q", p.GetCollectorId(), avoided)
		}
	}
	changes, err := a.status(t).ListConnectionChanges(t.Context(), &meshv1.ListConnectionChangesRequest{PeerCollectorId: "b"})
	if err != nil || len(changes.GetChanges()) == 0 || !strings.Contains(changes.GetChanges()[0].GetConnection().GetCloseReason(), why) {
		t.Errorf("history: %v, %v", changes, err)
	}
}

// targeted is a context for a call that one collector is to run.
func targeted(t *testing.T, target string) context.Context {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("Collective-Target", target)
	return ctx
}
