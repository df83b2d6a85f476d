package routing

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// crowd is a view with as many peers as a store keeps, each with much to say. The last two served the method.
func crowd(t *testing.T) *View {
	t.Helper()
	var peers []*Peer
	for i := range 1024 {
		var methods []string
		if i >= 1022 {
			methods = []string{"ns/x.S/Get"}
		}
		p := peerServing(t, fmt.Sprintf("peer-%s-%04d", strings.Repeat("x", 40), i), stale, "ns", methods...)
		p.Reason = strings.Repeat("ö is what went wrong, ", 100)
		peers = append(peers, p)
	}
	return viewOf(t, nil, peers...)
}

// A failure is small enough for the headers of any client, however large the mesh is, and says who was left out.
func TestRefusal_IsBoundedInALargeMesh(t *testing.T) {
	t.Parallel()
	v := crowd(t)
	target := v.collectors()[500]
	for name, c := range map[string]Call{
		"unreachable":    {Namespace: "ns", Procedure: "/x.S/Get"},
		"unknown method": {Namespace: "ns", Procedure: "/x.S/Put"},
		"target":         {Namespace: "ns", Procedure: "/x.S/Get", Target: target},
		"unknown target": {Namespace: "ns", Procedure: "/x.S/Get", Target: "nobody"},
		"not serving":    {Namespace: "ns", Procedure: "/x.S/Get", Target: "a"},
	} {
		d := Route(v, c, still)
		err := d.Refusal.Err("a")
		failure, ok := refusal.FailureOf(err)
		if !ok {
			t.Fatalf("%s: no CallFailure in %v", name, err)
		}
		if size := len(err.Message()) + proto.Size(failure); size > 4<<10 || len(err.Message()) > refusal.MaxMessage || !utf8.ValidString(err.Message()) {
			t.Errorf("%s: %d bytes, of which the message has %d", name, size, len(err.Message()))
		}
		if listed := len(failure.GetCandidates()); listed < 4 || listed > refusal.MaxCandidates || listed+int(failure.GetOmittedCandidates()) != 1025 {
			t.Errorf("%s: %d candidates, %d omitted, want 1025 together", name, listed, failure.GetOmittedCandidates())
		}
		if !failure.GetCandidates()[0].GetLocal() {
			t.Errorf("%s: this collector is not the first: %v", name, failure)
		}
		if c.Target == target && !lists(failure, target) {
			t.Errorf("%s: the target is not listed: %v", name, failure)
		}
		if all := d.Refusal.Looked.All(); len(all) != 1025 {
			t.Errorf("%s: %d in all", name, len(all))
		}
	}
}

func lists(failure *meshv1.CallFailure, id string) bool {
	for _, candidate := range failure.GetCandidates() {
		if candidate.GetCollectorId() == id {
			return true
		}
	}
	return false
}

// Who serves the method, or did, comes before those who never had it.
func TestRefusal_ListsWhoServesTheMethod(t *testing.T) {
	t.Parallel()
	var peers []*Peer
	for i := range 100 {
		peers = append(peers, peerServing(t, fmt.Sprintf("peer-%02d", i), active, "ns"))
	}
	peers = append(peers, peerServing(t, "server", stale, "ns", "ns/x.S/Get"))
	d := Route(viewOf(t, nil, peers...), Call{Namespace: "ns", Procedure: "/x.S/Get"}, still)
	failure, _ := refusal.FailureOf(d.Refusal.Err("a"))
	if len(failure.GetCandidates()) != refusal.MaxCandidates || failure.GetOmittedCandidates() != 102-refusal.MaxCandidates || !lists(failure, "server") {
		t.Errorf("%d candidates, %d omitted: %v", len(failure.GetCandidates()), failure.GetOmittedCandidates(), failure)
	}
}

// In a small mesh nothing is left out.
func TestRefusal_ListsAllOfASmallMesh(t *testing.T) {
	t.Parallel()
	d := Route(viewOf(t, nil, peerServing(t, "b", stale, "ns", "ns/x.S/Get"), peerServing(t, "c", active, "ns")), Call{Namespace: "ns", Procedure: "/x.S/Get"}, still)
	failure, _ := refusal.FailureOf(d.Refusal.Err("a"))
	if len(failure.GetCandidates()) != 3 || failure.GetOmittedCandidates() != 0 || d.Refusal.Code != connect.CodeUnavailable {
		t.Errorf("%v", failure)
	}
}
