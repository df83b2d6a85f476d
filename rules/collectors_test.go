package rules_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// node is a collector on a real socket.
type node struct {
	*dispatcher.Dispatcher
	address string
	ran     *atomic.Int64 // messages that handlers got
}

func serve(t *testing.T, id string, opts ...dispatcher.Option) node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts = append(opts, dispatcher.WithLogger(slog.New(slog.DiscardHandler)))
	d, err := dispatcher.New(id, listener.Addr().String(), []string{"shop"}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	server := d.Server(d.Handler(), nil)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Errorf("collector %s: %v", id, err)
		}
		_ = server.Close()
		<-stopped
	})
	return node{d, listener.Addr().String(), new(atomic.Int64)}
}

// join connects a to b and waits until a knows what b serves.
func join(t *testing.T, a, b node, procedure string) {
	t.Helper()
	if res, err := a.ConnectTo(t.Context(), b.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
		t.Fatalf("connect: %v, %v", res, err)
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for changed := a.Connections().Changed(); len(a.Connections().Table().Serving("shop", procedure)) == 0; changed = a.Connections().Changed() {
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatal("a does not hear what b serves")
		}
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
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return connecthttp.NewTransport(&http.Client{Transport: transport}, "http://"+n.address, opts...)
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
