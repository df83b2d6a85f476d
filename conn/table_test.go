package conn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func TestTableFollowsItsPeers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		runTableOperations(t, func(n int) int { return random.IntN(n) }, 200)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("the quick brown fox jumps over the lazy dog"))
	f.Fuzz(func(t *testing.T, script []byte) {
		next := func(n int) int {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return int(b) % n
		}
		runTableOperations(t, next, min(len(script), 200))
	})
}

// runTableOperations puts, replaces and removes random peers, checks the table after each step, and that the tables
// that readers still hold did not change.
func runTableOperations(t *testing.T, pick func(n int) int, steps int) {
	t.Helper()
	table := new(Table)
	var held []*Table
	for step := range steps {
		id := fmt.Sprintf("peer-%d", pick(6))
		if pick(4) == 0 {
			table = table.without(id)
		} else {
			table = table.with(randomPeer(t, id, pick))
		}
		if err := table.check(); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if held = append(held, table); len(held) > 5 {
			held = held[1:]
		}
		for i, old := range held {
			if err := old.check(); err != nil {
				t.Fatalf("step %d changed the table of %d steps ago: %v", step, len(held)-1-i, err)
			}
		}
	}
	if err := NewTable(table.Peers()...).check(); err != nil {
		t.Fatalf("built at once: %v", err)
	}
}

func randomPeer(t *testing.T, id string, pick func(n int) int) *Peer {
	t.Helper()
	p := &Peer{ID: id, State: collector.ConnectionState(1 + pick(5)), OneWay: pick(8) == 0}
	in := &meshv1.Catalog{}
	for _, namespace := range []string{"orders", "stock", "users"} {
		if pick(3) > 0 {
			p.Shared = append(p.Shared, namespace)
		}
		for method := range 4 {
			if pick(2) == 0 {
				in.Methods = append(in.Methods, &meshv1.CatalogMethod{
					Namespace: namespace, Procedure: fmt.Sprintf("/x.v1.Service/M%d", method),
				})
			}
		}
	}
	if p.Seed = pick(4) == 0; p.Seed {
		return p
	}
	if pick(8) == 0 {
		return p // linked, but its catalog has not come yet
	}
	c, err := NewCatalog(in)
	if err != nil {
		t.Fatal(err)
	}
	p.Catalog = c
	return p
}

func TestTableLookups(t *testing.T) {
	t.Parallel()
	const get, put = "/users.v1.Users/Get", "/users.v1.Users/Put"
	table := NewTable(
		tablePeer(t, "c", stateActive, []string{"eu", "us"}, "eu"+get, "us"+get),
		tablePeer(t, "a", stateIdle, []string{"eu"}, "eu"+get, "eu"+put),
		tablePeer(t, "b", stateStale, []string{"eu", "old"}, "eu"+get, "old"+get),
		tablePeer(t, "d", stateActive, []string{"us"}, "eu"+get), // serves eu, but does not share it
		&Peer{ID: "s", State: stateActive, Shared: []string{"eu"}, Seed: true},
		&Peer{ID: "o", State: stateActive, Shared: []string{"eu"}, Seed: true, OneWay: true},
	)
	tests := []struct {
		name      string
		got, want []string
	}{
		{"peers are in the order of ids", ids(table.Peers()), []string{"a", "b", "c", "d", "o", "s"}},
		{"serving: routable, sharing, by id", ids(table.Serving("eu", get)), []string{"a", "c"}},
		{"serving one", ids(table.Serving("eu", put)), []string{"a"}},
		{"serving in a namespace where all are stale", ids(table.Serving("old", get)), nil},
		{"serving an unknown procedure", ids(table.Serving("eu", "/x.Y/Z")), nil},
		{"serving in an unknown namespace", ids(table.Serving("nowhere", get)), nil},
	}
	for _, tt := range tests {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %s", tt.name, cmp.Diff(tt.want, tt.got))
		}
	}
	if p, ok := table.Peer("b"); !ok || p.ID != "b" {
		t.Errorf("Peer b = %v, %v", p, ok)
	}
	if p, ok := table.Peer("bb"); ok {
		t.Errorf("there is a peer bb: %v", p)
	}
}

func BenchmarkTableWith(b *testing.B) {
	table := new(Table)
	var last *Peer
	for i := range 100 {
		methods := make([]string, 100)
		for j := range methods {
			methods[j] = fmt.Sprintf("eu/x.v1.Service%d/Method%d", i/10, j)
		}
		last = tablePeer(b, fmt.Sprintf("peer-%03d", i), stateActive, []string{"eu"}, methods...)
		table = table.with(last)
	}
	b.ReportAllocs()
	for b.Loop() {
		table = table.with(last)
	}
}

// tablePeer builds a peer whose catalog has the methods, written namespace/service/method.
func tablePeer(t testing.TB, id string, state collector.ConnectionState, shared []string, methods ...string) *Peer {
	t.Helper()
	in := &meshv1.Catalog{}
	for _, m := range methods {
		slash := slices.Index([]byte(m), '/')
		in.Methods = append(in.Methods, &meshv1.CatalogMethod{Namespace: m[:slash], Procedure: m[slash:]})
	}
	c, err := NewCatalog(in)
	if err != nil {
		t.Fatal(err)
	}
	return &Peer{ID: id, State: state, Shared: shared, Catalog: c}
}

func ids(peers []*Peer) []string {
	var out []string
	for _, p := range peers {
		out = append(out, p.ID)
	}
	return out
}
