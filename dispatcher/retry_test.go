package dispatcher_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// failing makes the first attempts on peers fail as links do.
type failing struct {
	opened   atomic.Int32
	failures int32 // attempts that fail
	at       string
	sent     bool
}

func (f *failing) intercept(next connect.ClientFunc) connect.ClientFunc {
	return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
		attempt := f.opened.Add(1)
		if attempt > f.failures {
			return next(ctx, spec)
		}
		err := connect.NewError(connect.CodeUnavailable, "link: cut").WithCause(&link.Error{Sent: f.sent, Reason: "cut by the test"})
		if f.at == "open" {
			return nil, err
		}
		return &failingStream{at: f.at, err: err}, nil
	}
}

type failingStream struct {
	at  string
	err error
}

func (s *failingStream) SendHeaders() error { return nil }
func (s *failingStream) CloseSend() error   { return nil }
func (s *failingStream) Close() error       { return nil }

func (s *failingStream) Send(any) error {
	if s.at == "send" {
		return s.err
	}
	return nil
}

func (s *failingStream) Receive(any) error { return s.err }

// triple is a collector whose calls to peers fail as told, with three peers that host the test service.
func triple(t *testing.T, f *failing) node {
	t.Helper()
	a := serve(t, "a", []string{"test"}, dispatcher.WithClientInterceptors(f.intercept))
	for _, id := range []string{"b", "c", "d"} {
		peer := serve(t, id, []string{"test"})
		peer.hostEcho(t, "test")
		join(t, a, peer)
	}
	a.waitFor(t, "three peers", func() bool {
		return len(a.Connections().Table().Serving("test", testingv1connect.EchoServiceEchoProcedure)) == 3
	})
	return a
}

func TestRetry(t *testing.T) {
	t.Parallel()
	type method func(t *testing.T, client testingv1connect.EchoServiceClient) error
	echoOnce := func(t *testing.T, client testingv1connect.EchoServiceClient) error {
		_, err := client.Echo(t.Context(), &testingv1.EchoRequest{})
		return err
	}
	lookOnce := func(t *testing.T, client testingv1connect.EchoServiceClient) error {
		_, err := client.Look(t.Context(), &testingv1.LookRequest{})
		return err
	}
	count := func(t *testing.T, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Count(t.Context(), &testingv1.CountRequest{Limit: 1})
		if err != nil {
			return err
		}
		defer stream.Close()
		_, err = stream.Receive()
		return err
	}
	collect := func(t *testing.T, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Collect(t.Context())
		if err != nil {
			return err
		}
		_ = stream.Send(&testingv1.CollectRequest{})
		_, err = stream.CloseAndReceive()
		return err
	}
	tests := []struct {
		name     string
		call     method
		failing  *failing
		attempts int32
		reason   string // empty: it succeeds
	}{
		{"not sent, at once", echoOnce, &failing{failures: 1, at: "open"}, 2, ""},
		{"not sent, with the message", echoOnce, &failing{failures: 1, at: "send"}, 2, ""},
		{"not sent, told with the answer", echoOnce, &failing{failures: 2, at: "receive"}, 3, ""},
		{"not sent, three times", echoOnce, &failing{failures: 9, at: "receive"}, 3, "link_down"},
		{"sent", echoOnce, &failing{failures: 1, at: "receive", sent: true}, 1, "link_lost"},
		{"sent, but declared repeatable", lookOnce, &failing{failures: 1, at: "receive", sent: true}, 2, ""},
		{"sent and repeatable, three times", lookOnce, &failing{failures: 9, at: "receive", sent: true}, 3, "link_lost"},
		{"server stream, not sent", count, &failing{failures: 1, at: "receive"}, 2, ""},
		{"server stream, sent", count, &failing{failures: 1, at: "receive", sent: true}, 1, "link_lost"},
		{"request stream, cannot be asked", collect, &failing{failures: 1, at: "open"}, 2, ""},
		{"request stream, once begun", collect, &failing{failures: 1, at: "receive"}, 1, "link_down"},
	}
	for _, entrance := range []string{"transport", "native"} {
		for _, tt := range tests {
			t.Run(entrance+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				f := &failing{failures: tt.failing.failures, at: tt.failing.at, sent: tt.failing.sent}
				a := triple(t, f)
				client := a.mesh("test")
				if entrance == "native" {
					client = a.client(t)
				}
				err := tt.call(t, client)
				if n := f.opened.Load(); n != tt.attempts {
					t.Errorf("%d attempts, want %d", n, tt.attempts)
				}
				if tt.reason == "" {
					if err != nil {
						t.Errorf("err = %v", err)
					}
					return
				}
				failure := callFailure(t, err)
				if failure.GetReason() != tt.reason || failure.GetMaybeExecuted() != (tt.reason == "link_lost") || len(failure.GetRoute()) != 2 {
					t.Errorf("%v: %v", err, failure)
				}
				if connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "cut by the test") {
					t.Errorf("err = %v", err)
				}
			})
		}
	}
}

func TestRetry_DispatchTellsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for sent, want := range map[bool]wrong{
		false: {code: 503, connect: connect.CodeUnavailable, reason: "link_down", message: "the call did not run"},
		true:  {code: 503, connect: connect.CodeUnavailable, reason: "link_lost", message: "it may have run there"},
	} {
		f := &failing{failures: 9, at: "receive", sent: sent}
		a := triple(t, f)
		res, err := a.Dispatch(t.Context(), &collector.DispatchRequest{
			Namespace: "test", Service: ref("EchoService"), MethodName: "Echo", TargetCollectorId: "c",
		})
		if err != nil {
			t.Fatal(err)
		}
		want.check(t, res.GetStatus(), "a,c")
		if f.opened.Load() != 1 || res.GetHandledByCollectorId() != "c" {
			t.Errorf("%d attempts, handled by %s", f.opened.Load(), res.GetHandledByCollectorId())
		}
	}
}

func TestRetry_StopsWhenTheCallerIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &failing{failures: 9, at: "open"}
	a := triple(t, f)
	cancel()
	_, err := a.mesh("test").Echo(ctx, &testingv1.EchoRequest{})
	if connect.CodeOf(err) != connect.CodeCanceled || f.opened.Load() != 0 {
		t.Errorf("%d attempts: %v", f.opened.Load(), err)
	}
}

// Every call that ends, however it ends, leaves the load of its peer: what balancing goes by must not drift.
func TestRetry_LoadsReturnToZero(t *testing.T) {
	t.Parallel()
	f := new(failing)
	a := triple(t, f)
	client := a.mesh("test")
	for i := range 60 {
		f.failures, f.at = f.opened.Load()+int32(i%3), []string{"open", "send", "receive"}[i%3]
		_, _ = client.Echo(t.Context(), &testingv1.EchoRequest{})
		_, _ = client.Fail(t.Context(), &testingv1.FailRequest{Code: 3})
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := client.Converse(ctx)
		if err == nil && i%2 == 0 {
			_ = stream.Send(&testingv1.ConverseRequest{})
			_, _ = stream.Receive()
		}
		cancel()
	}
	deadline := time.Now().Add(patience)
	for strings.Contains(explainEcho(a).String(), "under way") { // a context that ended is noticed a moment later
		if time.Now().After(deadline) {
			t.Fatalf("calls are counted that have ended: %v", explainEcho(a))
		}
		runtime.Gosched()
	}
}
