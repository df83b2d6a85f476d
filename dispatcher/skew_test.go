package dispatcher_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// A client in this process that was generated from another schema than a peer has is refused before anything is sent,
// with the field named, if the change breaks; a compatible change passes.
func TestSkew_OfAClient(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	b.hostBox(t, boxFile(t))
	join(t, a, b)
	a.learns(t, "b")
	for _, client := range []protoreflect.ServiceDescriptor{boxFile(t), boxFile(t, moreContent)} {
		if content, err := a.open(t, client, ""); err != nil || content != "of b" {
			t.Errorf("%q, %v", content, err)
		}
	}
	_, err := a.open(t, boxFile(t, numericID), "")
	checkIncompatible(t, err, "b")
	if calls := len(b.calls(t, &meshv1.DispatchFilter{Procedure: "box."})); calls != 2 {
		t.Errorf("b has seen %d calls, want 2: the refused one must not be sent", calls)
	}
}

// checkIncompatible checks the refusal of a call because of box.OpenRequest.id.
func checkIncompatible(t *testing.T, err error, peer string) {
	t.Helper()
	if connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Fatalf("err = %v, want failed_precondition", err)
	}
	for _, want := range []string{`"` + peer + `"`, "box.OpenRequest.id", "changed its type", "FIELD_WIRE_JSON_COMPATIBLE_TYPE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s in it", err, want)
		}
	}
	failure := callFailure(t, err)
	if failure.GetReason() != "schema_incompatible" || failure.GetMaybeExecuted() {
		t.Errorf("failure = %v", failure)
	}
}

// What this collector serves itself decides what a method is. A peer with a schema that breaks is not called, whoever
// asks and how; one with a compatible schema is. Both can be seen.
func TestSkew_OfAPeer(t *testing.T) {
	t.Parallel()
	a, b, c := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"}), serve(t, "c", []string{"test"})
	a.hostBox(t, boxFile(t))
	b.hostBox(t, boxFile(t, numericID))
	c.hostBox(t, boxFile(t, moreContent))
	join(t, a, b)
	join(t, a, c)
	a.learns(t, "b")
	a.learns(t, "c")

	if content, err := a.open(t, boxFile(t), "c"); err != nil || content != "of c" {
		t.Errorf("compatible: %q, %v", content, err)
	}
	_, err := a.open(t, boxFile(t), "b")
	checkIncompatible(t, err, "b")
	res, _ := a.Dispatch(t.Context(), &collector.DispatchRequest{
		Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: "BoxService"}, MethodName: "Open", TargetCollectorId: "b",
	})
	if got := res.GetStatus(); got.GetDetails()["reason"] != "schema_incompatible" || !strings.Contains(got.GetMessage(), "box.OpenRequest.id") {
		t.Errorf("Dispatch: %v", got)
	}
	checkSkews(t, a)
	if calls := len(b.calls(t, &meshv1.DispatchFilter{Procedure: "box."})); calls != 0 {
		t.Errorf("b has seen %d calls", calls)
	}
}

func checkSkews(t *testing.T, a node) {
	t.Helper()
	method := a.method(t, "box.BoxService", "Open")
	if got := strings.Join(method.GetCollectorIds(), " "); got != "a c" {
		t.Errorf("served by %s, want a c", got)
	}
	skews := method.GetSkews()
	if len(skews) != 2 || skews[0].GetCollectorId() != "b" || skews[0].GetCompatible() || !strings.Contains(skews[0].GetReason(), "box.OpenRequest.id") ||
		skews[1].GetCollectorId() != "c" || !skews[1].GetCompatible() || skews[0].GetPending() || skews[1].GetPending() ||
		!strings.HasSuffix(skews[1].GetReason(), "it differs in box.OpenResponse.size") {
		t.Errorf("skews: %v", skews)
	}
	explained := a.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "BoxService", MethodName: "Open", TargetCollectorId: "b"})
	if explained.GetReason() != "schema_incompatible" || explained.GetChosenCollectorId() != "" {
		t.Errorf("explained: %v", explained)
	}
	explained = a.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "BoxService", MethodName: "Open", TargetCollectorId: "c"})
	for _, candidate := range explained.GetCandidates() {
		if candidate.GetCollectorId() == "c" && (!candidate.GetEligible() || !strings.Contains(candidate.GetReason(), "another schema of it, which is compatible")) {
			t.Errorf("candidate: %v", candidate)
		}
	}
}

// The schema that had a name first keeps it while somebody serves it: another peer's cannot take it over, and gets its
// turn when the first is gone.
func TestSkew_FirstOwnerKeepsTheName(t *testing.T) {
	t.Parallel()
	b, a, z := serve(t, "b", []string{"test"}), serve(t, "entrance", []string{"test"}), serve(t, "a-squatter", []string{"test"})
	b.hostBox(t, boxFile(t))
	join(t, a, b)
	a.learns(t, "b")
	z.hostBox(t, boxFile(t, numericID)) // its id sorts before that of the owner
	join(t, a, z)
	a.learns(t, "a-squatter")

	for range 20 {
		if content, err := a.open(t, boxFile(t), ""); err != nil || content != "of b" {
			t.Fatalf("with both: %q, %v", content, err)
		}
	}
	if skews := a.method(t, "box.BoxService", "Open").GetSkews(); len(skews) != 1 || skews[0].GetCollectorId() != "a-squatter" {
		t.Errorf("skews: %v", skews)
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.waitFor(t, "the end of b", func() bool {
		peer, ok := a.Connections().Table().Peer("b")
		return ok && !peer.Routable()
	})
	if content, err := a.open(t, boxFile(t, numericID), ""); err != nil || content != "of a-squatter" {
		t.Errorf("after the owner: %q, %v", content, err)
	}
}
