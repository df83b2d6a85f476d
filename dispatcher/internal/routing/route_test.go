package routing

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

const (
	active = collector.ConnectionState_CONNECTION_STATE_ACTIVE
	idle   = collector.ConnectionState_CONNECTION_STATE_IDLE
	stale  = collector.ConnectionState_CONNECTION_STATE_STALE
	closed = collector.ConnectionState_CONNECTION_STATE_CLOSED
)

// peerServing is a peer that shares the namespaces of the methods it serves. A method is written
// "namespace/Service/Method", with "!" in front for one that streams.
func peerServing(t testing.TB, id string, state collector.ConnectionState, shared string, methods ...string) *Peer {
	t.Helper()
	catalog := new(meshv1.Catalog)
	for _, m := range methods {
		text, streams := strings.CutPrefix(m, "!")
		namespace, procedure, _ := strings.Cut(text, "/")
		catalog.Methods = append(catalog.Methods, &meshv1.CatalogMethod{
			Namespace: namespace, Procedure: "/" + procedure, InputType: "x.In", OutputType: "x.Out", ServerStreaming: streams,
		})
	}
	c, err := conn.NewCatalog(catalog)
	if err != nil {
		t.Fatal(err)
	}
	p := peerIn(id, state, shared)
	p.Catalog = c
	if !p.Routable {
		p.Reason = "EOF"
	}
	return p
}

// silentPeer is a peer that this run has not heard yet.
func silentPeer(id string, state collector.ConnectionState, shared string) *Peer {
	p := peerIn(id, state, shared)
	p.Reason, p.Silent, p.Routable = "restarted", state != closed, false
	return p
}

// awayPeer is a peer with a link that served methods in an earlier run, or until it began to stop. One that has not been
// heard since may serve any.
func awayPeer(t testing.TB, id string, silent bool, methods ...string) *Peer {
	t.Helper()
	p := peerServing(t, id, active, "ns", methods...)
	p.Routable, p.Silent, p.Reason = false, silent, "it is elsewhere"
	return p
}

func seedPeer(id string, state collector.ConnectionState, shared string) *Peer {
	p := peerIn(id, state, shared)
	p.Seed = true
	return p
}

// peerIn is a peer without a catalog, which can be called while its connection is active or idle.
func peerIn(id string, state collector.ConnectionState, shared string) *Peer {
	return &Peer{
		ID: id, Address: "127.0.0.1:1", State: state, Condition: conn.StateName(state), Shared: words(shared),
		Routable: state == active || state == idle,
	}
}

func words(s string) []string { return slices.Sorted(slices.Values(strings.Fields(s))) }

// viewOf is a view of collector "a" in namespaces ns and other, with local methods written as for peerServing.
func viewOf(t testing.TB, local []string, peers ...*Peer) *View {
	t.Helper()
	return Join(Inputs{Self: "a", Namespaces: []string{"ns", "other"}, Local: localOf(t, local...), Peers: peers})
}

func localOf(t testing.TB, local ...string) *hosted.Snapshot {
	t.Helper()
	spaces := make(map[string]map[string]*hosted.Method)
	for _, text := range local {
		namespace, procedure, _ := strings.Cut(text, "/")
		m, err := hosted.NewMethod(namespace, connect.Spec{Procedure: "/" + procedure}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if spaces[namespace] == nil {
			spaces[namespace] = make(map[string]*hosted.Method)
		}
		spaces[namespace][m.Spec.Procedure] = m
	}
	return hosted.NewSnapshot(1, spaces)
}

// still is a balance whose turn is the first.
var still = Balance{Now: 1}

// turn draws two peers by the first numbers of a view of n equal ones.
func turn(first, second, n int) uint64 {
	if second > first {
		second--
	}
	part := func(i, of int) uint64 { return (uint64(i)<<32 + 1<<31) / uint64(of) }
	return part(first, n)<<32 | part(second, n-1)
}

// at is the endpoint of a peer that serves /x.S/Get in ns.
func at(v *View, id string) *endpoint.Endpoint { return v.Namespaces["ns"].groups["x.S"].Endpoint(id) }

// told is what a decision comes to, in words.
func told(d Decision) mesh.Reason {
	switch {
	case d.Refusal != nil:
		return d.Refusal.Reason
	case d.Local != nil:
		return "local"
	}
	var ids []string
	for i := range d.Len() {
		ids = append(ids, d.Peer(i).ID)
	}
	return mesh.Reason(strings.Join(ids, " "))
}

func TestRoute(t *testing.T) {
	t.Parallel()
	const get = "ns/x.S/Get"
	tests := []struct {
		name   string
		local  []string
		peers  []*Peer
		target string
		want   mesh.Reason
	}{
		{"here", []string{get}, nil, "", "local"},
		{"here although a peer has it", []string{get}, []*Peer{peerServing(t, "b", active, "ns", get)}, "", "local"},
		{"here by its own id", []string{get}, nil, "a", "local"},
		{"own id, not registered here", nil, []*Peer{peerServing(t, "b", active, "ns", get)}, "a", mesh.ReasonTargetNotServing},
		{"on a peer", nil, []*Peer{peerServing(t, "b", active, "ns", get)}, "", "b"},
		{"an idle peer is as good", nil, []*Peer{peerServing(t, "b", idle, "ns", get)}, "", "b"},
		{"on peers by id", nil, []*Peer{peerServing(t, "c", active, "ns", get), peerServing(t, "b", active, "ns", get)}, "", "b c"},
		{"not on a peer without the method", nil, []*Peer{peerServing(t, "b", active, "ns", "ns/x.S/Put"), peerServing(t, "c", active, "ns", get)}, "", "c"},
		{"not on a peer without the namespace", nil, []*Peer{peerServing(t, "b", active, "other", get)}, "", mesh.ReasonMethodUnknown},
		{"not on a stale peer", nil, []*Peer{peerServing(t, "b", stale, "ns", get), peerServing(t, "c", active, "ns", get)}, "", "c"},
		{"known, nobody reachable", nil, []*Peer{peerServing(t, "b", stale, "ns", get), peerServing(t, "c", closed, "ns", get)}, "", mesh.ReasonUnreachable},
		{"nobody has it", nil, nil, "", mesh.ReasonMethodUnknown},
		{"a peer of before the restart may have it", nil, []*Peer{silentPeer("b", stale, "ns")}, "", mesh.ReasonUnreachable},
		{"a silent peer of another namespace has not", nil, []*Peer{silentPeer("b", stale, "other")}, "", mesh.ReasonMethodUnknown},
		{"a silent peer that was closed is not waited for", nil, []*Peer{silentPeer("b", closed, "ns")}, "", mesh.ReasonMethodUnknown},
		{"a peer with a link that was not heard yet may have it", nil, []*Peer{silentPeer("b", active, "ns")}, "", mesh.ReasonUnreachable},
		{"target with a link that was not heard yet", nil, []*Peer{silentPeer("b", active, "ns")}, "b", mesh.ReasonUnreachable},
		{"target while another was not heard yet", nil, []*Peer{peerServing(t, "b", active, "ns"), silentPeer("c", active, "ns")}, "b", mesh.ReasonTargetNotServing},
		{"a restarted peer is not called before it was heard", nil, []*Peer{awayPeer(t, "b", true, get)}, "", mesh.ReasonUnreachable},
		{"nor as a target", nil, []*Peer{awayPeer(t, "b", true, get)}, "b", mesh.ReasonUnreachable},
		{"nor while another can", nil, []*Peer{awayPeer(t, "b", true, get), peerServing(t, "c", active, "ns", get)}, "", "c"},
		{"a restarted peer may have more than before", nil, []*Peer{awayPeer(t, "b", true, "ns/x.S/Put")}, "", mesh.ReasonUnreachable},
		{"a peer that stops keeps what it served", nil, []*Peer{awayPeer(t, "b", false, get)}, "", mesh.ReasonUnreachable},
		{"a peer that stops gets nothing new", nil, []*Peer{awayPeer(t, "b", false, "ns/x.S/Put")}, "", mesh.ReasonMethodUnknown},
		{"a serving peer that names no more has withdrawn it", nil, []*Peer{peerServing(t, "b", active, "ns")}, "", mesh.ReasonMethodUnknown},
		{"a seed peer that is away may have it", nil, []*Peer{seedPeer("b", stale, "ns")}, "", mesh.ReasonUnreachable},
		{"a seed peer of another namespace has not", nil, []*Peer{seedPeer("b", stale, "other")}, "", mesh.ReasonMethodUnknown},
		{"a seed peer only if no other can", nil, []*Peer{seedPeer("aa", active, "ns"), peerServing(t, "b", active, "ns", get)}, "", "b"},
		{"a seed peer in place of one that is away", nil, []*Peer{seedPeer("c", active, "ns"), peerServing(t, "b", stale, "ns", get)}, "", "c"},
		{"seed peers only", nil, []*Peer{seedPeer("b", active, "ns"), seedPeer("c", stale, "ns")}, "", "b"},
		{"seed peer of another namespace", nil, []*Peer{seedPeer("b", active, "other")}, "", mesh.ReasonMethodUnknown},
		{"target", []string{get}, []*Peer{peerServing(t, "b", active, "ns", get)}, "b", "b"},
		{"target among equals", nil, []*Peer{peerServing(t, "b", active, "ns", get), peerServing(t, "c", active, "ns", get)}, "c", "c"},
		{"seed target", nil, []*Peer{seedPeer("b", active, "ns")}, "b", "b"},
		{"target without the method", nil, []*Peer{peerServing(t, "b", active, "ns"), peerServing(t, "c", active, "ns", get)}, "b", mesh.ReasonTargetNotServing},
		{"target without the namespace", nil, []*Peer{peerServing(t, "b", active, "other", get)}, "b", mesh.ReasonTargetNotServing},
		{"target not reachable", nil, []*Peer{peerServing(t, "b", stale, "ns", get), peerServing(t, "c", active, "ns", get)}, "b", mesh.ReasonUnreachable},
		{"target not known", []string{get}, nil, "z", mesh.ReasonTargetUnknown},
		{"another kind of method", []string{get}, []*Peer{peerServing(t, "b", active, "ns", "!"+get)}, "b", mesh.ReasonSchemaIncompatible},
		{"those who can be reached say what it is", nil, []*Peer{peerServing(t, "b", stale, "ns", "!"+get), peerServing(t, "c", active, "ns", get)}, "", "c"},
		{"the first says what it is", nil, []*Peer{peerServing(t, "b", active, "ns", get), peerServing(t, "c", active, "ns", "!"+get)}, "", "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := viewOf(t, tt.local, tt.peers...)
			d := Route(v, Call{Namespace: "ns", Procedure: "/x.S/Get", Target: tt.target}, still)
			if got := told(d); got != tt.want {
				t.Errorf("route = %s, want %s (%+v)", got, tt.want, d.Refusal)
			}
		})
	}
}

// Messages that go through undecoded cannot be put into an envelope, unless they are an Any.
func TestRouteOfRawMessagesToASeedPeer(t *testing.T) {
	t.Parallel()
	v := viewOf(t, nil, seedPeer("b", active, "ns"), peerServing(t, "c", stale, "ns", "ns/x.S/Get"))
	away := viewOf(t, nil, seedPeer("b", stale, "ns"))
	if got := told(Route(away, Call{Namespace: "ns", Procedure: "/x.S/New", Target: "", Raw: true}, still)); got != mesh.ReasonMethodUnknown {
		t.Errorf("what a seed peer that is away could not take: %s", got)
	}
	v.Namespaces["ns"].Entries["/x.S/Any"] = &Entry{Procedure: "/x.S/Any", Service: "x.S", Method: "Any", Input: hosted.AnyType, Output: hosted.AnyType}
	for _, tt := range []struct {
		c    Call
		want mesh.Reason
	}{
		{Call{Namespace: "ns", Procedure: "/x.S/Get", Target: "", Raw: false}, "b"},
		{Call{Namespace: "ns", Procedure: "/x.S/Get", Target: "", Raw: true}, mesh.ReasonUnreachable},
		{Call{Namespace: "ns", Procedure: "/x.S/Get", Target: "b", Raw: true}, mesh.ReasonTargetNotServing},
		{Call{Namespace: "ns", Procedure: "/x.S/Any", Target: "", Raw: true}, "b"},
		{Call{Namespace: "ns", Procedure: "/x.S/New", Target: "", Raw: true}, mesh.ReasonMethodUnknown},
	} {
		if got := told(Route(v, tt.c, still)); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.c, got, tt.want)
		}
	}
}

func TestRouteOfAnUnknownNamespace(t *testing.T) {
	t.Parallel()
	d := Route(viewOf(t, nil), Call{Namespace: "nss", Procedure: "/x.S/Get"}, still)
	if d.Refusal == nil || d.Refusal.Reason != mesh.ReasonNamespaceUnknown || d.Refusal.Code != connect.CodeNotFound {
		t.Fatalf("refusal = %+v", d.Refusal)
	}
	if want := `collector "a" has no namespace "nss"; it has ns, other`; d.Refusal.Message != want {
		t.Errorf("message %q, want %q", d.Refusal.Message, want)
	}
}

func TestRouteSpreadsOverEqualPeers(t *testing.T) {
	t.Parallel()
	const get, calls = "ns/x.S/Get", 30_000
	v := viewOf(t, nil, peerServing(t, "b", active, "ns", get), peerServing(t, "c", active, "ns", get), peerServing(t, "d", active, "ns", get))
	random := rand.New(rand.NewPCG(1, 2))
	counts := make(map[string]int)
	for range calls {
		d := Route(v, Call{Namespace: "ns", Procedure: "/x.S/Get"}, Balance{Turn: random.Uint64(), Now: 1})
		counts[d.Peer(0).ID]++
	}
	for id, n := range counts {
		if n < calls/3-1000 || n > calls/3+1000 {
			t.Errorf("%s gets %d of %d calls", id, n, calls)
		}
	}
}

func TestRouteDoesNotAllocate(t *testing.T) { // AllocsPerRun forbids parallel tests
	const get = "ns/x.S/Get"
	v := viewOf(t, []string{"ns/x.S/Here"}, peerServing(t, "b", active, "ns", get), peerServing(t, "c", active, "ns", get), seedPeer("d", active, "ns"))
	for _, c := range []Call{{Namespace: "ns", Procedure: "/x.S/Get", Target: "", Raw: false}, {Namespace: "ns", Procedure: "/x.S/Get", Target: "b", Raw: true}, {Namespace: "ns", Procedure: "/x.S/Here", Target: "", Raw: true}, {Namespace: "ns", Procedure: "/x.S/Here", Target: "a", Raw: false}, {Namespace: "ns", Procedure: "/x.S/Get", Target: "d", Raw: false}} {
		if n := testing.AllocsPerRun(100, func() { Route(v, c, Balance{Turn: 7, Now: 1}) }); n != 0 {
			t.Errorf("%+v: %v allocations", c, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = v.Resolve("ns", "S", "Get") }); n != 0 {
		t.Errorf("resolve: %v allocations", n)
	}
}

func BenchmarkRoute(b *testing.B) {
	const get = "ns/x.S/Get"
	v := viewOf(b, nil, peerServing(b, "b", active, "ns", get), peerServing(b, "c", active, "ns", get))
	b.ReportAllocs()
	for b.Loop() {
		Route(v, Call{Namespace: "ns", Procedure: "/x.S/Get"}, Balance{Turn: 7, Now: 1})
	}
}

// The explanation must be the truth: whatever the mesh looks like, it ranks exactly the collectors that the call would
// be tried on, in that order, and calls eligible exactly those that an independent rule says could run it.
func TestExplainEqualsRoute(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2025, 11))
	for i := range 3000 {
		world := randomWorld(t, random)
		c := Call{
			Namespace: pick(random, "ns", "other", "nowhere"), Procedure: "/x.S/" + pick(random, "Get", "Put", "Nope"),
			Target: pick(random, "", "", "", "a", "b", "c", "d", "z"),
		}
		b := Balance{Turn: random.Uint64(), Now: 1}
		want := Route(world.view, c, b)
		got, candidates := Explain(world.view, c, b)
		if told(got) != told(want) || got.Chosen("a") != want.Chosen("a") {
			t.Fatalf("world %d %+v: explained %s, routed %s", i, c, told(got), told(want))
		}
		checkRanks(t, i, want, candidates)
		checkEligible(t, i, world, c, candidates)
	}
}

// A call for which Chooses is false goes the same way whatever its balance is; of the others some do not.
func TestOnlyCallsThatChooseLookAtTheirBalance(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2026, 11))
	kinds := make(map[bool]int)
	for i := range 3000 {
		v := randomWorld(t, random).view
		c := Call{Namespace: pick(random, "ns", "other", "nowhere"), Procedure: "/x.S/" + pick(random, "Get", "Put", "Nope"), Target: pick(random, "", "", "a", "b", "z")}
		_, c.Found, _ = v.Find(c.Namespace, c.Procedure)
		one, other := Route(v, c, Balance{}), Route(v, c, Balance{Turn: random.Uint64(), Now: 1 + random.Int64N(1<<40)})
		if kinds[c.Chooses()]++; c.Chooses() {
			continue
		}
		if told(one) != told(other) || one.choice.Made() || other.choice.Made() {
			t.Fatalf("world %d %+v: %s, and with another balance %s", i, c, told(one), told(other))
		}
	}
	if kinds[true] < 100 || kinds[false] < 100 {
		t.Errorf("calls that choose, and others: %v", kinds)
	}
}

func checkRanks(t *testing.T, world int, d Decision, candidates []*meshv1.Candidate) {
	t.Helper()
	var want, got []string
	if d.Local != nil {
		want = []string{"a"}
	}
	for i := range d.Len() {
		want = append(want, d.Peer(i).ID)
	}
	byRank := make(map[int32]string)
	for _, candidate := range candidates {
		if candidate.GetReason() == "" {
			t.Errorf("world %d: no reason for %s", world, candidate.GetCollectorId())
		}
		if candidate.GetRank() > 0 {
			byRank[candidate.GetRank()] = candidate.GetCollectorId()
		}
	}
	for _, rank := range slices.Sorted(maps.Keys(byRank)) {
		got = append(got, byRank[rank])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("world %d: ranks (-route +explain):\n%s", world, diff)
	}
}

func checkEligible(t *testing.T, i int, w world, c Call, candidates []*meshv1.Candidate) {
	t.Helper()
	for _, candidate := range candidates {
		id := candidate.GetCollectorId()
		if want := w.couldRun(id, c); candidate.GetEligible() != want {
			t.Fatalf("world %d %+v: %s eligible %v, want %v (%s)", i, c, id, candidate.GetEligible(), want, candidate.GetReason())
		}
	}
}

// world is a random mesh with what is needed to judge it without the code under test.
type world struct {
	view  *View
	local map[string]bool
	peers map[string]*Peer
}

func (w world) couldRun(id string, c Call) bool {
	if c.Target != "" && c.Target != id {
		return false
	}
	key := c.Namespace + c.Procedure
	if id == "a" {
		return w.local[key]
	}
	p := w.peers[id]
	if !p.Routable || !slices.Contains(p.Shared, c.Namespace) {
		return false
	}
	if p.Seed {
		return true
	}
	_, ok := p.Method(c.Namespace, c.Procedure)
	return ok
}

func randomWorld(t *testing.T, random *rand.Rand) world {
	methods := []string{"ns/x.S/Get", "ns/x.S/Put", "other/x.S/Get"}
	w := world{local: make(map[string]bool), peers: make(map[string]*Peer)}
	var local []string
	for _, m := range methods {
		if random.IntN(4) == 0 {
			local = append(local, m)
			w.local[m] = true
		}
	}
	var peers []*Peer
	for _, id := range []string{"b", "c", "d", "e"}[:random.IntN(5)] {
		p := randomPeer(t, random, id, methods)
		w.peers[id] = p
		peers = append(peers, p)
	}
	w.view = viewOf(t, local, peers...)
	for _, st := range w.view.Peers {
		st.Load.Store(int32(random.IntN(3)))
	}
	return w
}

func randomPeer(t *testing.T, random *rand.Rand, id string, methods []string) *Peer {
	shared := pick(random, "ns", "other", "ns other", "")
	state := []collector.ConnectionState{active, idle, stale, closed}[random.IntN(4)]
	if random.IntN(5) == 0 {
		return seedPeer(id, state, shared)
	}
	var serves []string
	for _, m := range methods {
		if random.IntN(2) == 0 {
			serves = append(serves, m)
		}
	}
	p := peerServing(t, id, state, shared, serves...)
	p.Routable = p.Routable && random.IntN(4) != 0
	return p
}

func pick(random *rand.Rand, of ...string) string { return of[random.IntN(len(of))] }

// The invariants of a view, checked on random ones.
func TestViewKeepsItsInvariants(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 1000 {
		if problem := randomWorld(t, random).view.check(); problem != "" {
			t.Fatalf("view %d: %s", i, problem)
		}
	}
}

func (v *View) check() string {
	byID := func(a, b *RoutePeer) int { return strings.Compare(a.ID, b.ID) }
	for _, s := range v.Namespaces {
		for procedure, e := range s.Entries {
			for _, list := range [][]*RoutePeer{e.Peers, e.unreachable} {
				if !slices.IsSortedFunc(list, byID) {
					return fmt.Sprintf("%s in %s: not sorted", procedure, s.Name)
				}
			}
			if e.Local == nil && len(e.Peers)+len(e.unreachable)+len(e.Incompatible) == 0 {
				return fmt.Sprintf("%s in %s: nobody serves it", procedure, s.Name)
			}
			for _, st := range e.Peers {
				if whyNot(st, s, e) != "" {
					return fmt.Sprintf("%s in %s: %s is in the list but %s", procedure, s.Name, st.ID, whyNot(st, s, e))
				}
			}
			if s.Services[e.Service][e.Method] != e || !slices.Contains(v.owners[procedure], s.Name) {
				return fmt.Sprintf("%s in %s: not indexed", procedure, s.Name)
			}
		}
	}
	return ""
}
