package peerschema

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Whatever changes: if what was looked at covers it, no method has several schemas that had not before.
func TestOnlyDisputesAreComparedAgain(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	var l looked
	local, known := hosted.NewSnapshot(1, nil), newKnown()
	peers := map[string]*conn.Peer{}
	before, covered := map[string]bool{}, 0
	for range 2000 {
		id := string(rune('b' + random.IntN(3)))
		in := new(meshv1.Catalog)
		for i := range 6 {
			if random.IntN(3) > 0 {
				in.Methods = append(in.Methods, &meshv1.CatalogMethod{
					Namespace: "ns", Procedure: fmt.Sprintf("/x.S/M%d", i), Fingerprint: 1 + uint64(random.IntN(20)/19),
				})
			}
		}
		catalog, err := conn.NewCatalog(in)
		if err != nil {
			t.Fatal(err)
		}
		peers[id] = &conn.Peer{ID: id, Shared: []string{"ns"}, Catalog: catalog}
		var all []*conn.Peer
		for _, p := range peers {
			all = append(all, p)
		}
		table := conn.NewTable(all...)
		now := disputes(local, table, known)
		if l.covers(local, table, known, nil) {
			covered++
			for name := range now {
				if !before[name] {
					t.Fatalf("%s has several schemas now, and is not compared", name)
				}
			}
			maps.Copy(now, before)
		}
		before = now
	}
	if covered == 0 {
		t.Error("all is compared each time")
	}
}

// disputes are the methods with several schemas.
func disputes(local *hosted.Snapshot, table *conn.Table, known *Known) map[string]bool {
	found := make(map[string]bool)
	for o, said := range variantsOf(local, table, known, nil) {
		if distinct(o, said) != nil {
			found[o.method] = true
		}
	}
	return found
}
