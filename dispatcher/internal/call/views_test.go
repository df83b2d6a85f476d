package call

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// tableOf is a table of one peer with so many methods, of which the last is its own.
func tableOf(t *testing.T, methods int, last string) *conn.Table {
	t.Helper()
	catalog := new(meshv1.Catalog)
	for i := range methods {
		catalog.Methods = append(catalog.Methods, &meshv1.CatalogMethod{Namespace: "ns", Procedure: fmt.Sprintf("/x.S/M%d", i)})
	}
	catalog.Methods = append(catalog.Methods, &meshv1.CatalogMethod{Namespace: "ns", Procedure: "/x.S/" + last})
	parsed, err := conn.NewCatalog(catalog)
	if err != nil {
		t.Fatal(err)
	}
	return conn.NewTable(&conn.Peer{
		ID: "b", Shared: []string{"ns"}, State: collector.ConnectionState_CONNECTION_STATE_ACTIVE, Catalog: parsed,
	})
}

func serves(v *routing.View, method string) bool {
	return v.Namespaces["ns"].Entries["/x.S/"+method] != nil
}

// While a view of many methods is being joined, calls go by the one before; one that would be refused by that waits.
func TestNoCallWaitsForALargeCatalog(t *testing.T) {
	t.Parallel()
	var table atomic.Pointer[conn.Table]
	local := hosted.NewSnapshot(1, nil)
	views := &Views{Self: "a", Namespaces: []string{"ns"}, Sources: func() Sources { return Sources{Local: local, Table: table.Load()} }}
	table.Store(tableOf(t, joinInline, "Old"))
	if !serves(views.Now(), "Old") {
		t.Fatal("the first view is not what there is")
	}

	table.Store(tableOf(t, joinInline, "New"))
	views.joining.Lock() // as long as it takes
	if v := views.Now(); !serves(v, "Old") || serves(v, "New") {
		t.Error("a call waited, or got half a view")
	}
	known := func(v *routing.View) *refusal.Refusal { return missing(v, "M0") }
	if v := views.Until(t.Context(), known); !serves(v, "Old") {
		t.Error("a call that is not refused waited")
	}
	waits := make(chan *routing.View)
	go func() {
		waits <- views.Until(t.Context(), func(v *routing.View) *refusal.Refusal { return missing(v, "New") })
	}()
	views.joining.Unlock()
	if v := <-waits; !serves(v, "New") {
		t.Error("a call was refused by a view that was out of date")
	}
}

func missing(v *routing.View, method string) *refusal.Refusal {
	if serves(v, method) {
		return nil
	}
	return refusal.New(0, "", "no such method")
}

// A few methods, and what is registered here, are in the view of the next call.
func TestSmallChangesAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	table, local := tableOf(t, 10, "Old"), hosted.NewSnapshot(1, nil)
	views := &Views{Self: "a", Namespaces: []string{"ns"}, Sources: func() Sources { return Sources{Local: local, Table: table} }}
	views.Now()
	if table = tableOf(t, 10, "New"); !serves(views.Now(), "New") {
		t.Error("a small catalog is not seen at once")
	}
	table = tableOf(t, joinInline, "New")
	local = hosted.NewSnapshot(2, map[string]map[string]*hosted.Method{"more": {}})
	if views.Now().Namespaces["more"] == nil {
		t.Error("what is registered here is not seen at once beside a large catalog")
	}
}
