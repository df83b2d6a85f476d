package link_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// h2cServer serves HTTP/2 without TLS, and a client that speaks nothing else.
func h2cServer(t *testing.T, handler http.Handler) (*http.Client, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: server.Config.Protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, server.URL
}

// carrierOf serves the Carry RPC and gives every stream away.
func carrierOf(take func(stream io.ReadWriteCloser)) http.Handler {
	return carrier.Handler(func(context.Context) (func(io.ReadWriteCloser), error) { return take, nil })
}

// carriedPair links two ends by the Carry RPC.
func carriedPair(t *testing.T) pair {
	t.Helper()
	accepted := make(chan *link.Link, 1)
	client, url := h2cServer(t, carrierOf(func(stream io.ReadWriteCloser) {
		l, err := link.Server(context.Background(), stream, config("b", mixed{}))
		if err != nil {
			t.Error(err)
		}
		accepted <- l
	}))
	stream, err := carrier.DialCarry(t.Context(), client, url)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Client(t.Context(), stream, config("a", echo{}))
	if err != nil {
		t.Fatal(err)
	}
	p := pair{l, <-accepted}
	if !carrier.Carried(stream) {
		t.Error("the stream does not know what carries it")
	}
	t.Cleanup(func() {
		p.a.Close("test over")
		p.b.Close("test over")
	})
	return p
}

func TestCarriedCalls(t *testing.T) {
	t.Parallel()
	p := carriedPair(t)
	var calls sync.WaitGroup
	for i := range 8 {
		for _, l := range []*link.Link{p.a, p.b} {
			calls.Go(func() {
				for size := range 12 {
					text := textOf(i + size*size*1000)
					got, err := p.clientOf(l).Echo(t.Context(), &testingv1.EchoRequest{Text: text})
					if err != nil || got.GetText() != text {
						t.Errorf("Echo of %d bytes: %d bytes, %v", len(text), len(got.GetText()), err)
					}
				}
			})
		}
	}
	calls.Wait()
	if n := p.a.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
}

func TestCarriedDrain(t *testing.T) {
	t.Parallel()
	for name, drains := range map[string]func(pair) (drained, other *link.Link){
		"dialled":  func(p pair) (drained, other *link.Link) { return p.a, p.b },
		"accepted": func(p pair) (drained, other *link.Link) { return p.b, p.a },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drained, other := drains(carriedPair(t))
			if err := drained.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			<-other.Done()
			for _, l := range []*link.Link{drained, other} {
				if !errors.Is(l.Err(), link.ErrDrained) {
					t.Errorf("Err = %v", l.Err())
				}
			}
		})
	}
}

func TestCarriedClose(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]func(pair) (closed, other *link.Link){
		"dialled":  func(p pair) (closed, other *link.Link) { return p.a, p.b },
		"accepted": func(p pair) (closed, other *link.Link) { return p.b, p.a },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := carriedPair(t)
			closed, other := closes(p)
			stream := floodOf(t, t.Context(), p)
			if _, err := stream.Receive(); err != nil {
				t.Fatal(err)
			}
			closed.Close("enough")
			<-other.Done()
			if errors.Is(other.Err(), link.ErrSilent) {
				t.Errorf("the other end was not told: %v", other.Err())
			}
			var err error
			for err == nil {
				_, err = stream.Receive()
			}
			wantLost(t, err, true)
		})
	}
}

// TestCarriedSilence wants the link on a carrier that says nothing more to be given up as any other.
func TestCarriedSilence(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 3 s")
	}
	greeted := make(chan struct{})
	client, url := h2cServer(t, carrierOf(func(stream io.ReadWriteCloser) {
		p := &rawPeer{t: t, conn: stream, in: bufio.NewReader(stream)}
		if err := p.greetAsAcceptor(); err != nil {
			t.Error(err)
		}
		close(greeted)
		_, _ = io.Copy(io.Discard, stream)
		stream.Close()
	}))
	stream, err := carrier.DialCarry(t.Context(), client, url)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Client(t.Context(), stream, config("a", echo{}))
	if err != nil {
		t.Fatal(err)
	}
	<-greeted
	late, start := watchLateness(t), time.Now()
	<-l.Done()
	if took, want := time.Since(start), late.within(); took > want || !errors.Is(l.Err(), link.ErrSilent) {
		t.Errorf("noticed after %v, want at most %v: %v", took, want, l.Err())
	}
}
