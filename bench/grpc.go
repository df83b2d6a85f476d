package main

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
)

// grpcDirect is grpc-go on both ends with its defaults, all callers on one client connection.
var grpcDirect = contender{"grpc", startGRPC}

func startGRPC(_ context.Context, l load) (*bed, error) {
	creds, err := grpcCredentials(l.tls)
	if err != nil {
		return nil, err
	}
	b := &bed{}
	server := grpc.NewServer(grpc.Creds(creds.server))
	benchv1.RegisterBenchServiceServer(server, grpcEcho{})
	conn, err := b.serveGRPC(server, creds.client)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.op = grpcOperation(benchv1.NewBenchServiceClient(conn), l)
	return b, nil
}

// serveGRPC serves on a loopback port and answers a client connection to it; the bed closes both.
func (b *bed) serveGRPC(
	server *grpc.Server, creds credentials.TransportCredentials, opts ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.onClose(func() error { server.Stop(); return <-served })
	return b.dialGRPC(listener.Addr().String(), creds, opts...)
}

func (b *bed) dialGRPC(address string, creds credentials.TransportCredentials, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(address, append(opts, grpc.WithTransportCredentials(creds))...)
	if err != nil {
		return nil, err
	}
	b.onClose(conn.Close)
	return conn, nil
}

func grpcOperation(client benchv1.BenchServiceClient, l load) operation {
	if l.stream > 0 {
		request := &benchv1.FeedRequest{Count: uint32(l.stream), Size: uint32(l.size)}
		return func(ctx context.Context) (yield, error) { return grpcFeed(ctx, client, request) }
	}
	sent := payload(l.size)
	return func(ctx context.Context) (yield, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, requestIDKey, requestID, tenantKey, tenant)
		got, err := client.Echo(ctx, &benchv1.EchoRequest{Payload: sent})
		if err != nil {
			return yield{}, err
		}
		return checkEcho(len(sent), len(got.GetPayload()))
	}
}

func grpcFeed(ctx context.Context, client benchv1.BenchServiceClient, request *benchv1.FeedRequest) (yield, error) {
	stream, err := client.Feed(ctx, request)
	if err != nil {
		return yield{}, err
	}
	return drain(stream.Recv)
}

// drain receives until the clean end of a stream.
func drain(receive func() (*benchv1.FeedResponse, error)) (yield, error) {
	var moved yield
	for {
		message, err := receive()
		if errors.Is(err, io.EOF) {
			return moved, nil
		}
		if err != nil {
			return yield{}, err
		}
		moved.calls++
		moved.bytes += len(message.GetPayload())
	}
}

// grpcEcho serves BenchService by grpc-go.
type grpcEcho struct {
	benchv1.UnimplementedBenchServiceServer
}

func (grpcEcho) Echo(ctx context.Context, in *benchv1.EchoRequest) (*benchv1.EchoResponse, error) {
	if err := checkArrival(ctx, incoming(ctx, requestIDKey)); err != nil {
		return nil, err
	}
	return &benchv1.EchoResponse{Payload: in.GetPayload()}, nil
}

func (grpcEcho) Feed(in *benchv1.FeedRequest, stream grpc.ServerStreamingServer[benchv1.FeedResponse]) error {
	return feed(in, stream.Send)
}

// feed is the handler of Feed for every contender.
func feed(in *benchv1.FeedRequest, send func(*benchv1.FeedResponse) error) error {
	message := &benchv1.FeedResponse{Payload: payload(int(in.GetSize()))}
	for range in.GetCount() {
		if err := send(message); err != nil {
			return err
		}
	}
	return nil
}

func incoming(ctx context.Context, name string) string {
	values := metadata.ValueFromIncomingContext(ctx, name)
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// credentialPair is what the two ends of a grpc-go connection need.
type credentialPair struct {
	client, server credentials.TransportCredentials
}

func grpcCredentials(secure bool) (credentialPair, error) {
	if !secure {
		return credentialPair{client: insecure.NewCredentials(), server: insecure.NewCredentials()}, nil
	}
	ends, err := newTLSPair()
	if err != nil {
		return credentialPair{}, err
	}
	return credentialPair{client: credentials.NewTLS(ends.client), server: credentials.NewTLS(ends.server)}, nil
}
