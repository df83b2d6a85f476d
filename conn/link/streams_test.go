package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect/v2"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// TestManyStreams runs 1000 conversations over one link at the same time, half of them from each end. Every third is
// canceled at a random moment. An answer that belongs to another stream or position, or none at all, fails the test.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := memoryPair(t, config("a", echo{}), config("b", echo{}))
		var opened, finished sync.WaitGroup
		opened.Add(1000)
		for i := range 1000 {
			c := conversation{client: p.clientOf(p.a), name: fmt.Sprint("from a ", i)}
			if i%2 == 1 {
				c = conversation{client: p.clientOf(p.b), name: fmt.Sprint("from b ", i)}
			}
			if c.cancelAt = -1; i%3 == 0 {
				c.cancelAt = rand.IntN(perStream)
			}
			finished.Go(func() {
				if err := c.run(t.Context(), &opened); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}
		finished.Wait()
		synctest.Wait()
		if a, b := p.a.InFlight(), p.b.InFlight(); a != 0 || b != 0 {
			t.Errorf("%d and %d calls in flight after all are over", a, b)
		}
	})
}

const perStream = 12

// conversation is perStream messages and their echoes, the last messages being sent before the first echo is read.
type conversation struct {
	client   testingv1connect.EchoServiceClient
	name     string
	cancelAt int // before this message
}

func (c conversation) run(ctx context.Context, opened *sync.WaitGroup) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.client.Converse(ctx)
	if err == nil {
		err = stream.SendHeaders()
	}
	opened.Done()
	if err != nil {
		return err
	}
	opened.Wait()
	if err := c.talk(stream, cancel); err != nil {
		return err
	}
	_, err = stream.Receive()
	if c.cancelAt < 0 && errors.Is(err, io.EOF) || c.cancelAt >= 0 && connect.CodeOf(err) == connect.CodeCanceled {
		return nil
	}
	return fmt.Errorf("the end is %w", err)
}

func (c conversation) talk(stream testingv1connect.EchoServiceConverseClientStream, cancel func()) error {
	sent := make(chan error, 1)
	go func() { sent <- c.send(stream, cancel) }()
	err := c.receive(stream)
	return errors.Join(<-sent, err)
}

func (c conversation) send(stream testingv1connect.EchoServiceConverseClientStream, cancel func()) error {
	for n := range perStream {
		if n == c.cancelAt {
			cancel()
			return nil
		}
		if err := stream.Send(&testingv1.ConverseRequest{Text: c.message(n)}); err != nil {
			return fmt.Errorf("send %d: %w", n, err)
		}
	}
	return stream.CloseSend()
}

func (c conversation) receive(stream testingv1connect.EchoServiceConverseClientStream) error {
	for n := range perStream {
		got, err := stream.Receive()
		if c.cancelAt >= 0 && connect.CodeOf(err) == connect.CodeCanceled {
			return nil
		}
		if err != nil || got.GetText() != c.message(n) {
			return fmt.Errorf("answer %d = %.40q, %w", n, got.GetText(), err)
		}
	}
	return nil
}

// message is unique to the stream and position. Some are larger than a frame.
func (c conversation) message(n int) string {
	text := fmt.Sprintf("%s message %d ", c.name, n)
	if n%7 == 3 {
		return text + textOf(20_000)
	}
	return text
}
