package link_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/memnet"
)

// faucet sends messages of one size for as long as somebody pays for them. Each stream says which of the counters is its.
type faucet struct {
	echo
	size int
	sent *[2]atomic.Int64
}

func (f faucet) Converse(_ context.Context, stream testingv1connect.EchoServiceConverseServerStream) error {
	req, err := stream.Receive()
	for err == nil {
		if err = stream.Send(&testingv1.ConverseResponse{Text: textOf(f.size)}); err == nil {
			f.sent[len(req.GetText())].Add(1)
		}
	}
	return err
}

// reader reads from a faucet.
type reader struct {
	testingv1connect.EchoServiceConverseClientStream
	sent     *atomic.Int64
	size     int
	received int64
}

func read(t *testing.T, p pair, f faucet, counter int) *reader {
	t.Helper()
	stream, err := p.client().Converse(t.Context())
	if err == nil {
		err = stream.Send(&testingv1.ConverseRequest{Text: textOf(counter)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &reader{EchoServiceConverseClientStream: stream, sent: &f.sent[counter], size: f.size}
}

// drain lets the sender run until it waits for credit, receives everything up to the message that it could not finish,
// and returns how many bytes the sender had been ahead.
func (r *reader) drain(t *testing.T) int {
	t.Helper()
	<-time.After(time.Second) // until the wire is quiet
	synctest.Wait()
	ahead := r.sent.Load() - r.received
	for range ahead + 1 {
		if _, err := r.Receive(); err != nil {
			t.Fatal(err)
		}
		r.received++
	}
	return int(ahead) * r.size
}

// windows is how far ahead the sender gets, time after time, of one that receives everything as soon as it looks.
func (r *reader) windows(t *testing.T) (all []int) {
	t.Helper()
	for range 8 {
		all = append(all, r.drain(t))
	}
	return all
}

// TestCreditFollowsNeed looks how far ahead a sender gets of a receiver that takes all there is whenever it looks. Up to
// 64 KiB are not granted again yet.
func TestCreditFollowsNeed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size        int // of messages
		way         time.Duration
		first, last int
	}{
		"few large messages":              {size: 60_000, way: near, first: 256 << 10, last: 4 << 20},
		"messages larger than the credit": {size: 300_000, way: near, last: 4 << 20},
		"many small messages":             {size: 1000, way: near, first: 256 << 10, last: 256 << 10},
		"small messages on a long way":    {size: 1000, way: 5 * time.Millisecond, first: 256 << 10, last: 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := faucet{size: tt.size, sent: new([2]atomic.Int64)}
				windows := read(t, distant(t, tt.way, config("a", echo{}), f), f, 0).windows(t)
				for i, want := range map[int]int{0: tt.first, len(windows) - 1: tt.last} {
					if !about(windows[i], want, tt.size) {
						t.Errorf("ahead by %v bytes, not by some %d", windows, want)
					}
				}
			})
		})
	}
}

// about allows for what is not granted again yet, and for what messages cost besides their bytes.
func about(got, want, size int) bool { return got <= want && got >= (want-64<<10)*95/100-2*size }

// near is a way so short that it is no reason for more credit, yet that a sender takes no part in a drain.
const near = time.Millisecond / 2

// distant links two ends that are so far from each other.
func distant(t *testing.T, way time.Duration, receiving link.Config, f faucet) pair {
	t.Helper()
	a, b := memnet.Pipe()
	a.Delay(way)
	return connected(t, a, b, receiving, config("b", f))
}

// TestExtraCreditIsShared has a stream that takes most of the extra credit of its link, and one that gets more of it when
// that has ended.
func TestExtraCreditIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := faucet{size: 60_000, sent: new([2]atomic.Int64)}
		receiving := config("a", echo{})
		receiving.Limits = link.Limits{MaxHeld: 4 << 20} // a quarter of it is there to lend
		p := distant(t, near, receiving, f)
		first, second := read(t, p, f, 0), read(t, p, f, 1)
		check := func(r *reader, want int) {
			if all := r.windows(t); !about(all[len(all)-1], want, f.size) {
				t.Errorf("ahead by %v bytes, not by some %d in the end", all, want)
			}
		}
		check(first, 1<<20)
		check(second, 512<<10)
		_ = first.Close()
		check(second, 1<<20)
	})
}
