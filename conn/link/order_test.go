package link_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// TestHeadersBeforeMessage wants response headers at the caller before the first message is even sent.
func TestHeadersBeforeMessage(t *testing.T) {
	t.Parallel()
	second := make(chan struct{})
	p := newPairWith(t, config("a", echo{}), config("b", scripted{
		count: func(ctx context.Context, stream testingv1connect.EchoServiceCountServerStream) error {
			info, _ := connect.CallInfoForServerContext(ctx)
			info.ResponseHeader().Set("X-Early", "yes")
			if err := stream.Send(&testingv1.CountResponse{Number: 1}); err != nil {
				return err
			}
			info.ResponseHeader().Set("X-Late", "too late")
			<-second
			info.ResponseTrailer().Set("X-Trailer", "end")
			return stream.Send(&testingv1.CountResponse{Number: 2})
		},
	}))
	ctx, info := connect.NewClientContext(t.Context())
	stream, err := p.client().Count(ctx, &testingv1.CountRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); err != nil {
		t.Fatal(err)
	}
	if info.ResponseHeader().Get("X-Early") != "yes" {
		t.Error("headers are not there with the first message")
	}
	close(second)
	if _, err := stream.Receive(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if info.ResponseTrailer().Get("X-Trailer") != "end" {
		t.Error("the trailer is lost")
	}
	if info.ResponseHeader().Has("X-Late") {
		t.Error("a header that was set after the headers had left came through")
	}
	if info.Protocol != "link" || info.Codec != "proto" || info.PeerAddr != "b" {
		t.Errorf("CallInfo = %q %q %q", info.Protocol, info.Codec, info.PeerAddr)
	}
}

// TestHeadersAlone wants headers that the handler sent off, also when there are none, before it has said more.
func TestHeadersAlone(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"yes", ""} {
		goOn := make(chan struct{})
		p := newPairWith(t, config("a", echo{}), config("b", scripted{
			count: func(ctx context.Context, stream testingv1connect.EchoServiceCountServerStream) error {
				info, _ := connect.CallInfoForServerContext(ctx)
				if early != "" {
					info.ResponseHeader().Set("X-Early", early)
				}
				if err := stream.SendHeaders(); err != nil {
					return err
				}
				<-goOn
				return stream.Send(&testingv1.CountResponse{Number: 1})
			},
		}))
		ctx, info := connect.NewClientContext(t.Context())
		stream := openCount(t, ctx, p)
		if !stream.(link.HeaderReceiver).ReceiveHeaders() || info.ResponseHeader().Get("X-Early") != early {
			t.Errorf("headers %v", info.ResponseHeader())
		}
		close(goOn)
		if stream.(link.HeaderReceiver).ReceiveHeaders() {
			t.Error("headers came twice")
		}
		if err := stream.Receive(new(testingv1.CountResponse)); err != nil {
			t.Fatal(err)
		}
		if err := stream.Receive(new(testingv1.CountResponse)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// TestHeadersWithAMessage wants nobody to wait for headers that come along with a message, or with the end.
func TestHeadersWithAMessage(t *testing.T) {
	t.Parallel()
	p := newPairWith(t, config("a", echo{}), config("b", scripted{
		count: func(ctx context.Context, stream testingv1connect.EchoServiceCountServerStream) error {
			info, _ := connect.CallInfoForServerContext(ctx)
			info.ResponseHeader().Set("X-Early", "yes")
			if info.RequestHeader().Has("X-Fail") {
				return connect.NewError(connect.CodeAborted, "no")
			}
			return stream.Send(&testingv1.CountResponse{Number: 1})
		},
	}))
	for _, fails := range []bool{false, true} {
		ctx, info := connect.NewClientContext(t.Context())
		if fails {
			info.RequestHeader().Set("X-Fail", "yes")
		}
		stream := openCount(t, ctx, p)
		if stream.(link.HeaderReceiver).ReceiveHeaders() {
			t.Error("headers by themselves")
		}
		if err := stream.Receive(new(testingv1.CountResponse)); (err != nil) != fails {
			t.Errorf("Receive = %v", err)
		}
		if info.ResponseHeader().Get("X-Early") != "yes" {
			t.Error("headers are lost")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream := openCount(t, ctx, p)
	cancel()
	if stream.(link.HeaderReceiver).ReceiveHeaders() {
		t.Error("headers of a canceled call")
	}
}

// openCount opens a Count call with its request sent.
func openCount(t *testing.T, ctx context.Context, p pair) connect.ClientStream {
	t.Helper()
	spec := connect.Spec{StreamType: connect.StreamTypeServer, Procedure: testingv1connect.EchoServiceCountProcedure}
	stream, err := p.a.Open(ctx, link.Call{Namespace: "test", Spec: spec})
	if err == nil {
		err = stream.Send(&testingv1.CountRequest{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

// TestNoMessages has calls of every kind on which nothing is sent.
func TestNoMessages(t *testing.T) {
	t.Parallel()
	p := newPairWith(t, config("a", echo{}), config("b", scripted{
		collect: func(_ context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
			_, err := stream.Receive()
			if !errors.Is(err, io.EOF) {
				t.Errorf("Receive = %v", err)
			}
			return &testingv1.CollectResponse{}, nil
		},
		count: func(context.Context, testingv1connect.EchoServiceCountServerStream) error { return nil },
		converse: func(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
			_, err := stream.Receive()
			if !errors.Is(err, io.EOF) {
				t.Errorf("Receive = %v", err)
			}
			return nil
		},
	}))
	collect, err := p.client().Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect.CloseAndReceive(); err != nil {
		t.Errorf("client stream: %v", err)
	}
	count, err := p.client().Count(t.Context(), &testingv1.CountRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := count.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("server stream: %v", err)
	}
	converse, err := p.client().Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := converse.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := converse.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("bidi stream: %v", err)
	}
	if err := converse.CloseSend(); err != nil {
		t.Errorf("second CloseSend: %v", err)
	}
	if err := converse.Send(&testingv1.ConverseRequest{}); !errors.Is(err, io.EOF) {
		t.Errorf("Send after CloseSend: %v", err)
	}
}

// TestHalfCloseOrders ends the two halves of a conversation in every order.
func TestHalfCloseOrders(t *testing.T) {
	t.Parallel()
	proceed := make(chan struct{})
	p := newPairWith(t, config("a", echo{}), config("b", scripted{
		converse: func(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
			req, err := stream.Receive()
			if err != nil {
				return err
			}
			if req.GetText() == "server first" {
				return nil
			}
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
				return connect.Errorf(connect.CodeInternal, "after the half-close: %v", err)
			}
			<-proceed
			return stream.Send(&testingv1.ConverseResponse{Text: "after the half-close"})
		},
	}))
	t.Run("server first", func(t *testing.T) {
		stream := converse(t, p, "server first")
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("Receive = %v", err)
		}
		if err := stream.Send(&testingv1.ConverseRequest{}); !errors.Is(err, io.EOF) {
			t.Errorf("Send = %v", err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Errorf("CloseSend = %v", err)
		}
	})
	t.Run("caller first", func(t *testing.T) {
		stream := converse(t, p, "caller first")
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		close(proceed)
		if got, err := stream.Receive(); err != nil || got.GetText() != "after the half-close" {
			t.Errorf("Receive = %v, %v", got, err)
		}
		for range 2 {
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("Receive = %v", err)
			}
		}
	})
	t.Run("caller drops the stream", func(t *testing.T) {
		stream := converse(t, p, "caller first")
		received := make(chan error, 1)
		go func() {
			_, err := stream.Receive()
			received <- err
		}()
		for range 2 {
			if err := stream.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		}
		if err := <-received; connect.CodeOf(err) != connect.CodeCanceled {
			t.Errorf("Receive beside Close = %v", err)
		}
		if err := stream.Send(&testingv1.ConverseRequest{}); !errors.Is(err, io.EOF) {
			t.Errorf("Send after Close = %v", err)
		}
		eventually(t, "calls in flight", func() bool { return p.a.InFlight()+p.b.InFlight() == 0 })
	})
	t.Run("closed before it was opened", func(t *testing.T) {
		stream, err := p.client().Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
		if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeCanceled {
			t.Errorf("Receive = %v", err)
		}
		if n := p.a.InFlight(); n != 0 {
			t.Errorf("%d calls in flight", n)
		}
	})
}

// converse begins a conversation with a text.
func converse(t *testing.T, p pair, text string) testingv1connect.EchoServiceConverseClientStream {
	t.Helper()
	stream, err := p.client().Converse(t.Context())
	if err == nil {
		err = stream.Send(&testingv1.ConverseRequest{Text: text})
	}
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// TestCardinality breaks the rules of one-message kinds from either end.
func TestCardinality(t *testing.T) {
	t.Parallel()
	cfg := config("b", echo{})
	cfg.Handler = func(_ context.Context, procedure string, _ *connect.CallInfo, stream connect.ServerStream) error {
		switch procedure {
		case "/s/None":
			return nil
		case "/s/Two":
			if err := stream.Send(&testingv1.EchoResponse{}); err != nil {
				return err
			}
			return stream.Send(&testingv1.EchoResponse{})
		}
		var req testingv1.EchoRequest
		return stream.Receive(&req)
	}
	near, far := tcpPair(t)
	p := connected(t, near, far, config("a", echo{}), cfg)
	client := connect.NewClient(p.a.Transport("test"))
	for procedure, want := range map[string]connect.Code{"/s/None": connect.CodeUnimplemented, "/s/Two": connect.CodeInternal} {
		var res testingv1.EchoResponse
		err := client.CallUnary(t.Context(), connect.Spec{Procedure: procedure}, &testingv1.EchoRequest{}, &res)
		if connect.CodeOf(err) != want {
			t.Errorf("%s = %v, want %v", procedure, err, want)
		}
	}
	stream, err := p.a.Transport("test").NewClientStream(t.Context(), connect.Spec{Procedure: "/s/Read"})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Receive(&testingv1.EchoResponse{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("a unary call without a request = %v", err)
	}
}
