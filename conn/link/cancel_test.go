package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// hesitant answers after a random time, and counts the handlers that run.
type hesitant struct {
	echo
	running *atomic.Int64
}

func (hesitant) hesitate(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(rand.IntN(10_000)) * time.Microsecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h hesitant) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	h.running.Add(1)
	defer h.running.Add(-1)
	if err := h.hesitate(ctx); err != nil {
		return nil, err
	}
	return h.echo.Echo(ctx, req)
}

func (h hesitant) Converse(ctx context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	h.running.Add(1)
	defer h.running.Add(-1)
	for {
		req, err := stream.Receive()
		if err != nil {
			return err
		}
		if err := h.hesitate(ctx); err != nil {
			return err
		}
		if err := stream.Send(&testingv1.ConverseResponse{Text: req.GetText()}); err != nil {
			return err
		}
	}
}

// TestRandomCancels cancels 2000 calls and conversations at random moments, and looks for what is left of them.
func TestRandomCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int64
		service := hesitant{running: &running}
		p, _ := memoryPair(t, config("a", service), config("b", service))
		var calls sync.WaitGroup
		for i := range 2000 {
			client, ask := p.clientOf(p.a), askOnce
			if i%2 == 0 {
				client = p.clientOf(p.b)
			}
			if i%4 < 2 {
				ask = askUntilCanceled
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(rand.IntN(15_000))*time.Microsecond, cancel)
			calls.Go(func() {
				if err := ask(ctx, client, fmt.Sprint("call ", i)); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		synctest.Wait() // no time passes: handlers end by their contexts, not by themselves
		if n := running.Load(); n != 0 {
			t.Errorf("%d handlers still run", n)
		}
		if a, b := p.a.InFlight(), p.b.InFlight(); a != 0 || b != 0 {
			t.Errorf("%d and %d calls in flight", a, b)
		}
		if err := askOnce(t.Context(), p.client(), "the link still works"); err != nil {
			t.Error(err)
		}
	})
}

func askOnce(ctx context.Context, client testingv1connect.EchoServiceClient, text string) error {
	got, err := client.Echo(ctx, &testingv1.EchoRequest{Text: text})
	return checkAnswer(ctx, text, got.GetText(), err)
}

func askUntilCanceled(ctx context.Context, client testingv1connect.EchoServiceClient, text string) error {
	stream, err := client.Converse(ctx)
	for n := 0; err == nil && ctx.Err() == nil; n++ {
		want := fmt.Sprint(text, " message ", n)
		if err = stream.Send(&testingv1.ConverseRequest{Text: want}); err != nil && !errors.Is(err, io.EOF) {
			break
		}
		var got *testingv1.ConverseResponse
		if got, err = stream.Receive(); err == nil {
			err = checkAnswer(ctx, want, got.GetText(), nil)
		}
	}
	if err = errors.Join(err, stream.Close()); connect.CodeOf(err) == connect.CodeCanceled {
		return nil
	}
	return err
}

func checkAnswer(ctx context.Context, want, got string, err error) error {
	switch {
	case err == nil && got != want:
		return fmt.Errorf("%q was answered with %q", want, got)
	case err != nil && ctx.Err() == nil, err != nil && connect.CodeOf(err) != connect.CodeCanceled:
		return fmt.Errorf("%q failed: %w", want, err)
	}
	return nil
}
