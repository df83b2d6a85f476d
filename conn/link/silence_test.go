package link_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/memnet"
)

// noticed is how long a silent peer may go unnoticed.
const noticed = 3500 * time.Millisecond

// TestSilentPeer cuts the wire without a word, at different times after the last sign of life.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 500 * time.Millisecond, 1999 * time.Millisecond, 2 * time.Second, 2001 * time.Millisecond, time.Hour} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, wire := memoryPair(t, config("a", echo{}), config("b", echo{}))
				<-time.After(after)
				wire.Silence()
				cut := time.Now()
				for _, l := range []*link.Link{p.a, p.b} {
					<-l.Done()
					if took := time.Since(cut); took > noticed || !errors.Is(l.Err(), link.ErrSilent) {
						t.Errorf("noticed after %v: %v", took, l.Err())
					}
				}
			})
		})
	}
}

// TestSilentPeerUnderLoad cuts the wire in the middle of a stream.
func TestSilentPeerUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, wire := memoryPair(t, config("a", echo{}), config("b", echo{}))
		stream, err := p.client().Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if err := stream.Send(&testingv1.ConverseRequest{Text: textOf(10_000)}); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Receive(); err != nil {
				t.Fatal(err)
			}
		}
		wire.Silence()
		cut := time.Now()
		_, err = stream.Receive()
		if took := time.Since(cut); took > noticed {
			t.Errorf("the stream failed only after %v", took)
		}
		wantLost(t, err, true)
	})
}

// wantLost checks that the link failed the call, and what it says of the request.
func wantLost(t *testing.T, err error, sent bool) {
	t.Helper()
	var failure *connect.Error
	var lost *link.Error
	if !errors.As(err, &failure) || failure.Code() != connect.CodeUnavailable || failure.IsRemote() || !errors.As(err, &lost) {
		t.Errorf("call = %v, want unavailable by this end with a *link.Error", err)
		return
	}
	if lost.Sent != sent {
		t.Errorf("call = %v: Sent = %v", err, lost.Sent)
	}
}

// TestSilentPeerFailsCalls has calls in flight, begun before and after the cut.
func TestSilentPeerFailsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, wire := memoryPair(t, config("a", echo{}), config("b", stuck{}))
		results := make(chan error, 2)
		call := func() {
			_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "x"})
			results <- err
		}
		go call()
		synctest.Wait()
		wire.Silence()
		go call()
		wantLost(t, <-results, true)
		wantLost(t, <-results, true)
		_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{Text: "too late"})
		wantLost(t, err, false)
		if text := err.Error(); !strings.Contains(text, "link to b: the other end does not answer pings") || !strings.Contains(text, "was not sent") {
			t.Errorf("the error does not say what happened: %s", text)
		}
	})
}

// stuck handles calls until they are canceled.
type stuck struct{ echo }

func (stuck) Echo(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestStuckWrite has a peer that is alive but reads nothing. What waits behind the write in progress has not left.
func TestStuckWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := newRawPeer(t, config("b", echo{}))
		go func() {
			for l.Err() == nil {
				p.send(frame{typ: typePong, payload: make([]byte, 8)})
				select {
				case <-time.After(time.Second):
				case <-l.Done():
				}
			}
		}()
		client := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("test")))
		early, late := make(chan error, 100), make(chan error, 1)
		for range 100 { // more than the wire holds
			go func() {
				_, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: textOf(10_000)})
				early <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		go func() {
			_, err := client.Echo(t.Context(), &testingv1.EchoRequest{Text: "behind"})
			late <- err
		}()
		wantLost(t, <-late, false)
		left := 0
		for range cap(early) {
			if err := <-early; strings.Contains(err.Error(), "may have been executed") {
				left++
			}
		}
		if left == 0 {
			t.Error("no call says that it may have left, although the wire is full of them")
		}
		if took := time.Since(start); took < 5*time.Second || took > 5010*time.Millisecond {
			t.Errorf("the write was given up after %v", took)
		}
		if !strings.Contains(l.Err().Error(), "taken nothing for 5 s") {
			t.Errorf("Err = %v", l.Err())
		}
	})
}

// TestLatePong answers pings by hand after a while.
func TestLatePong(t *testing.T) {
	t.Parallel()
	for delay, alive := range map[time.Duration]bool{0: true, 900 * time.Millisecond: true, 1100 * time.Millisecond: false} {
		t.Run(fmt.Sprint(delay), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, p := newRawPeer(t, config("b", echo{}))
				go func() {
					for f, err := p.receive(); err == nil; f, err = p.receive() {
						if f.typ != typePing {
							continue
						}
						select {
						case <-time.After(delay):
							p.send(frame{typ: typePong, payload: f.payload})
						case <-l.Done():
						}
					}
				}()
				select {
				case <-l.Done():
				case <-time.After(time.Minute):
				}
				if (l.Err() == nil) != alive {
					t.Fatalf("after a minute: %v", l.Err())
				}
				if alive && l.RTT() != max(1, delay) {
					t.Errorf("RTT = %v, want %v", l.RTT(), delay)
				}
			})
		})
	}
}

// TestBulkIsNoSilence announces a catalog over a wire on which what a PING has before it takes longer than a PING may.
// The other end has nothing to say but that it reads, and a cut of the wire is noticed as soon as ever.
func TestBulkIsNoSilence(t *testing.T) {
	t.Parallel()
	const wire = 60_000 // bytes a second
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		near.Throttle(wire)
		cfg, got := announced(config("b", echo{}))
		p := connected(t, near, far, config("a", echo{}), cfg)
		start := time.Now()
		go func() { _ = p.a.Announce(1, make([]byte, 1<<20)) }()
		select {
		case <-got:
		case <-p.a.Done():
			t.Fatalf("taken for dead while it read: %v", p.a.Err())
		}
		if took := time.Since(start); took < (1<<20)/wire*time.Second {
			t.Errorf("the catalog took only %v: the wire is no test", took)
		}
		go func() { _ = p.a.Announce(2, make([]byte, 1<<20)) }()
		<-time.After(7 * time.Second)
		if p.a.Err() != nil || p.b.Err() != nil {
			t.Fatalf("taken for dead while it read: %v, %v", p.a.Err(), p.b.Err())
		}
		near.Silence()
		cut := time.Now()
		onTheWay := time.Second * (96 << 10) / wire // one write, which arrives after the cut
		for _, end := range []struct {
			*link.Link
			limit time.Duration
		}{{p.a, noticed}, {p.b, noticed + onTheWay}} {
			<-end.Done()
			if took := time.Since(cut); took > end.limit || !errors.Is(end.Err(), link.ErrSilent) {
				t.Errorf("noticed after %v, want at most %v: %v", took, end.limit, end.Err())
			}
		}
	})
}

// TestSlowAnswers has a peer that takes nearly all the time that it has for each answer, and then stops: neither makes the
// other wait longer than ever.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := newRawPeer(t, config("b", echo{}))
		p.expect(typePing) // for the round trip
		start := time.Now()
		for asked := p.expect(typePing); time.Since(start) < 20*time.Second; asked = p.expect(typePing) {
			<-time.After(900 * time.Millisecond) // the ticks of the wait pass
			p.send(frame{typ: typePong, payload: asked.payload})
		}
		if err := l.Err(); err != nil {
			t.Fatalf("slow answers within the time: %v", err)
		}
		cut := time.Now()
		<-l.Done()
		if took := time.Since(cut); took > noticed || !errors.Is(l.Err(), link.ErrSilent) {
			t.Errorf("noticed after %v: %v", took, l.Err())
		}
	})
}
