package link_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/memnet"
)

// TestClose has calls in flight in both directions.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		services := map[string]observed{"a": {ended: make(chan ending, 2)}, "b": {ended: make(chan ending, 2)}}
		p, _ := memoryPair(t, config("a", services["a"]), config("b", services["b"]))
		results := make(chan error, 4)
		for _, l := range []*link.Link{p.a, p.b} {
			for _, kind := range []string{"unary", "bidi"} {
				go func() { results <- waiters[kind](t.Context(), p.clientOf(l)) }()
			}
		}
		synctest.Wait()
		for range 2 {
			if err := p.a.Close("going home"); err != nil {
				t.Error(err)
			}
		}
		for range cap(results) {
			wantLost(t, <-results, true)
		}
		for name, service := range services {
			for range 2 {
				if end := <-service.ended; !errors.Is(end.err, context.Canceled) {
					t.Errorf("handler of %s ended with %v", name, end.err)
				}
			}
		}
		<-p.b.Done()
		if err := p.a.Err(); !errors.Is(err, link.ErrClosed) || err.Error() != "link: closed: going home" {
			t.Errorf("Err of the closed end = %v", err)
		}
		if err := p.b.Err(); err == nil {
			t.Error("the other end has no reason")
		}
		synctest.Wait()
		if a, b := p.a.InFlight(), p.b.InFlight(); a != 0 || b != 0 {
			t.Errorf("%d and %d calls in flight", a, b)
		}
		_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{})
		wantLost(t, err, false)
		if !strings.Contains(err.Error(), "link to b: closed: going home; the request was not sent") {
			t.Errorf("call after Close = %v", err)
		}
	})
}

// TestCloseFromHandler closes the link from inside a call.
func TestCloseFromHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := memoryPair(t, config("a", echo{}), config("b", scripted{
			unary: func(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
				info, _ := connect.CallInfoForServerContext(ctx)
				return nil, info.TransportInfo.(*link.ServerInfo).Link.Close("by a handler")
			},
		}))
		_, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{})
		wantLost(t, err, true)
	})
}

// TestHello greets in ways that must not make a link.
func TestHello(t *testing.T) {
	t.Parallel()
	hello := func(values ...any) []byte { return frame{typ: typeHello, payload: fields(values...)}.bytes() }
	key, nonce := make([]byte, 32), make([]byte, 32)
	for name, c := range map[string]struct {
		says   []byte
		reason string
	}{
		"nothing":            {nil, "no HELLO within 2s"},
		"half a header":      {[]byte{0, 0, 0}, "no HELLO within 2s"},
		"half a HELLO":       {rawHello.bytes()[:20], "no HELLO within 2s"},
		"no PROOF":           {rawHello.bytes(), "no PROOF within 2s"},
		"another frame":      {frame{typ: typePing, payload: make([]byte, 8)}.bytes(), "first frame is not a HELLO"},
		"HTTP":               {[]byte("GET / HTTP/1.1\r\n\r\n"), "exceeds 4096"},
		"earlier version":    {hello(1, "b", "s", 256<<10, 4<<20), "the other end speaks version 1 of the link protocol, this end version 3"},
		"later version":      {hello(4, "b", "s", 256<<10, 4<<20), "version 4"},
		"id of 300 bytes":    {hello(3, textOf(300), "s", 256<<10, 4<<20), "exceeds 256"},
		"no limits":          {hello(3, "b", "s"), "truncated"},
		"no key":             {hello(3, "b", "s", 256<<10, 4<<20, 0, nonce, key[:31]), "truncated"},
		"window of nothing":  {hello(3, "b", "s", 0, 4<<20), "limits out of range"},
		"window of 100 B":    {hello(3, "b", "s", 100, 4<<20), "limits out of range"},
		"window of 2^40":     {hello(3, "b", "s", 1<<40, 4<<20), "limits out of range"},
		"messages of 2^62 B": {hello(3, "b", "s", 256<<10, 1<<62), "limits out of range"},
		"HELLO of 10 KiB":    {hello(3, "b", "s", 256<<10, 4<<20, 0, nonce, key, make([]byte, 10<<10)), "exceeds 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := memnet.Pipe()
				defer near.Close()
				start := time.Now()
				if _, err := near.Write(c.says); err != nil {
					t.Fatal(err)
				}
				l, err := link.Server(t.Context(), far, config("b", echo{}))
				if l != nil || err == nil || !strings.Contains(err.Error(), c.reason) || time.Since(start) > 2*time.Second {
					t.Errorf("Server = %v, %v after %v; want it to tell of %q", l, err, time.Since(start), c.reason)
				}
				if _, err := far.Write([]byte("x")); err == nil {
					t.Error("the stream is still open")
				}
			})
		})
	}
}

// TestHelloFields wants fields of later versions ignored, and both ends to know each other.
func TestHelloFields(t *testing.T) {
	t.Parallel()
	near, far := memnet.Pipe()
	p := &rawPeer{t: t, conn: near, in: bufio.NewReader(near)}
	said := append(helloFields("b", rawKey), "of a later version"...)
	p.send(frame{typ: typeHello, payload: said})
	accepted := make(chan *link.Link, 1)
	go func() {
		l, err := link.Server(t.Context(), far, config("a", echo{}))
		if err != nil {
			t.Error(err)
		}
		accepted <- l
	}()
	hello := p.expect(typeHello)
	proof := proofOf("initiator", transcriptOf(said, hello.payload, nil), rawKey)
	proof.payload = append(proof.payload, "of a later version"...)
	p.send(proof)
	l := <-accepted
	defer l.Close("test over")
	defer near.Close()
	want := link.Hello{CollectorID: "b", SessionID: "session-b", Key: rawKey.Public().(ed25519.PublicKey), Ephemeral: true}
	if got := l.Peer(); !cmp.Equal(got, want) || l.Initiator() {
		t.Errorf("Peer = %+v, Initiator = %v", got, l.Initiator())
	}
}

// TestHelloCanceled ends the wait for the other end's HELLO.
func TestHelloCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, far := memnet.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := link.Client(ctx, far, config("a", echo{})); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Client = %v", err)
		}
		cfg := config("a", echo{})
		cfg.Hello.SessionID = textOf(300)
		if _, err := link.Client(t.Context(), far, cfg); err == nil || !strings.Contains(err.Error(), "longer than 256") {
			t.Errorf("Client with a session id of 300 bytes = %v", err)
		}
	})
}
