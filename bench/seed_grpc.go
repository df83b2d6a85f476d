package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/gen/collector"
)

// A dispatcher of the seed's contract on grpc-go, as small as it can be: Dispatch runs the method here or forwards it by
// Serve to the collector that has the namespace. It is what the seed's design costs when nothing is added to it.
var (
	grpcDispatchLocal  = contender{"grpc", startGRPCDispatchLocal}
	grpcDispatchRemote = contender{"grpc", startGRPCDispatchRemote}
)

const (
	dispatchProcedure = "/collector.CollectiveDispatcher/Dispatch"
	serveProcedure    = "/collector.CollectiveDispatcher/Serve"
	echoService       = "EchoService"
	echoMethod        = "Echo"
)

// startGRPCDispatchLocal asks the collector that has the method.
func startGRPCDispatchLocal(_ context.Context, l load) (*bed, error) {
	b := &bed{}
	client, err := b.serveSeed(&seedDispatcher{id: "a", handlers: seedHandlers()})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.op = dispatchOperation(client, l.size, "a")
	return b, nil
}

// startGRPCDispatchRemote asks a collector that has to forward the call.
func startGRPCDispatchRemote(_ context.Context, l load) (*bed, error) {
	b := &bed{}
	toB, err := b.serveSeed(&seedDispatcher{id: "b", handlers: seedHandlers()})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	toA, err := b.serveSeed(&seedDispatcher{id: "a", peers: map[string]*grpc.ClientConn{namespace: toB}})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.op = dispatchOperation(toA, l.size, "b")
	return b, nil
}

func (b *bed) serveSeed(d *seedDispatcher) (*grpc.ClientConn, error) {
	server := grpc.NewServer()
	server.RegisterService(&seedService, d)
	return b.serveGRPC(server, insecure.NewCredentials())
}

// dispatchOperation asks for the echo method by a grpc-go client, whoever serves the contract.
func dispatchOperation(conn *grpc.ClientConn, size int, executor string) operation {
	sent := string(payload(size))
	return func(ctx context.Context) (yield, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		input, err := anypb.New(wrapperspb.String(sent))
		if err != nil {
			return yield{}, err
		}
		request := &collector.DispatchRequest{
			Namespace:  namespace,
			Service:    &collector.ServiceTypeRef{Namespace: namespace, ServiceName: echoService},
			MethodName: echoMethod,
			Input:      input,
		}
		answer := new(collector.DispatchResponse)
		if err := conn.Invoke(ctx, dispatchProcedure, request, answer); err != nil {
			return yield{}, err
		}
		return checkDispatched(answer, sent, executor)
	}
}

func checkDispatched(answer *collector.DispatchResponse, sent, executor string) (yield, error) {
	if code := answer.GetStatus().GetCode(); code != 200 || answer.GetHandledByCollectorId() != executor {
		return yield{}, status.Errorf(codes.Internal, "%d %s, handled by %q", code, answer.GetStatus().GetMessage(),
			answer.GetHandledByCollectorId())
	}
	var got wrapperspb.StringValue
	if err := answer.GetOutput().UnmarshalTo(&got); err != nil {
		return yield{}, err
	}
	return checkEcho(len(sent), len(got.GetValue()))
}

// seedHandler is the seed's untyped handler.
type seedHandler func(ctx context.Context, input any) (any, error)

func seedHandlers() map[string]seedHandler {
	return map[string]seedHandler{
		namespace + "/" + echoService + "/" + echoMethod: func(_ context.Context, input any) (any, error) { return input, nil },
	}
}

// seedDispatcher does not change once it serves.
type seedDispatcher struct {
	id       string
	handlers map[string]seedHandler
	peers    map[string]*grpc.ClientConn // by namespace
}

// Dispatch runs the method here if it can, else at the peer that has the namespace.
func (d *seedDispatcher) Dispatch(ctx context.Context, in *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	request := &collector.ServeRequest{
		Namespace: in.GetNamespace(), Service: in.GetService(), MethodName: in.GetMethodName(), Input: in.GetInput(),
	}
	answer, err := d.run(ctx, request)
	if err != nil {
		return nil, err
	}
	return &collector.DispatchResponse{
		Status: answer.GetStatus(), Output: answer.GetOutput(), HandledByCollectorId: answer.GetExecutorId(),
	}, nil
}

func (d *seedDispatcher) run(ctx context.Context, request *collector.ServeRequest) (*collector.ServeResponse, error) {
	peer, ok := d.peers[request.GetNamespace()]
	if !ok {
		return d.Serve(ctx, request)
	}
	answer := new(collector.ServeResponse)
	return answer, peer.Invoke(ctx, serveProcedure, request, answer)
}

// Serve runs the method here.
func (d *seedDispatcher) Serve(ctx context.Context, in *collector.ServeRequest) (*collector.ServeResponse, error) {
	handler, ok := d.handlers[in.GetNamespace()+"/"+in.GetService().GetServiceName()+"/"+in.GetMethodName()]
	if !ok {
		return d.refuse(404, "method not found"), nil
	}
	var text wrapperspb.StringValue
	if err := in.GetInput().UnmarshalTo(&text); err != nil {
		return d.refuse(400, err.Error()), nil
	}
	result, err := handler(ctx, text.GetValue())
	if err != nil {
		return d.refuse(500, err.Error()), nil
	}
	output, err := anypb.New(wrapperspb.String(result.(string)))
	if err != nil {
		return d.refuse(500, err.Error()), nil
	}
	return &collector.ServeResponse{Status: &collector.Status{Code: 200}, Output: output, ExecutorId: d.id}, nil
}

func (d *seedDispatcher) refuse(code int32, message string) *collector.ServeResponse {
	return &collector.ServeResponse{Status: &collector.Status{Code: code, Message: message}, ExecutorId: d.id}
}

// seedService is what protoc-gen-go-grpc would generate for the two methods; it would also generate their messages a
// second time, and two registrations of one message name panic.
var seedService = grpc.ServiceDesc{
	ServiceName: "collector.CollectiveDispatcher",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Dispatch", Handler: grpcUnary((*seedDispatcher).Dispatch)},
		{MethodName: "Serve", Handler: grpcUnary((*seedDispatcher).Serve)},
	},
}

// grpcUnary is the generated method handler for a server without interceptors.
func grpcUnary[In, Out any](method func(*seedDispatcher, context.Context, *In) (*Out, error)) grpc.MethodHandler {
	return func(server any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(In)
		if err := decode(in); err != nil {
			return nil, err
		}
		return method(server.(*seedDispatcher), ctx, in)
	}
}
