package link_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// A receiver that does not read costs 256 KiB and, after the stall timeout, its call.
const (
	window       = 256 << 10
	stallTimeout = 30 * time.Second
)

// TestFrozenHandler has a caller that sends to a handler which does not receive.
func TestFrozenHandler(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 1000, "large": 100_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
					converse: func(ctx context.Context, _ testingv1connect.EchoServiceConverseServerStream) error {
						<-ctx.Done()
						ended <- ctx.Err()
						return nil
					},
				}))
				stream, err := p.client().Converse(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				start, sent := time.Now(), 0
				for err == nil {
					if err = stream.Send(&testingv1.ConverseRequest{Text: textOf(size)}); err == nil {
						sent += size
					}
				}
				if sent > window || sent+size < window*9/10 {
					t.Errorf("%d bytes could be sent to nobody", sent)
				}
				if connect.CodeOf(err) != connect.CodeResourceExhausted || time.Since(start) != stallTimeout {
					t.Errorf("Send = %v after %v", err, time.Since(start))
				}
				if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeResourceExhausted {
					t.Errorf("Receive = %v", err)
				}
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("the handler ended with %v", err)
				}
				synctest.Wait()
				if a, b := p.a.InFlight(), p.b.InFlight(); a != 0 || b != 0 {
					t.Errorf("%d and %d calls in flight", a, b)
				}
			})
		})
	}
}

// TestFrozenCaller has a handler that sends to a caller which does not receive. It gets what was sent when it wakes up,
// and then the reason.
func TestFrozenCaller(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 1000, "large": 100_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				ended := make(chan error, 1)
				p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
					converse: func(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) (err error) {
						for err == nil {
							if err = stream.Send(&testingv1.ConverseResponse{Text: textOf(size)}); err == nil {
								sent++
							}
						}
						ended <- err
						return err
					},
				}))
				stream, err := p.client().Converse(t.Context())
				if err == nil {
					err = stream.SendHeaders()
				}
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if err := <-ended; connect.CodeOf(err) != connect.CodeResourceExhausted || time.Since(start) != stallTimeout {
					t.Errorf("the handler's Send = %v after %v", err, time.Since(start))
				}
				if sent*size > window || (sent+1)*size < window*9/10 {
					t.Errorf("%d messages of %d bytes could be sent to nobody", sent, size)
				}
				synctest.Wait()
				for range sent {
					if _, err := stream.Receive(); err != nil {
						t.Fatalf("what was sent is lost: %v", err)
					}
				}
				if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeResourceExhausted {
					t.Errorf("Receive = %v", err)
				}
				synctest.Wait()
				if a, b := p.a.InFlight(), p.b.InFlight(); a != 0 || b != 0 {
					t.Errorf("%d and %d calls in flight", a, b)
				}
			})
		})
	}
}

// TestSlowButAlive reads a message every 20 s: slower than anything, but never for 30 s nothing.
func TestSlowButAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
			converse: func(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
				for range 20 {
					if err := stream.Send(&testingv1.ConverseResponse{Text: textOf(100_000)}); err != nil {
						return err
					}
				}
				return nil
			},
		}))
		stream, err := p.client().Converse(t.Context())
		if err == nil {
			err = stream.SendHeaders()
		}
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			<-time.After(20 * time.Second)
			if _, err := stream.Receive(); err != nil {
				t.Fatalf("message %d = %v", n, err)
			}
		}
	})
}
