package link_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// TestDrainUnderLoad drains links on which both ends call without a pause. A call may succeed or be refused as surely
// not executed; anything else, or an execution of a refused one, fails the test.
func TestDrainUnderLoad(t *testing.T) {
	t.Parallel()
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for n := range rounds {
		var executed atomic.Int64
		service := scripted{unary: func(_ context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
			executed.Add(1)
			return &testingv1.EchoResponse{Text: req.GetText()}, nil
		}}
		p := newPairWith(t, config("a", service), config("b", service))
		var callers, warm sync.WaitGroup
		var answered atomic.Int64
		var draining atomic.Bool
		warm.Add(32)
		for i := range 32 {
			end := p.a
			if i%2 == 1 {
				end = p.b
			}
			client, warmed := p.clientOf(end), sync.OnceFunc(warm.Done)
			text := textOf(i * 1000)
			callers.Go(func() {
				for !(draining.Load() && end == p.b) { // who drains has stopped calling
					got, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: text})
					if err != nil {
						wantLost(t, err, false)
						return
					}
					if got.GetText() != text {
						t.Error("wrong answer")
					}
					answered.Add(1)
					warmed()
				}
			})
		}
		warm.Wait()
		draining.Store(true)
		if err := p.b.Drain(t.Context()); err != nil {
			t.Errorf("round %d: Drain = %v", n, err)
		}
		<-p.a.Done()
		callers.Wait()
		if executed.Load() != answered.Load() {
			t.Errorf("round %d: %d calls executed, %d answered", n, executed.Load(), answered.Load())
		}
		for name, l := range map[string]*link.Link{"a": p.a, "b": p.b} {
			if !errors.Is(l.Err(), link.ErrDrained) {
				t.Errorf("round %d: Err of %s = %v", n, name, l.Err())
			}
		}
	}
}

// TestDrainWaits has a stream and a handler that finish in their own time, and a handler that needs a call of its own
// for it.
func TestDrainWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pair
		nested := scripted{unary: func(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
			<-time.After(time.Minute)
			return p.clientOf(p.b).Echo(ctx, req)
		}}
		p, _ = memoryPair(t, config("a", echo{}), config("b", nested))
		stream, err := p.clientOf(p.b).Converse(t.Context())
		if err == nil {
			err = stream.SendHeaders()
		}
		if err != nil {
			t.Fatal(err)
		}
		called := make(chan error, 1)
		go func() {
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{})
			called <- err
		}()
		synctest.Wait()
		drained := make(chan error, 1)
		start := time.Now()
		go func() { drained <- p.b.Drain(t.Context()) }()
		synctest.Wait()

		_, err = p.client().Echo(t.Context(), &testingv1.EchoRequest{})
		wantLost(t, err, false)
		if err := <-called; err != nil || time.Since(start) != time.Minute {
			t.Errorf("call of the handler with a call of its own = %v after %v", err, time.Since(start))
		}
		if err := stream.Send(&testingv1.ConverseRequest{Text: "still open"}); err != nil {
			t.Error(err)
		}
		if got, err := stream.Receive(); err != nil || got.GetText() != "still open" {
			t.Errorf("stream: %v, %v", got, err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if err := <-drained; err != nil || time.Since(start) != time.Minute {
			t.Errorf("Drain = %v after %v", err, time.Since(start))
		}
		<-p.a.Done()
	})
}

// TestDrainGivesUp has a handler that outlasts the patience of Drain.
func TestDrainGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := memoryPair(t, config("a", echo{}), config("b", stuck{}))
		called := make(chan error, 1)
		go func() {
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{})
			called <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.b.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v", err)
		}
		wantLost(t, <-called, true)
	})
}

// TestDrainBoth drains from both ends at once, and again after that.
func TestDrainBoth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			p, _ := memoryPair(t, config("a", echo{}), config("b", echo{}))
			start := time.Now()
			drained := make(chan error, 4)
			for _, l := range []*link.Link{p.a, p.b, p.a, p.b} {
				go func() { drained <- l.Drain(t.Context()) }()
			}
			for range cap(drained) {
				if err := <-drained; err != nil {
					t.Errorf("Drain = %v", err)
				}
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("it took %v", took)
			}
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{})
			wantLost(t, err, false)
		}
	})
}

// TestDrainToSilence drains although the other end says nothing more.
func TestDrainToSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, wire := memoryPair(t, config("a", echo{}), config("b", echo{}))
		wire.Silence()
		start := time.Now()
		if err := p.b.Drain(t.Context()); err != nil || time.Since(start) > noticed {
			t.Errorf("Drain = %v after %v", err, time.Since(start))
		}
	})
}
