package routing

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

const get = "ns/x.S/Get"

// serving is a view of collector a with peers b, c, d … that serve the same method.
func serving(t testing.TB, n int, changed ...func(i int, p *Peer)) *View {
	t.Helper()
	peers := make([]*Peer, n)
	for i := range peers {
		peers[i] = peerServing(t, fmt.Sprintf("p%02d", i), active, "ns", get)
		for _, change := range changed {
			change(i, peers[i])
		}
	}
	return Join(Inputs{Self: "a", Zone: "here", Namespaces: []string{"ns"}, Local: localOf(t), Peers: peers})
}

// answered has a peer answer one call that took a time.
func answered(v *View, id string, took time.Duration, outcome endpoint.Outcome) {
	at(v, id).Begin(1)
	at(v, id).End(1+int64(took), 1, outcome, "failed")
}

func chosen(v *View, c Call, b Balance) string {
	c.Namespace, c.Procedure = "ns", "/x.S/Get"
	d := Route(v, c, b)
	return d.Chosen("a")
}

func TestRouteDrawsTwoDifferentPeersAndTakesTheCheaper(t *testing.T) {
	t.Parallel()
	v := serving(t, 3)
	for id, load := range map[string]int32{"p00": 5, "p01": 1, "p02": 9} {
		v.Peers[id].Load.Store(load)
	}
	for _, tt := range []struct {
		first, second int
		want          string
	}{
		{0, 1, "p01 p02 p00"}, {1, 0, "p01 p02 p00"}, {0, 2, "p00 p01 p02"},
		{2, 0, "p00 p01 p02"}, {1, 2, "p01 p02 p00"}, {2, 1, "p01 p02 p00"},
	} {
		d := Route(v, Call{Namespace: "ns", Procedure: "/x.S/Get"}, Balance{Turn: turn(tt.first, tt.second, 3), Now: 1})
		if got := string(told(d)); got != tt.want {
			t.Errorf("of peers %d and %d: %s, want %s", tt.first, tt.second, got, tt.want)
		}
	}
}

// What makes a call cost more, each alone, on one of two peers.
func TestRouteAvoidsWhatCostsMore(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	for _, tt := range []struct {
		name string
		make func(v *View)
		now  int64
		want string
	}{
		{"a slow answer", func(v *View) { answered(v, "p00", time.Second, endpoint.Answered) }, second, "p01"},
		{"a quick failure", func(v *View) { answered(v, "p00", time.Microsecond, endpoint.Failed) }, 2, "p01"},
		{"a quick refusal", func(v *View) { answered(v, "p00", time.Microsecond, endpoint.Refused) }, 2, "p01"},
		{"a stream that failed", func(v *View) { at(v, "p00").Note(1, endpoint.Failed, "failed") }, 2, "p01"},
		{"a deadline that passed", func(v *View) { answered(v, "p00", time.Second, endpoint.Late) }, second, "p01"},
		{"a call that nobody waited for any longer", func(v *View) { answered(v, "p00", time.Second, endpoint.Abandoned) }, second, "p01"},
		{"a call that waits for longer than others took", func(v *View) {
			answered(v, "p00", time.Millisecond, endpoint.Answered)
			answered(v, "p01", 5*time.Millisecond, endpoint.Answered)
			at(v, "p00").Begin(2)
		}, second / 10, "p01"},
		{"load", func(v *View) { v.Peers["p00"].Load.Store(3) }, 1, "p01"},
	} {
		for drawn := range 2 {
			v := serving(t, 2)
			answered(v, "p01", 2*time.Millisecond, endpoint.Answered)
			tt.make(v)
			if got := chosen(v, Call{}, Balance{Turn: turn(drawn, 1-drawn, 2), Now: tt.now}); got != tt.want {
				t.Errorf("%s: %s is chosen, want %s", tt.name, got, tt.want)
			}
		}
	}
}

func TestRouteLoadsByWeight(t *testing.T) {
	t.Parallel()
	v := serving(t, 2, func(i int, p *Peer) { p.Weight = uint32(100 - 75*i) })
	v.Peers["p00"].Load.Store(8)
	v.Peers["p01"].Load.Store(4)
	for drawn := range 2 {
		if got := chosen(v, Call{}, Balance{Turn: turn(drawn, 1-drawn, 2), Now: 1}); got != "p00" {
			t.Errorf("%s is chosen, which has half the calls and a quarter of the weight", got)
		}
	}
}

// A peer of which nothing is known is neither avoided nor preferred.
func TestRouteTakesAnUnknownPeerForTheMedian(t *testing.T) {
	t.Parallel()
	v := serving(t, 4)
	for i, took := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 80 * time.Millisecond} {
		answered(v, fmt.Sprintf("p%02d", i), took, endpoint.Answered)
	}
	if got := chosen(v, Call{}, Balance{Turn: turn(3, 0, 4), Now: int64(90 * time.Millisecond)}); got != "p00" {
		t.Errorf("%s is chosen, not the quicker one", got)
	}
	if got := chosen(v, Call{}, Balance{Turn: turn(2, 3, 4), Now: int64(90 * time.Millisecond)}); got != "p03" {
		t.Errorf("%s is chosen, not the unknown one", got)
	}
}

func share(v *View, calls int, c func(i int) Call) map[string]float64 {
	random := rand.New(rand.NewPCG(3, 4))
	shares := make(map[string]float64)
	for i := range calls {
		shares[chosen(v, c(i), Balance{Turn: random.Uint64(), Now: 1})] += 1 / float64(calls)
	}
	return shares
}

func anyCall(int) Call { return Call{} }

func TestRouteStaysInTheZone(t *testing.T) {
	t.Parallel()
	v := serving(t, 6, func(i int, p *Peer) { p.Zone = []string{"here", "there", ""}[i%3] })
	got := share(v, 1000, anyCall)
	if len(got) != 2 || got["p00"] < 0.4 || got["p03"] < 0.4 {
		t.Errorf("calls go to %v, want the two of the zone", got)
	}
	d := Route(v, Call{Namespace: "ns", Procedure: "/x.S/Get"}, Balance{Turn: turn(0, 1, 2), Now: 1})
	if got := string(told(d)); got != "p00 p03 p01 p02 p04 p05" {
		t.Errorf("tried in the order %s", got)
	}
	if got := share(serving(t, 3, func(_ int, p *Peer) { p.Zone = "there" }), 1000, anyCall); len(got) != 3 {
		t.Errorf("with nobody in the zone, calls go to %v", got)
	}
}

func TestRouteSpreadsByWeight(t *testing.T) {
	t.Parallel()
	weights := []uint32{300, 100, 0, 100} // 0 is the default of 100
	got := share(serving(t, 4, func(i int, p *Peer) { p.Weight = weights[i] }), 30_000, anyCall)
	for i, want := range []float64{0.5, 1. / 6, 1. / 6, 1. / 6} {
		if id := fmt.Sprintf("p%02d", i); got[id] < want-0.02 || got[id] > want+0.02 {
			t.Errorf("%s gets %.3f of the calls, want %.3f", id, got[id], want)
		}
	}
}

func TestRouteKeepsAffinity(t *testing.T) {
	t.Parallel()
	const keys = 2000
	keyed := func(i int) Call { return Call{Affinity: balance.Affinity(fmt.Sprint("user-", i))} }
	before, after := serving(t, 5), serving(t, 4)
	moved := 0
	for i := range keys {
		first := chosen(before, keyed(i), Balance{Turn: 1, Now: 1})
		if again := chosen(before, keyed(i), Balance{Turn: 1 << 63, Now: 1}); again != first {
			t.Fatalf("key %d goes to %s and to %s", i, first, again)
		}
		if chosen(after, keyed(i), Balance{Now: 1}) != first {
			moved++
			if first != "p04" {
				t.Errorf("key %d leaves %s, which is still there", i, first)
			}
		}
	}
	for id, of := range share(before, keys, keyed) {
		if of < 0.15 || of > 0.25 {
			t.Errorf("%s gets %.3f of the keys, want a fifth", id, of)
		}
	}
	if moved < keys/7 || moved > keys/4 {
		t.Errorf("%d of %d keys moved when one of five peers left", moved, keys)
	}
	// bounded load: a key whose peer is crowded goes to the next
	c := keyed(1)
	first := chosen(before, c, Balance{Now: 1})
	for range 40 {
		before.Peers[chosen(before, c, Balance{Now: 1})].Load.Add(1)
	}
	for id, p := range before.Peers {
		if load := p.Load.Load(); load > 11 {
			t.Errorf("%s has %d of 40 calls", id, load)
		}
	}
	if before.Peers[first].Load.Load() < 8 {
		t.Errorf("the preferred peer has %d of 40 calls", before.Peers[first].Load.Load())
	}
}

// What is known of peers outlives the view, also while there is only one of them.
func TestEndpointsOutliveTheView(t *testing.T) {
	t.Parallel()
	peers := []*Peer{peerServing(t, "b", active, "ns", get), peerServing(t, "c", active, "ns", get)}
	join := func(before *View, peers ...*Peer) *View {
		return Join(Inputs{Self: "a", Namespaces: []string{"ns"}, Local: localOf(t), Peers: peers, Before: before})
	}
	v := join(nil, peers...)
	answered(v, "b", time.Second, endpoint.Answered)
	away := *peers[0]
	away.Routable = false
	v = join(join(v, &away, peers[1]), peers...)
	if at(v, "b").Latency(1) < float64(time.Second/2) {
		t.Error("nothing is known of a peer that was away for a moment")
	}
	v = join(v, peers[1])
	if v = join(v, peers...); at(v, "b").Latency(1) != 0 {
		t.Error("a peer that was forgotten is known")
	}
}
