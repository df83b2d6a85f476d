package balance

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

var tracker = endpoint.NewTracker(nil)

// members are as many peers, of which nothing is known.
func members(weights ...uint32) []Member {
	list := make([]Member, len(weights))
	g := tracker.NewGroup("ns", "x.S")
	for i, weight := range weights {
		id := fmt.Sprint("p", i)
		list[i] = Member{ID: id, Hash: Hash(id), Weight: weight, Load: new(endpoint.Load), Endpoint: g.Endpoint(id)}
	}
	return list
}

func TestTwoDifferentMembersAreDrawn(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, weights := range [][]uint32{{1, 1}, {1, 1, 1}, {5, 1}, {1, 1000, 1, 7}} {
		r := NewPool(members(weights...), "", tracker).ranking(1)
		firsts := make([]float64, len(weights))
		for range 20_000 {
			first, second := r.draw(random.Uint64())
			if first == second || max(first, second) >= len(weights) || min(first, second) < 0 {
				t.Fatalf("of %v are drawn %d and %d", weights, first, second)
			}
			firsts[first] += 1. / 20_000
		}
		all := 0.0
		for _, weight := range weights {
			all += float64(weight)
		}
		for i, weight := range weights {
			if want := float64(weight) / all; firsts[i] < want-0.02 || firsts[i] > want+0.02 {
				t.Errorf("of %v the first is %d with %.3f, want %.3f", weights, i, firsts[i], want)
			}
		}
	}
}

func TestAnUnknownMemberCostsTheMedian(t *testing.T) {
	t.Parallel()
	list := members(1, 1, 1, 1)
	for i, took := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 80 * time.Millisecond} {
		list[i].Endpoint.Begin(1)
		list[i].Endpoint.End(1+int64(took), 1, endpoint.Answered, "")
	}
	r := NewPool(list, "", tracker).ranking(1)
	if got := time.Duration(r.cost(3, 1)); got != 20*time.Millisecond {
		t.Errorf("it costs %v", got)
	}
	if got := time.Duration(NewPool(members(1, 1), "", tracker).ranking(1).cost(0, 1)); got != endpoint.NotableLatency {
		t.Errorf("one that is as unknown as all others costs %v", got)
	}
}

// Whatever the loads are, a call with an affinity finds a member that is not crowded.
func TestSomebodyHasRoom(t *testing.T) {
	t.Parallel()
	list := members(1, 2, 3)
	r := NewPool(list, "", tracker).ranking(1)
	random := rand.New(rand.NewPCG(5, 6))
	for range 10_000 {
		for _, m := range list {
			m.Load.Store(random.Int32N(20))
		}
		i := r.rendezvous(random.Uint64())
		if load := float64(r.members[i].Load.Load()); load >= r.room()*r.share(i) {
			t.Fatalf("%s is chosen with %v calls, and room is %v", r.members[i].ID, load, r.room()*r.share(i))
		}
	}
	if Affinity("") != 0 || Affinity("a") == 0 || Affinity("a") == Affinity("b") {
		t.Error("an empty key is none, and others differ")
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	list := members(1, 1, 1)
	list[0].Zone, list[1].Zone, list[2].Zone = "here", "here", "there"
	list[1].Load.Store(2)
	p := NewPool(list, "here", tracker)
	var drawn, keyed, alone Choice
	p.Choose(&drawn, 0, 1<<63, 1)
	p.Choose(&keyed, 7, 0, 1)
	NewPool(list[1:], "here", tracker).Choose(&alone, 0, 0, 1)
	list[0].Load.Store(9) // too late
	for i, want := range []string{
		`0 here drawn, and costs 1ms where "p1" costs 3ms; 9 under way, 1ms`,
		`1 here drawn, and costs 3ms; 2 under way, 3ms`,
		`2 there in another zone than this collector, which has peers in its own; 0 under way, 1ms`,
	} {
		m, at := drawn.Member(i)
		f := drawn.Figures(i, 1)
		if got := fmt.Sprintf("%d %s %s; %d under way, %v", at, m.Zone, f.Verdict, f.UnderWay, f.Cost); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	if got := keyed.Figures(0, 1).Verdict; got != "preferred by the affinity of the call" {
		t.Error(got)
	}
	if got := alone.Figures(0, 1).Verdict; got != "nobody else is near and can serve" {
		t.Error(got)
	}
}
