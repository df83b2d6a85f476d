package dispatcher

import (
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/schema"
)

// Schemas that differ and cannot be compared yet are told as such: nobody has said that they are incompatible.
func TestSkewIsPendingUntilBothAreKnown(t *testing.T) {
	t.Parallel()
	b, c := peerServing(t, "b", active, "ns", "ns/x.S/Do"), peerServing(t, "c", active, "ns", "ns/x.S/Do")
	refingerprint(t, b, 1)
	refingerprint(t, c, 2)
	v := viewOf(t, nil, b, c)
	method := v.entry("ns", "/x.S/Do").describe(v.self)
	if got := strings.Join(method.GetCollectorIds(), " "); got != "b" {
		t.Errorf("served by %s, want b", got)
	}
	skews := method.GetSkews()
	if len(skews) != 1 || skews[0].GetCollectorId() != "c" || skews[0].GetCompatible() || !skews[0].GetPending() {
		t.Errorf("skews: %v", skews)
	}
}

// refingerprint gives every method of a peer another schema.
func refingerprint(t *testing.T, peer *conn.Peer, fingerprint uint64) {
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

// A verdict is small, however much two schemas differ: there is one for each pair of schemas of each method.
func TestVerdictsAreSmall(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"", "FIELD_SAME_NAME"} {
		var changes []schema.Change
		for i := range 10_000 {
			changes = append(changes, schema.Change{Rule: rule, Element: "x.In." + strings.Repeat("é", 1000+i%2)})
		}
		v := judged(changes)
		if v.breaks != (rule != "") || len(v.text) > maxVerdict+len("…") || !utf8.ValidString(v.text) || !strings.HasPrefix(v.text, "x.In.") {
			t.Errorf("rule %q: breaks %v, %d bytes", rule, v.breaks, len(v.text))
		}
	}
	few := []schema.Change{{Element: "x.In.a"}, {Rule: "FIELD_SAME_NAME", Element: "x.In.b", Message: "is now named c"}}
	if v := judged(few); !v.breaks || v.text != "x.In.b is now named c (FIELD_SAME_NAME)" {
		t.Errorf("%+v: want what breaks, and that alone", v)
	}
}
