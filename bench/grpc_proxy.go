package main

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
)

// grpcProxy is a generic proxy on grpc-go between a grpc-go client and a grpc-go server: it forwards any method without
// decoding messages, as such proxies usually do, by an unknown-service handler and a codec that passes bytes.
var grpcProxy = contender{"grpc_proxy", startGRPCProxy}

func startGRPCProxy(_ context.Context, l load) (*bed, error) {
	b := &bed{}
	conn, err := b.chainProxy()
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.op = grpcOperation(benchv1.NewBenchServiceClient(conn), l)
	return b, nil
}

// chainProxy serves the backend and the proxy in front of it, and answers a connection to the proxy.
func (b *bed) chainProxy() (*grpc.ClientConn, error) {
	backend := grpc.NewServer()
	benchv1.RegisterBenchServiceServer(backend, grpcEcho{})
	toBackend, err := b.serveGRPC(backend, insecure.NewCredentials(), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(passBytes{})))
	if err != nil {
		return nil, err
	}
	proxy := grpc.NewServer(grpc.ForceServerCodecV2(passBytes{}), grpc.UnknownServiceHandler(forwardTo(toBackend)))
	return b.serveGRPC(proxy, insecure.NewCredentials())
}

// forwardTo pumps both directions of a call of any kind.
func forwardTo(backend *grpc.ClientConn) grpc.StreamHandler {
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	return func(_ any, in grpc.ServerStream) error {
		method, ok := grpc.MethodFromServerStream(in)
		if !ok {
			return status.Error(codes.Internal, "a call without a method")
		}
		ctx, cancel := context.WithCancel(in.Context())
		defer cancel()
		if arrived, ok := metadata.FromIncomingContext(ctx); ok {
			ctx = metadata.NewOutgoingContext(ctx, arrived)
		}
		out, err := backend.NewStream(ctx, desc, method)
		if err != nil {
			return err
		}
		go pumpRequests(in, out)
		return pumpResponses(in, out)
	}
}

// pumpRequests ends with the request stream; a failure shows in the response stream.
func pumpRequests(in grpc.ServerStream, out grpc.ClientStream) {
	for {
		var f frame
		if in.RecvMsg(&f) != nil {
			_ = out.CloseSend()
			return
		}
		if out.SendMsg(&f) != nil {
			return
		}
	}
}

func pumpResponses(in grpc.ServerStream, out grpc.ClientStream) error {
	for {
		var f frame
		err := out.RecvMsg(&f)
		if errors.Is(err, io.EOF) {
			in.SetTrailer(out.Trailer())
			return nil
		}
		if err != nil {
			return err
		}
		if err := in.SendMsg(&f); err != nil {
			return err
		}
	}
}

// frame is a message that is not decoded.
type frame struct{ bytes mem.BufferSlice }

// passBytes is the codec of frames.
type passBytes struct{}

func (passBytes) Name() string { return "proto" }

func (passBytes) Marshal(message any) (mem.BufferSlice, error) {
	return message.(*frame).bytes, nil // the transport frees them when they are written
}

func (passBytes) Unmarshal(data mem.BufferSlice, message any) error {
	data.Ref() // the caller frees its own reference
	message.(*frame).bytes = data
	return nil
}
