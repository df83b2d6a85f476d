package link_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/memnet"
)

// TestAnswersWithoutCredit has a peer call for large answers, of which it takes no more than their first window: what waits to be
// sent has a bound, all calls are told why they fail, and the link goes on.
func TestAnswersWithoutCredit(t *testing.T) { //nolint:paralleltest // looks at the heap
	const calls, size = 400, 1 << 20
	const mayWait = 128 << 20 // MaxHeld, and as much for the calls, and for what is let go while it is measured; all answers are 400 MiB
	answer := &testingv1.EchoResponse{Text: textOf(size)}
	var handlers atomic.Int64
	cfg := config("b", echo{})
	cfg.Limits.StallTimeout = 300 * time.Millisecond
	cfg.Handler = func(_ context.Context, _ string, _ *connect.CallInfo, stream connect.ServerStream) error {
		handlers.Add(1)
		return stream.Send(answer)
	}
	for _, kind := range []connect.StreamType{connect.StreamTypeUnary, connect.StreamTypeBidi} {
		t.Run(fmt.Sprint("kind ", kind), func(t *testing.T) {
			before := inUse()
			handlers.Store(0)
			near, far := tcpPair(t)
			l, p := attacked(t, near, far, cfg)
			ended := make(chan byte, calls)
			go func() {
				defer close(ended)
				for f, err := p.receive(); err == nil; f, err = p.receive() {
					switch {
					case f.typ == typePing:
						p.send(frame{typ: typePong, payload: f.payload})
					case f.typ == typeEnd && f.flags&failed != 0:
						ended <- f.payload[0]
					}
				}
			}()
			for n := range uint64(calls) {
				p.send(frame{typeOpen, halfClose, 2*n + 1, append(fields(0, 0, "test", "/p/m", "proto", []byte{byte(kind), 0, 0}), fields(0)...)})
			}
			eventually(t, "all handlers run", func() bool { return handlers.Load() == calls })
			most := inUse() - before
			for range calls {
				code, ok := <-ended
				if !ok {
					t.Fatalf("the link is over: %v", l.Err())
				}
				if connect.Code(code) != connect.CodeResourceExhausted {
					t.Fatalf("a call ended with code %v", connect.Code(code))
				}
				if len(ended) == 0 {
					most = max(most, inUse()-before)
				}
			}
			t.Logf("%.1f MiB held", float64(most)/(1<<20))
			if most > mayWait && !raceEnabled {
				t.Errorf("%d bytes wait to be sent, want at most %d", most, mayWait)
			}
			if err := l.Err(); err != nil {
				t.Errorf("the link is over: %v", err)
			}
		})
	}
}

// TestLargeOnSlowWire has many large messages wait for each other on a wire on which all of them take longer than one may make
// no progress: none of them fails, since what goes before them moves.
func TestLargeOnSlowWire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		near.Throttle(20 * megabit)
		cfg := config("a", echo{})
		cfg.Limits.MaxHeld, cfg.Limits.StallTimeout = 4<<20, time.Second // 0.4 s for a message
		p := connected(t, near, far, cfg, config("b", sink{}))
		start := time.Now()
		errs := make(chan error)
		const at = 20
		for range at {
			go func() {
				_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(1 << 20)})
				errs <- err
			}()
		}
		for range at {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took < 5*time.Second {
			t.Errorf("the messages took only %v: the wire is no test", took)
		}
	})
}

// TestRawCounts has a raw message wait for a receiver that does not read. It takes as much of what may wait as one that is encoded
// here, of which the next finds too little; what has failed takes nothing any more.
func TestRawCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		cfg := config("a", echo{})
		cfg.Limits.MaxHeld, cfg.Limits.StallTimeout = 4<<20, 2*time.Second
		deaf := config("b", echo{})
		deaf.Handler = func(ctx context.Context, _ string, _ *connect.CallInfo, _ connect.ServerStream) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p := connected(t, near, far, cfg, deaf)
		send := func() <-chan error {
			stream, err := p.a.Open(t.Context(), link.Call{Spec: connect.Spec{Procedure: "/p/m", StreamType: connect.StreamTypeBidi}})
			if err != nil {
				t.Fatal(err)
			}
			sent := make(chan error, 1)
			go func() {
				sent <- stream.Send(&link.Raw{Data: make([]byte, 3<<20)})
				stream.Close()
			}()
			synctest.Wait()
			return sent
		}
		for range 2 {
			first, second := send(), send()
			for _, of := range []struct {
				sent <-chan error
				why  string
			}{{first, "the receiver has not read"}, {second, "already wait for b"}} {
				if err := <-of.sent; connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), of.why) {
					t.Errorf("%v, want resource_exhausted: %s", err, of.why)
				}
			}
		}
	})
}
