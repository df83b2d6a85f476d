package main

import (
	"context"
	"errors"
	"net"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	benchv1 "github.com/collectiverpc/collective/bench/gen/bench/v1"
	"github.com/collectiverpc/collective/bench/gen/bench/v1/benchv1connect"
)

// connect-go v2 on both ends over h2c: what a call costs without a mesh.
var (
	connectGRPC  = contender{"connect_grpc", startConnect(connecthttp.WithGRPC())} // speaking gRPC
	connectPlain = contender{"connect", startConnect()}                            // speaking Connect
)

func startConnect(opts ...connecthttp.Option) func(context.Context, load) (*bed, error) {
	return func(_ context.Context, l load) (*bed, error) { return connectBed(l, opts) }
}

func connectBed(l load, opts []connecthttp.Option) (*bed, error) {
	server := connect.NewServer()
	benchv1connect.RegisterBenchServiceHandler(server, connectEcho{})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	b := &bed{}
	address, err := b.serveHTTP(mux)
	if err != nil {
		return nil, err
	}
	b.op = connectOperation(connecthttp.NewTransport(b.h2cClient(), "http://"+address, opts...), l)
	return b, nil
}

// serveHTTP serves HTTP/1.1 and h2c on a loopback port until the bed closes.
func (b *bed) serveHTTP(handler http.Handler) (address string, err error) {
	listener, err := listen()
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	b.serveOn(listener, server)
	return listener.Addr().String(), nil
}

func (b *bed) serveOn(listener net.Listener, server *http.Server) {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.onClose(func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	})
}

// h2cClient multiplexes all callers over HTTP/2 without TLS.
func (b *bed) h2cClient() *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	b.onClose(quietly(transport.CloseIdleConnections))
	return &http.Client{Transport: transport}
}

// connectOperation calls by the generated client over any transport: HTTP, a bare link, or the mesh.
func connectOperation(transport connect.Transport, l load) operation {
	client := benchv1connect.NewBenchServiceClient(connect.NewClient(transport))
	if l.stream > 0 {
		request := &benchv1.FeedRequest{Count: uint32(l.stream), Size: uint32(l.size)}
		return func(ctx context.Context) (yield, error) { return connectFeed(ctx, client, request) }
	}
	sent := payload(l.size)
	return func(ctx context.Context) (yield, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		ctx, info := connect.NewClientContext(ctx)
		info.RequestHeader().Set(requestIDHeader, requestID)
		info.RequestHeader().Set(tenantHeader, tenant)
		got, err := client.Echo(ctx, &benchv1.EchoRequest{Payload: sent})
		if err != nil {
			return yield{}, err
		}
		return checkEcho(len(sent), len(got.GetPayload()))
	}
}

func connectFeed(ctx context.Context, client benchv1connect.BenchServiceClient, request *benchv1.FeedRequest) (yield, error) {
	stream, err := client.Feed(ctx, request)
	if err != nil {
		return yield{}, err
	}
	moved, err := drain(stream.Receive)
	return moved, errors.Join(err, stream.Close())
}

// connectEcho serves BenchService by connect-go.
type connectEcho struct{}

func (connectEcho) Echo(ctx context.Context, in *benchv1.EchoRequest) (*benchv1.EchoResponse, error) {
	if err := checkArrival(ctx, requestIDOf(ctx)); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err.Error())
	}
	return &benchv1.EchoResponse{Payload: in.GetPayload()}, nil
}

func (connectEcho) Feed(_ context.Context, in *benchv1.FeedRequest, stream benchv1connect.BenchServiceFeedServerStream) error {
	return feed(in, stream.Send)
}

func requestIDOf(ctx context.Context) string {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return ""
	}
	return info.RequestHeader().Get(requestIDHeader)
}
