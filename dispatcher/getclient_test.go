package dispatcher_test

import (
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/gen/collector"
)

// The client that the seed's GetClient returns can do all three RPCs, from both ends of the link, in what both share.
func TestGetClient(t *testing.T) {
	t.Parallel()
	a, b, c := serve(t, "a", []string{"test"}), serve(t, "b", []string{"private", "test"}), serve(t, "c", []string{"private", "test"})
	for _, n := range []node{a, b, c} {
		n.registerString(t, "test", "S", "On"+n.ID())
	}
	b.registerString(t, "private", "S", "M")
	join(t, a, b)
	join(t, b, c)
	b.knows(t, "test", "/S/Onc")
	b.knows(t, "test", "/S/Ona")
	client, ok := a.GetConnectionManager().GetClient(b.Address)
	if !ok {
		t.Fatal("a has no client for b")
	}
	for _, tt := range []struct {
		method, target, handledBy string
		route                     []string
	}{
		{"Onb", "", "b", []string{"b"}},
		{"Onb", "b", "b", []string{"b"}},
		{"Onc", "", "c", []string{"b", "c"}},
		{"Onc", "c", "c", []string{"b", "c"}},
		{"Ona", "a", "a", []string{"b", "a"}},
	} {
		res := dispatchString(t, client, "test", "S", tt.method, tt.target)
		if diff := cmp.Diff(tt.route, res.GetRoute()); diff != "" || res.GetStatus().GetMessage() != "OK" || res.GetHandledByCollectorId() != tt.handledBy {
			t.Errorf("%s on %q: %v", tt.method, tt.target, res)
		}
	}
	back, ok := b.GetConnectionManager().GetClient(a.Address)
	if !ok {
		t.Fatal("b has no client for a")
	}
	if res := dispatchString(t, back, "test", "S", "Ona", ""); res.GetHandledByCollectorId() != "a" {
		t.Errorf("b asks a: %v", res)
	}
	served, err := client.Serve(t.Context(), &collector.ServeRequest{
		Namespace: "test", Service: ref("S"), MethodName: "Onb", Input: pack(t, wrapperspb.String("bob")),
	})
	if err != nil || served.GetExecutorId() != "b" || served.GetStatus().GetMessage() != "OK" {
		t.Errorf("Serve: %v, %v", served, err)
	}
	agreed, err := client.Connect(t.Context(), &collector.ConnectRequest{Namespaces: []string{"test"}})
	if err != nil || agreed.GetStatus().GetCode() != 200 || cmp.Diff([]string{"test"}, agreed.GetSharedNamespaces()) != "" {
		t.Errorf("Connect: %v, %v", agreed, err)
	}
}

// What two collectors do not share cannot be reached inside of an envelope either.
func TestGetClient_KeepsToSharedNamespaces(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"private", "test"})
	b.registerString(t, "private", "S", "M")
	join(t, a, b)
	client, ok := a.Connections().GetClient(b.Address)
	if !ok {
		t.Fatal("a has no client for b")
	}
	for _, namespace := range []string{"private", "nowhere"} {
		w := wrong{code: 403, connect: connect.CodePermissionDenied, reason: "namespace_unknown", message: `is not shared by collectors "a" and "b"`}
		w.check(t, dispatchString(t, client, namespace, "S", "M", "").GetStatus(), "b")
		served, err := client.Serve(t.Context(), &collector.ServeRequest{Namespace: namespace, Service: ref("S"), MethodName: "M"})
		if err != nil {
			t.Fatal(err)
		}
		w.check(t, served.GetStatus(), "b")
	}
}
