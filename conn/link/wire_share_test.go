package link_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/memnet"
)

// On fake time processors cost nothing: what these tests see is only what calls wait for each other on the wire.

const megabit = 1_000_000 / 8

// throttled links two ends by a wire of that many bytes a second.
func throttled(t *testing.T, rate int, service testingv1connect.EchoServiceHandler) pair {
	t.Helper()
	near, far := memnet.Pipe()
	near.Throttle(rate)
	return connected(t, near, far, config("a", echo{}), config("b", service))
}

// TestUploadOnSlowWire uploads 200 MiB over 20 Mbit/s, with 100 small calls a second beside it.
func TestUploadOnSlowWire(t *testing.T) {
	t.Parallel()
	size := 200 << 20
	if raceEnabled || testing.Short() {
		size = 20 << 20
	}
	synctest.Test(t, func(t *testing.T) {
		p := throttled(t, 20*megabit, sink{})
		if alone := tail(smallCalls(t, p, func() { <-time.After(10 * time.Second) })); alone > time.Millisecond {
			t.Errorf("without the upload small calls take %v", alone)
		}
		start := time.Now()
		beside := tail(smallCalls(t, p, func() { uploadAll(t, p, size) }))
		took, wire := time.Since(start), time.Duration(size)*time.Second/(20*megabit)
		t.Logf("p99 of small calls %v; the upload took %v, the wire alone %v", beside, took, wire)
		if beside > 150*time.Millisecond {
			t.Errorf("p99 of small calls is %v", beside)
		}
		if took > wire*11/10 {
			t.Errorf("the upload took %v where the wire needs %v", took, wire)
		}
	})
}

// smallCalls begins a call every 10 ms while work runs, and returns how long each took.
func smallCalls(t *testing.T, p pair, work func()) (took []time.Duration) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		work()
		close(over)
	}()
	var calls sync.WaitGroup
	var mu sync.Mutex
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			calls.Wait()
			return took
		case <-tick.C:
		}
		calls.Go(func() {
			begun := time.Now()
			if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(100)}); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(begun))
		})
	}
}

func tail(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)*99/100]
}

func uploadAll(t *testing.T, p pair, size int) {
	stream, err := p.client().Converse(t.Context())
	for left := size; left > 0 && err == nil; left -= 64 << 10 {
		err = stream.Send(&testingv1.ConverseRequest{Text: textOf(64 << 10)})
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil {
		_, err = stream.Receive()
	}
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestFairUploads wants uploads to share the wire, whatever the size of their messages. Shares are not equal: turns are
// by part, and a message whose last part is small uses its last turn badly.
func TestFairUploads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttled(t, 100*megabit, sink{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		sent := make([]int, 4)
		var uploads sync.WaitGroup
		for i, size := range []int{20_000, 64 << 10, 1 << 20, 4_000_000} {
			uploads.Go(func() {
				stream, err := p.client().Converse(ctx)
				text := textOf(size)
				for err == nil {
					if err = stream.Send(&testingv1.ConverseRequest{Text: text}); err == nil {
						sent[i] += size
					}
				}
			})
		}
		uploads.Wait()
		least, most := slices.Min(sent), slices.Max(sent)
		if least < most/4 {
			t.Errorf("shares of the uploads: %v bytes", sent)
		}
	})
}
