package relay

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/mesh"
)

// Role is the role of the relay's process.
const Role = "relay"

// Run is the second process of a client under test.
func Run(_ context.Context, stdin io.Reader, stdout io.Writer) error {
	references := NewReferences()
	register := func(d *dispatcher.Dispatcher) error {
		services := conformancev1.File_connectrpc_conformance_v1_service_proto.Services()
		return d.RegisterDynamic(mesh.Namespace, services.ByName("ConformanceService"), references.serve)
	}
	c, err := mesh.Start(Role, mesh.Limits(0), nil, register)
	if err != nil {
		return err
	}
	return mesh.ServeParent(c, stdin, stdout)
}

// serve passes a call on to the reference server that its header names.
func (r *References) serve(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	method, ok := spec.Schema.(protoreflect.MethodDescriptor)
	info, has := connect.CallInfoForServerContext(ctx)
	if !ok || !has {
		return connect.NewError(connect.CodeInternal, "the relay has no method or no call")
	}
	transport, err := r.named(info.RequestHeader().Get(header))
	if err != nil {
		return connect.Errorf(connect.CodeInternal, "the relay cannot tell where to: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, onward := connect.NewClientContext(ctx)
	pass(onward.RequestHeader(), info.RequestHeader())
	out, err := transport.NewClientStream(ctx, spec)
	if err != nil {
		return reauthor(err)
	}
	defer out.Close()
	p := &passage{method, out, onward, stream, info}
	if err := p.requests(ctx, cancel); err != nil {
		return err
	}
	return reauthor(p.answers())
}

// passage is a call on its way through.
type passage struct {
	method protoreflect.MethodDescriptor
	out    connect.ClientStream
	onward *connect.CallInfo
	in     connect.ServerStream
	info   *connect.CallInfo
}

// requests passes on the request: at once if it is one message, else from a goroutine that ends with the call.
func (p *passage) requests(ctx context.Context, cancel context.CancelFunc) error {
	if p.method.IsStreamingClient() {
		go func() {
			if p.requestStream() != nil {
				cancel() // the client is gone
			}
		}()
		return nil
	}
	message := dynamicpb.NewMessage(p.method.Input())
	if err := p.in.Receive(message); err != nil {
		return err
	}
	if err := p.out.Send(message); err != nil && !errors.Is(err, io.EOF) {
		return reauthor(err)
	}
	if err := p.out.CloseSend(); err != nil && !errors.Is(err, io.EOF) {
		return reauthor(err)
	}
	return nil
}

func (p *passage) requestStream() error {
	if p.out.SendHeaders() != nil {
		return nil // Receive tells why
	}
	for {
		message := dynamicpb.NewMessage(p.method.Input())
		err := p.in.Receive(message)
		if errors.Is(err, io.EOF) {
			_ = p.out.CloseSend()
			return nil
		}
		if err != nil {
			return err
		}
		if p.out.Send(message) != nil {
			return nil
		}
	}
}

// answers passes on the answers. A single one waits for the end, so that the trailers are known.
func (p *passage) answers() error {
	if !p.method.IsStreamingServer() {
		return p.answer()
	}
	for first := true; ; first = false {
		message := dynamicpb.NewMessage(p.method.Output())
		err := p.out.Receive(message)
		if first {
			pass(p.info.ResponseHeader(), p.onward.ResponseHeader())
		}
		if err != nil {
			pass(p.info.ResponseTrailer(), p.onward.ResponseTrailer())
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := p.in.Send(message); err != nil {
			return err
		}
	}
}

func (p *passage) answer() error {
	message := dynamicpb.NewMessage(p.method.Output())
	err := p.out.Receive(message)
	pass(p.info.ResponseHeader(), p.onward.ResponseHeader())
	pass(p.info.ResponseTrailer(), p.onward.ResponseTrailer())
	if err != nil {
		return err
	}
	return p.in.Send(message)
}

// pass copies metadata but what is of one connection, and the relay's own.
func pass(to, from *connect.Header) {
	for name, values := range from.All() {
		switch {
		case name == header, name == "Date", strings.HasPrefix(name, "Accept"),
			strings.HasPrefix(name, "Content-"), strings.HasPrefix(name, "Connect-"), strings.HasPrefix(name, "Grpc-"):
		default:
			to.SetValues(name, slices.Clone(values))
		}
	}
}

// reauthor makes a reference server's verdict, or that of the client that asked it, the handler's own.
func reauthor(err error) error {
	verdict, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return err
	}
	own := connect.NewError(verdict.Code(), verdict.Message())
	for _, detail := range verdict.Details() {
		own = own.WithDetail(detail)
	}
	return own
}
