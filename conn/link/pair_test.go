package link_test

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/memnet"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := acceptLinks(); err != nil {
			log.Fatal(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// pair is two ends of a link, each serving EchoService to the other.
type pair struct {
	a, b *link.Link // a dialled
}

func (p pair) clientOf(l *link.Link) testingv1connect.EchoServiceClient {
	return testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("test")))
}

// client calls from the initiator to the acceptor.
func (p pair) client() testingv1connect.EchoServiceClient { return p.clientOf(p.a) }

func echoHandler(svc testingv1connect.EchoServiceHandler) link.Handler {
	server := connect.NewServer()
	testingv1connect.RegisterEchoServiceHandler(server, svc)
	return server.Call
}

func config(id string, svc testingv1connect.EchoServiceHandler) link.Config {
	return link.Config{
		Hello:   link.Hello{CollectorID: id, SessionID: "session-" + id},
		Handler: echoHandler(svc),
		Logger:  slog.New(slog.DiscardHandler),
	}
}

func connected(t testing.TB, a, b io.ReadWriteCloser, configA, configB link.Config) pair {
	t.Helper()
	type opened struct {
		link *link.Link
		err  error
	}
	accepted := make(chan opened, 1)
	go func() {
		l, err := link.Server(t.Context(), b, configB)
		accepted <- opened{l, err}
	}()
	dialled, err := link.Client(t.Context(), a, configA)
	other := <-accepted
	if err != nil || other.err != nil {
		t.Fatalf("Client: %v, Server: %v", err, other.err)
	}
	t.Cleanup(func() {
		dialled.Close("test over")
		other.link.Close("test over")
	})
	return pair{dialled, other.link}
}

// newPair links two ends over loopback TCP.
func newPair(t testing.TB) pair {
	t.Helper()
	return newPairWith(t, config("a", echo{}), config("b", echo{}))
}

func newPairWith(t testing.TB, configA, configB link.Config) pair {
	t.Helper()
	a, b := tcpPair(t)
	return connected(t, a, b, configA, configB)
}

func tcpPair(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, _ := listener.Accept()
		accepted <- conn
	}()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return dialled, <-accepted
}

// memoryPair links two ends in memory, for tests in a synctest bubble. Either connection can be silenced.
func memoryPair(t testing.TB, configA, configB link.Config) (pair, *memnet.Conn) {
	t.Helper()
	a, b := memnet.Pipe()
	return connected(t, a, b, configA, configB), a
}

// echo is the service that most tests call.
type echo struct {
	testingv1connect.UnimplementedEchoServiceHandler
}

func (echo) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		for _, v := range info.RequestHeader().Values("X-Mirror") {
			info.ResponseHeader().Add("X-Header", v)
			info.ResponseTrailer().Add("X-Trailer", v)
		}
	}
	return &testingv1.EchoResponse{Text: req.GetText(), Padding: make([]byte, req.GetPadding())}, nil
}

func (echo) Fail(ctx context.Context, req *testingv1.FailRequest) (*testingv1.FailResponse, error) {
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("X-Header", "h")
		info.ResponseTrailer().Set("X-Trailer", "t")
	}
	err := connect.NewError(connect.Code(req.GetCode()), req.GetMessage())
	if req.GetDetail() == "" {
		return nil, err
	}
	detail, detailErr := connectproto.NewErrorDetail(req)
	if detailErr != nil {
		return nil, detailErr
	}
	return nil, err.WithDetail(detail)
}

func (echo) Collect(_ context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	sum := int64(0)
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return &testingv1.CollectResponse{Sum: sum}, nil
		}
		if err != nil {
			return nil, err
		}
		sum += req.GetNumber()
	}
}

func (echo) Count(_ context.Context, req *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	for n := int64(1); n <= req.GetLimit(); n++ {
		if err := stream.Send(&testingv1.CountResponse{Number: n}); err != nil {
			return err
		}
	}
	return nil
}

func (echo) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&testingv1.ConverseResponse{Text: req.GetText()}); err != nil {
			return err
		}
	}
}
