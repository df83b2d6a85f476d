package dispatcher_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// stubborn serves streams without a look at its context: only what Send and Receive tell ends it.
type stubborn struct {
	testingv1connect.UnimplementedEchoServiceHandler
	began, ended chan error
}

func newStubborn() stubborn {
	return stubborn{began: make(chan error, 1), ended: make(chan error, 1)}
}

func (s stubborn) Collect(_ context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	_, err := stream.Receive()
	s.began <- err
	for err == nil {
		_, err = stream.Receive()
	}
	s.ended <- err
	return nil, err
}

func (s stubborn) Count(_ context.Context, _ *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	err := stream.Send(&testingv1.CountResponse{})
	s.began <- err
	for err == nil {
		err = stream.Send(&testingv1.CountResponse{Number: 1})
	}
	s.ended <- err
	return err
}

func (s stubborn) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	_, err := stream.Receive()
	s.began <- err
	for err == nil {
		err = stream.Send(&testingv1.ConverseResponse{Text: "still here"})
	}
	s.ended <- err
	return err
}

// openings begin a call of each kind of stream and leave it open.
var openings = map[string]func(context.Context, testingv1connect.EchoServiceClient) error{
	"client stream": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Collect(ctx)
		if err != nil {
			return err
		}
		return stream.Send(&testingv1.CollectRequest{Number: 1})
	},
	"server stream": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		_, err := client.Count(ctx, &testingv1.CountRequest{})
		return err
	},
	"both ways": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Converse(ctx)
		if err != nil {
			return err
		}
		// Once an answer has begun, the HTTP/2 client of Go looks at the context only when it reads or writes; one that does
		// neither tells nobody that it gave up. So it closes the stream, as it has to.
		context.AfterFunc(ctx, func() { _ = stream.Close() })
		return stream.Send(&testingv1.ConverseRequest{Text: "x"})
	},
}

// leavings are the ways in which a client is gone from one moment to the next.
var leavings = map[string]func(cancel func(), cut *cuttable){
	"cancels":                    func(cancel func(), _ *cuttable) { cancel() },
	"vanishes":                   func(_ func(), cut *cuttable) { cut.cut() },
	"vanishes without a goodbye": func(_ func(), cut *cuttable) { cut.reset() },
}

// cuttable keeps the connections of a client, to cut them under it.
type cuttable struct {
	mu    sync.Mutex
	conns []*net.TCPConn
}

func (c *cuttable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conns = append(c.conns, conn.(*net.TCPConn))
	}
	return conn, err
}

func (c *cuttable) each(do func(*net.TCPConn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		do(conn)
	}
}

func (c *cuttable) cut() { c.each(func(conn *net.TCPConn) { _ = conn.Close() }) }

func (c *cuttable) reset() {
	c.each(func(conn *net.TCPConn) { _ = conn.SetLinger(0); _ = conn.Close() })
}

// A client that is gone in the middle of a stream, however it went, ends the handler, which is told by its next Send or
// Receive; also one that sends for ever to a client that never read. Nothing stays behind.
func TestVanish_TheHandlerEndsAndNothingStays(t *testing.T) {
	t.Parallel()
	service := newStubborn()
	p := newWatchedPair(t, service)
	for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
		for kind, begin := range openings {
			for how, leave := range leavings {
				for _, n := range []node{p.a, p.b} {
					what := protocol + ", " + kind + ", " + how + " at " + n.ID()
					cut := new(cuttable)
					ctx, cancel := context.WithCancel(t.Context())
					err := begin(ctx, n.cuttableClient(t, cut, protocols[protocol]...))
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					if err := <-service.began; err != nil {
						t.Fatalf("%s: the handler begins with %v", what, err)
					}
					leave(cancel, cut)
					select {
					case err := <-service.ended:
						if err == nil || err == io.EOF && kind != "both ways" && kind != "server stream" {
							t.Errorf("%s: the handler was told %v", what, err)
						}
					case <-time.After(patience):
						t.Fatalf("%s: the handler is not told", what)
					}
					p.quiet(t, what)
					cancel()
				}
			}
		}
	}
}

func (n node) cuttableClient(t *testing.T, cut *cuttable, opts ...connecthttp.Option) testingv1connect.EchoServiceClient {
	t.Helper()
	client := meshtest.HTTP2Client(t)
	client.Transport.(*http.Transport).DialContext = cut.dial
	return testingv1connect.NewEchoServiceClient(connect.NewClient(connecthttp.NewTransport(client, "http://"+n.Address, opts...)))
}
