package link_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// observed tells when its handlers began and how their contexts ended.
type observed struct {
	echo
	ended chan ending
}

type ending struct {
	deadline time.Time // that the handler saw
	at       time.Time
	err      error
}

func (o observed) wait(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	<-ctx.Done()
	o.ended <- ending{deadline, time.Now(), ctx.Err()}
	return ctx.Err()
}

func (o observed) Echo(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	return nil, o.wait(ctx)
}

func (o observed) Collect(ctx context.Context, _ testingv1connect.EchoServiceCollectServerStream) (*testingv1.CollectResponse, error) {
	return nil, o.wait(ctx)
}

func (o observed) Count(ctx context.Context, _ *testingv1.CountRequest, _ testingv1connect.EchoServiceCountServerStream) error {
	return o.wait(ctx)
}

func (o observed) Converse(ctx context.Context, _ testingv1connect.EchoServiceConverseServerStream) error {
	return o.wait(ctx)
}

// waiters call each kind of method of an observed service and return what came of it.
var waiters = map[string]func(context.Context, testingv1connect.EchoServiceClient) error{
	"unary": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		_, err := client.Echo(ctx, &testingv1.EchoRequest{})
		return err
	},
	"client": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Collect(ctx)
		if err == nil {
			_, err = stream.CloseAndReceive()
		}
		return err
	},
	"server": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Count(ctx, &testingv1.CountRequest{})
		if err == nil {
			_, err = stream.Receive()
		}
		return err
	},
	"bidi": func(ctx context.Context, client testingv1connect.EchoServiceClient) error {
		stream, err := client.Converse(ctx)
		if err == nil {
			_, err = stream.Receive()
		}
		return err
	},
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for kind, call := range waiters {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := observed{ended: make(chan ending, 1)}
				p, _ := memoryPair(t, config("a", echo{}), config("b", service))
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				start := time.Now()
				err := call(ctx, p.client())
				if took := time.Since(start); connect.CodeOf(err) != connect.CodeDeadlineExceeded || took != 500*time.Millisecond {
					t.Errorf("call = %v after %v", err, took)
				}
				end := <-service.ended
				if !errors.Is(end.err, context.DeadlineExceeded) || end.at.Sub(start) > 600*time.Millisecond {
					t.Errorf("handler ended with %v after %v", end.err, end.at.Sub(start))
				}
				if left := end.deadline.Sub(start); left != 500*time.Millisecond {
					t.Errorf("the handler saw %v left", left)
				}
			})
		})
	}
}

// TestCancel wants the handler to know in the same moment.
func TestCancel(t *testing.T) {
	t.Parallel()
	for kind, call := range waiters {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := observed{ended: make(chan ending, 1)}
				p, _ := memoryPair(t, config("a", echo{}), config("b", service))
				ctx, cancel := context.WithCancel(t.Context())
				result := make(chan error, 1)
				go func() { result <- call(ctx, p.client()) }()
				synctest.Wait()
				canceled := time.Now()
				cancel()
				if err := <-result; connect.CodeOf(err) != connect.CodeCanceled || !errors.Is(err, context.Canceled) {
					t.Errorf("call = %v", err)
				}
				if end := <-service.ended; !errors.Is(end.err, context.Canceled) || end.at != canceled || !end.deadline.IsZero() {
					t.Errorf("handler: %+v", end)
				}
			})
		})
	}
}

// TestNoTimeLeft wants calls without time not to reach a handler.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	t.Run("at the caller", func(t *testing.T) {
		t.Parallel()
		p := newPairWith(t, config("a", echo{}), config("b", unreachable{t: t}))
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		if _, err := p.client().Echo(ctx, &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("call = %v", err)
		}
	})
	t.Run("on the way", func(t *testing.T) {
		t.Parallel()
		_, p := newRawPeer(t, config("b", unreachable{t: t}))
		p.send(openEcho(1, hasMsg|halfClose, 1))
		end := p.expect(typeEnd)
		if end.flags != failed || end.payload[0] != byte(connect.CodeDeadlineExceeded) {
			t.Errorf("END = %v", end)
		}
	})
}

// unreachable has handlers that must not be called.
type unreachable struct {
	echo
	t *testing.T
}

func (u unreachable) Echo(context.Context, *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	u.t.Error("the handler was called")
	return &testingv1.EchoResponse{}, nil
}

// TestDeadlineWithoutCancel has a caller that does not say that it gave up.
func TestDeadlineWithoutCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := observed{ended: make(chan ending, 1)}
		_, p := newRawPeer(t, config("b", service))
		start := time.Now()
		p.send(openEcho(1, hasMsg|halfClose, 50_001))
		end := p.expect(typeEnd)
		if took := time.Since(start); took != 50*time.Millisecond || end.payload[0] != byte(connect.CodeDeadlineExceeded) {
			t.Errorf("END = %v after %v", end, took)
		}
		if end := <-service.ended; !errors.Is(end.err, context.DeadlineExceeded) {
			t.Errorf("handler: %+v", end)
		}
	})
}

// TestManyDeadlines has a thousand calls whose deadlines pass in random order, some at the same time.
func TestManyDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := observed{ended: make(chan ending, 1000)}
		p, _ := memoryPair(t, config("a", echo{}), config("b", service))
		var calls sync.WaitGroup
		for range 1000 {
			timeout := time.Duration(rand.IntN(500)) * 10 * time.Millisecond
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				if _, err := p.client().Echo(ctx, &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
					t.Errorf("call with %v = %v", timeout, err)
				}
			})
		}
		calls.Wait()
		synctest.Wait()
		for range len(service.ended) {
			if end := <-service.ended; end.at.Sub(end.deadline).Abs() > 10*time.Millisecond {
				t.Errorf("handler ended %v after its deadline", end.at.Sub(end.deadline))
			}
		}
		if n := p.b.InFlight(); n != 0 {
			t.Errorf("%d handlers left", n)
		}
	})
}
