package link_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// scripted has handlers that a test writes.
type scripted struct {
	echo
	unary    func(context.Context, *testingv1.EchoRequest) (*testingv1.EchoResponse, error)
	collect  func(context.Context, testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error)
	count    func(context.Context, testingv1connect.EchoServiceCountServerStream) error
	converse func(context.Context, testingv1connect.EchoServiceConverseServerStream) error
}

func (s scripted) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	if s.unary == nil {
		return s.echo.Echo(ctx, req)
	}
	return s.unary(ctx, req)
}

func (s scripted) Collect(ctx context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	return s.collect(ctx, stream)
}

func (s scripted) Count(ctx context.Context, _ *testingv1.CountRequest, stream testingv1connect.EchoServiceCountServerStream) error {
	return s.count(ctx, stream)
}

func (s scripted) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	return s.converse(ctx, stream)
}

// TestPanic wants a handler's panic to cost its own call and nothing else.
func TestPanic(t *testing.T) {
	t.Parallel()
	nobody := (*testingv1.EchoRequest)(nil)
	for name, fail := range map[string]func(){
		"text":   func() { panic("secret") },
		"error":  func() { panic(errors.New("secret")) },
		"nil":    func() { panic(nil) }, //nolint:govet // it happens
		"access": func() { nobody.Text = "" },
		"exit":   runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPairWith(t, config("a", echo{}), config("b", scripted{
				unary: func(_ context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
					if req.GetText() == "fail" {
						fail()
					}
					return &testingv1.EchoResponse{Text: req.GetText()}, nil
				},
			}))
			for range 200 {
				_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "fail"})
				if connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "secret") {
					t.Fatalf("call = %v", err)
				}
			}
			got, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "fine"})
			if err != nil || got.GetText() != "fine" {
				t.Errorf("after the panics: %v, %v", got, err)
			}
			eventually(t, "handlers are in flight", func() bool { return p.b.InFlight() == 0 })
		})
	}
}

// TestSendAfterCancel has a handler that does not look at its context.
func TestSendAfterCancel(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 10, "large": 40_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent := make(chan error, 3)
				p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
					converse: func(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
						<-ctx.Done()
						for range cap(sent) {
							sent <- stream.Send(&testingv1.ConverseResponse{Text: textOf(size)})
						}
						return nil
					},
				}))
				ctx, cancel := context.WithCancel(t.Context())
				stream, err := p.client().Converse(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := stream.SendHeaders(); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				cancel()
				for range cap(sent) {
					if err := <-sent; !errors.Is(err, context.Canceled) {
						t.Errorf("Send = %v", err)
					}
				}
				if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeCanceled {
					t.Errorf("Receive = %v", err)
				}
			})
		})
	}
}

// TestBlockedSendIsCanceled cancels a handler that waits for credit, and a caller that does.
func TestBlockedSendIsCanceled(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, testingv1connect.EchoServiceClient) error{
		"caller": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
			stream, err := client.Converse(ctx)
			for err == nil {
				err = stream.Send(&testingv1.ConverseRequest{Text: textOf(1000)})
			}
			_, err = stream.Receive()
			return err
		},
		"handler": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
			stream, err := client.Count(ctx, &testingv1.CountRequest{})
			<-ctx.Done()
			for err == nil { // what came before the deadline may still be delivered
				_, err = stream.Receive()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				handled := make(chan error, 1)
				p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
					converse: func(ctx context.Context, _ testingv1connect.EchoServiceConverseServerStream) error {
						<-ctx.Done()
						handled <- ctx.Err()
						return nil
					},
					count: func(_ context.Context, stream testingv1connect.EchoServiceCountServerStream) (err error) {
						for err == nil {
							err = stream.Send(&testingv1.CountResponse{Number: 1})
						}
						handled <- err
						return err
					},
				}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := call(ctx, p.client()); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
					t.Errorf("call = %v", err)
				}
				if err := <-handled; !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("handler = %v", err)
				}
			})
		})
	}
}

// TestEarlyReturn has a handler that returns while its caller still sends.
func TestEarlyReturn(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 10, "large": 100_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict := connect.NewError(connect.CodeAborted, "enough")
			p := newPairWith(t, config("a", echo{}), config("b", scripted{
				collect: func(_ context.Context, stream testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
					_, _ = stream.Receive()
					return nil, verdict
				},
				converse: func(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
					_, _ = stream.Receive()
					return verdict
				},
			}))
			for range 50 {
				stream, err := p.client().Converse(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for err == nil {
					err = stream.Send(&testingv1.ConverseRequest{Text: textOf(size)})
				}
				if !errors.Is(err, io.EOF) {
					t.Fatalf("Send = %v, want io.EOF", err)
				}
				for range 2 { // the verdict stays
					if _, err = stream.Receive(); connect.CodeOf(err) != connect.CodeAborted {
						t.Fatalf("Receive = %v", err)
					}
				}
			}
			eventually(t, "calls in flight", func() bool { return p.a.InFlight()+p.b.InFlight() == 0 })
		})
	}
}

// TestHandlerNeverReads wants a large unary request that nobody reads to get the verdict, not a failure of Send.
func TestHandlerNeverReads(t *testing.T) {
	t.Parallel()
	p, q := tcpPair(t)
	cfg := config("b", echo{})
	cfg.Handler = func(context.Context, string, *connect.CallInfo, connect.ServerStream) error {
		return connect.NewError(connect.CodePermissionDenied, "no")
	}
	ends := connected(t, p, q, config("a", echo{}), cfg)
	for range 100 {
		if _, err := ends.client().Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(1 << 20)}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Fatalf("call = %v", err)
		}
	}
}

// TestTooManyCalls wants calls over the cap refused, and room again when others end.
func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config("b", stuck{})
		cfg.Limits = link.Limits{MaxCalls: 10}
		p, _ := memoryPair(t, config("a", echo{}), cfg)
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 10)
		for range cap(results) {
			go func() {
				_, err := p.client().Echo(ctx, &testingv1.EchoRequest{})
				results <- err
			}()
		}
		synctest.Wait()
		if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("call 11 = %v", err)
		}
		cancel()
		for range cap(results) {
			<-results
		}
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.client().Echo(ctx, &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("a call after the others = %v, want it to reach the handler", err)
		}
	})
}

// TestStopReceiving ends a Receive that waits for a caller which has more to say: the verdict leaves at once.
func TestStopReceiving(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	b := config("b", echo{})
	b.Handler = func(_ context.Context, _ string, _ *connect.CallInfo, stream connect.ServerStream) error {
		if err := stream.Receive(new(testingv1.ConverseRequest)); err != nil {
			return err
		}
		received := make(chan error)
		go func() { received <- stream.Receive(new(testingv1.ConverseRequest)) }()
		stream.(link.ReceiveStopper).StopReceiving() //nolint:forcetypeassert // so it is documented
		ended <- <-received
		if err := stream.Receive(new(testingv1.ConverseRequest)); err == nil {
			return errors.New("received although stopped")
		}
		return connect.NewError(connect.CodeAborted, "enough")
	}
	p := newPairWith(t, config("a", echo{}), b)
	for range 3 { // the memory of a call is used again
		stream, err := p.client().Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&testingv1.ConverseRequest{Text: "first"}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("Receive that was stopped: %v", err)
		}
		text := strings.Repeat("x", 100<<10)
		for err == nil { // more than there is credit for
			err = stream.Send(&testingv1.ConverseRequest{Text: text})
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("Send after the end: %v", err)
		}
		if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeAborted {
			t.Errorf("the call ends with %v", err)
		}
		_ = stream.Close()
	}
}
