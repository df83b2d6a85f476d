package dispatcher_test

import (
	"context"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

const patience = meshtest.Patience

// node is a collector that hosts test services.
type node struct{ *meshtest.Collector }

// serve starts a collector at which everybody may do everything, unless opts say otherwise.
func serve(t testing.TB, id string, namespaces []string, opts ...dispatcher.Option) node {
	t.Helper()
	return node{meshtest.Serve(t, id, namespaces, append([]dispatcher.Option{meshtest.Permissive()}, opts...)...)}
}

// echo is the test service with an Echo that may panic.
type echo struct{ meshtest.EchoService }

func (e echo) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if req.GetText() == "panic" {
		panic("the secret of the handler")
	}
	return e.EchoService.Echo(ctx, req)
}

// hostEcho registers the typed test service.
func (n node) hostEcho(t testing.TB, namespace string) {
	t.Helper()
	service := echo{meshtest.EchoService(n.ID())}
	err := n.Register(namespace, func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, service) })
	if err != nil {
		t.Fatal(err)
	}
}

// join connects a to b. What they serve may not be known yet: see knows.
func join(t testing.TB, a, b node) {
	t.Helper()
	if err := meshtest.Connect(t.Context(), a.Dispatcher, b.Address); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until the table of a collector satisfies a condition.
func (n node) waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if err := meshtest.Await(t.Context(), n.Dispatcher, what, condition); err != nil {
		t.Fatal(err)
	}
}

// knows waits until a collector has heard that a peer serves a procedure.
func (n node) knows(t testing.TB, namespace, procedure string) {
	t.Helper()
	if err := meshtest.AwaitServed(t.Context(), n.Dispatcher, namespace, procedure); err != nil {
		t.Fatal(err)
	}
}

// client is a generated client of the test service over the network.
func (n node) client(t testing.TB, opts ...connecthttp.Option) testingv1connect.EchoServiceClient {
	t.Helper()
	return testingv1connect.NewEchoServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, opts...)))
}
