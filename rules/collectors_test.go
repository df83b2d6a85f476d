package rules_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a collector whose handlers count the messages they get.
type node struct {
	*meshtest.Collector
	ran *atomic.Int64
}

func serve(t *testing.T, id string, opts ...dispatcher.Option) node {
	t.Helper()
	return node{meshtest.Serve(t, id, []string{"shop"}, opts...), new(atomic.Int64)}
}

// join connects a to b and waits until a knows what b serves.
func join(t *testing.T, a, b node, procedure string) {
	t.Helper()
	if err := meshtest.Join(t.Context(), a.Dispatcher, b.Address, "shop", procedure); err != nil {
		t.Fatal(err)
	}
}

// host registers a service of a schema without Go types. Its handlers count what they get and answer receipts.
func (n node) host(t *testing.T, file protoreflect.FileDescriptor, service protoreflect.Name) {
	t.Helper()
	receipt := dynamicpb.NewMessage(file.Messages().ByName("Receipt"))
	receipt.Set(receipt.Descriptor().Fields().ByName("number"), protoreflect.ValueOfString("7"))
	err := n.RegisterDynamic("shop", file.Services().ByName(service), func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
		input := spec.Schema.(protoreflect.MethodDescriptor).Input()
		for {
			err := stream.Receive(dynamicpb.NewMessage(input))
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			n.ran.Add(1)
			if spec.StreamType == connect.StreamTypeUnary {
				break
			}
		}
		return stream.Send(receipt)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// transport calls a collector over the network.
func (n node) transport(t *testing.T, opts ...connecthttp.Option) connect.Transport {
	t.Helper()
	return connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, opts...)
}

// specOf is the spec of a method as generated code has it.
func specOf(file protoreflect.FileDescriptor, service, method protoreflect.Name) connect.Spec {
	m := file.Services().ByName(service).Methods().ByName(method)
	spec := connect.Spec{Procedure: "/" + string(m.Parent().FullName()) + "/" + string(m.Name()), Schema: m}
	if m.IsStreamingClient() {
		spec.StreamType |= connect.StreamTypeClient
	}
	if m.IsStreamingServer() {
		spec.StreamType |= connect.StreamTypeServer
	}
	return spec
}
