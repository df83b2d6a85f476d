package dispatcher_test

import (
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A call through two collectors with a policy, a secret of the mesh and a caller who has a name allocates no more than one without.
func TestTrustDoesNotAllocate(t *testing.T) { // AllocsPerRun forbids parallel tests
	if raceEnabled {
		t.Skip("pools forget things under the detector")
	}
	secret := [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
	who, err := access.NewPrincipal(access.KindUser, "alice", "callers")
	if err != nil {
		t.Fatal(err)
	}
	alice := access.NewCaller(who, access.Origin{Network: access.NetworkLoopback})
	off := allocationsOfCall(t, access.NewCaller(access.Nobody, access.Origin{Network: access.NetworkLoopback}))
	on := allocationsOfCall(t, alice, dispatcher.WithConn(conn.WithMeshSecret(func() [][]byte { return secret })), meshtest.Policy(t, `
@id("collectors")
permit (principal is Collector, action, resource);
@id("callers")
permit (principal in Group::"callers", action == Action::"call", resource in Namespace::"test");
@id("never")
forbid (principal, action == Action::"call", resource) when { context.network == "nowhere" };
`))
	t.Logf("%v allocations with trust, %v without", on, off)
	if on > off {
		t.Errorf("a call allocates %v times with a policy, a secret and a caller, %v times without", on, off)
	}
}

// allocationsOfCall is how often a call from a to b allocates, in the processes of both.
func allocationsOfCall(t *testing.T, caller *access.Caller, opts ...dispatcher.Option) float64 {
	t.Helper()
	a, b := node{meshtest.Serve(t, "a", []string{"test"}, opts...)}, node{meshtest.Serve(t, "b", []string{"test"}, opts...)}
	b.hostEcho(t, "test")
	join(t, a, b)
	client := testingv1connect.NewEchoServiceClient(connect.NewClient(a.Transport("test")))
	ctx := access.WithCaller(t.Context(), caller)
	req := &testingv1.EchoRequest{Text: "hello"}
	call := func() {
		if _, err := client.Echo(ctx, req); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 { // names get their numbers, decisions and memory are there
		call()
	}
	least := testing.AllocsPerRun(500, call)
	for range 4 { // others allocate meanwhile
		least = min(least, testing.AllocsPerRun(500, call))
	}
	return least
}
