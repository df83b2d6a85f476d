package routing

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Schemas that differ and cannot be compared yet are told as such: nobody has said that they are incompatible.
func TestSkewIsPendingUntilBothAreKnown(t *testing.T) {
	t.Parallel()
	b, c := peerServing(t, "b", active, "ns", "ns/x.S/Do"), peerServing(t, "c", active, "ns", "ns/x.S/Do")
	refingerprint(t, b, 1)
	refingerprint(t, c, 2)
	v := viewOf(t, nil, b, c)
	method := v.entry("ns", "/x.S/Do").describe(v.Self)
	if got := strings.Join(method.GetCollectorIds(), " "); got != "b" {
		t.Errorf("served by %s, want b", got)
	}
	skews := method.GetSkews()
	if len(skews) != 1 || skews[0].GetCollectorId() != "c" || skews[0].GetCompatible() || !skews[0].GetPending() {
		t.Errorf("skews: %v", skews)
	}
}

// refingerprint gives every method of a peer another schema.
func refingerprint(t *testing.T, peer *Peer, fingerprint uint64) {
	t.Helper()
	catalog := new(meshv1.Catalog)
	for _, m := range peer.Catalog.In("ns") {
		m = proto.CloneOf(m)
		m.Fingerprint = fingerprint
		catalog.Methods = append(catalog.Methods, m)
	}
	var err error
	if peer.Catalog, err = conn.NewCatalog(catalog); err != nil {
		t.Fatal(err)
	}
}
