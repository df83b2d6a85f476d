package wire_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

const (
	service        = "/collector.testing.v1.EchoService/"
	refusedByCheck = "X-Refuse" // the header that the interceptor of every collector looks at
	limit          = 64 << 10   // of a message
)

// worker is the test service with a handler that fails and one that panics, unary and as a stream.
type worker struct{ meshtest.EchoService }

func (w worker) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	return &testingv1.EchoResponse{}, work(req.GetText())
}

func (w worker) Count(_ context.Context, req *testingv1.CountRequest, _ testingv1connect.EchoServiceCountServerStream) error {
	return work(map[int64]string{1: "fail", 2: "panic"}[req.GetLimit()])
}

func work(how string) error {
	switch how {
	case "fail":
		return connect.NewError(connect.CodeAborted, "as it was asked to")
	case "panic":
		panic("as it was asked to")
	}
	return nil
}

// gathering answers when as many calls are under way as it waits for.
type gathering struct {
	missing atomic.Int64
	all     chan struct{}
}

func (g *gathering) do(ctx context.Context, _ any) (any, error) {
	if g.missing.Add(-1) == 0 {
		close(g.all)
	}
	select {
	case <-g.all:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// denying refuses what the registry of b does not know.
type denying struct{}

func (denying) ValidateServiceMethod(_ context.Context, _, service, _ string) error {
	if service == "Denied" {
		return errors.New("nobody registered it")
	}
	return nil
}

// checking is an interceptor as those that ask who calls.
func checking(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		if info, ok := connect.CallInfoForServerContext(ctx); ok && info.RequestHeader().Get(refusedByCheck) != "" {
			return connect.NewError(connect.CodeUnauthenticated, "nobody knows who calls")
		}
		return next(ctx, spec, stream)
	}
}

func serve(t *testing.T, id string, opts ...dispatcher.Option) *meshtest.Collector {
	t.Helper()
	opts = append(opts, dispatcher.WithServerInterceptors(checking), dispatcher.WithLimits(dispatcher.Limits{MessageBytes: limit}))
	return meshtest.Serve(t, id, []string{"test", "blue", "green"}, opts...)
}

// newMesh is a, which hosts nothing, and b, which hosts all, with odd linked to both, which serves the test service with
// a schema that breaks.
func newMesh(t *testing.T) (a, b *meshtest.Collector) {
	t.Helper()
	a, b = serve(t, "a"), serve(t, "b", dispatcher.WithRegistry(denying{}))
	must(t, b.Register("test", func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, worker{meshtest.EchoService("b")})
	}))
	nothing := func(context.Context, any) (any, error) { return nil, nil }
	must(t, b.RegisterService("blue", "Twice", "Do", nothing))
	must(t, b.RegisterService("green", "Twice", "Do", nothing))
	must(t, b.RegisterService("test", "Denied", "Do", nothing))
	must(t, meshtest.Join(t.Context(), a.Dispatcher, b.Address, "test", "/Denied/Do"))

	gone := serve(t, "gone")
	must(t, gone.RegisterService("test", "Gone", "Do", nothing))
	must(t, meshtest.Join(t.Context(), a.Dispatcher, gone.Address, "test", "/Gone/Do"))
	must(t, meshtest.Join(t.Context(), b.Dispatcher, gone.Address, "test", "/Gone/Do"))
	gone.Connections().Close()

	odd := serve(t, "odd")
	must(t, odd.RegisterDynamic("test", oddService(t), func(context.Context, connect.Spec, connect.ServerStream) error { return nil }))
	for _, c := range []*meshtest.Collector{a, b} {
		must(t, meshtest.Connect(t.Context(), c.Dispatcher, odd.Address))
		untilKnown(t, c)
	}
	return a, b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// oddService is the test service with a request field of another type.
func oddService(t *testing.T) protoreflect.ServiceDescriptor {
	t.Helper()
	file := protodesc.ToFileDescriptorProto(testingv1.File_collector_testing_v1_testing_proto)
	for _, message := range file.GetMessageType() {
		if name := message.GetName(); name == "EchoRequest" || name == "CountRequest" {
			message.GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE.Enum()
		}
	}
	made, err := protodesc.NewFile(file, nil)
	must(t, err)
	return made.Services().ByName("EchoService")
}

// untilKnown waits until a collector has found out that the schema of odd breaks and that gone is gone.
func untilKnown(t *testing.T, c *meshtest.Collector) {
	t.Helper()
	must(t, meshtest.Await(t.Context(), c.Dispatcher, "the schema of odd, and the end of gone", func() bool {
		peer, ok := c.Connections().Table().Peer("gone")
		return ok && !peer.Routable()
	}))
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for ctx := t.Context(); ; <-again.C {
		explained := c.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "EchoService", MethodName: "Echo", TargetCollectorId: "odd"})
		if explained.GetReason() == "schema_incompatible" && explained.GetCode() == "failed_precondition" {
			return
		}
		must(t, ctx.Err())
	}
}

// newForgetful is a collector after a restart that has not heard yet what its peer serves: one that begins with the records
// of another.
func newForgetful(t *testing.T) *meshtest.Collector {
	t.Helper()
	kept, found := conn.NewMemoryStore(), conn.NewMemoryStore()
	before := serve(t, "forgetful", dispatcher.WithConnectionStore(kept))
	must(t, meshtest.Connect(t.Context(), before.Dispatcher, serve(t, "peer").Address))
	records, err := kept.List(t.Context())
	must(t, err)
	for _, record := range records {
		must(t, found.Put(t.Context(), record))
	}
	return serve(t, "forgetful", dispatcher.WithConnectionStore(found))
}
