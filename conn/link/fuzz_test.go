package link_test

import (
	"context"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"

	"connectrpc.com/connect/v2"
)

// FuzzLink feeds a whole link what a dialling peer may send after its HELLO.
func FuzzLink(f *testing.F) {
	f.Add(validExchange())
	for _, v := range violations {
		f.Add(bytesOf(v.frames))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		l, p := greetedRawPeer(t, fuzzConfig())
		p.feed(l, stream)
	})
}

// FuzzAnswers feeds a link with two calls of its own what the other end may answer.
func FuzzAnswers(f *testing.F) {
	f.Add(validAnswers())
	for _, v := range badAnswers {
		f.Add(bytesOf(v.frames))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		l, p := greetedRawPeer(t, fuzzConfig())
		client := testingv1connect.NewEchoServiceClient(connect.NewClient(l.Transport("test")))
		ended := make(chan struct{}, 2)
		converse, err := client.Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = converse.SendHeaders()
		go func() {
			for err := error(nil); err == nil; {
				_, err = converse.Receive()
			}
			ended <- struct{}{}
		}()
		go func() {
			_, _ = client.Echo(t.Context(), &testingv1.EchoRequest{Text: "x"})
			ended <- struct{}{}
		}()
		p.expect(typeOpen)
		p.expect(typeOpen)
		p.feed(l, stream)
		<-ended
		<-ended
	})
}

// validAnswers ends call 2 with a message and call 4 with metadata and an error.
func validAnswers() []byte { return bytesOf(answers) }

var answers = []frame{
	{typeHeaders, 0, 2, fields(8, "X-Name", 0)},
	{typeMessage, hasMsg | more | first, 2, fields(6, 10, []byte("\x04te"))},
	{typeMessage, hasMsg, 2, []byte("xt")},
	{typeWindow, 0, 2, fields(70_000)},
	{typeEnd, 0, 2, nil},
	{typeEnd, failed | hasMeta, 4, fields(5, "not found", 1, "type", "value", 4, "a", 1, "b", 0)},
}

func bytesOf(frames []frame) []byte {
	var b []byte
	for _, f := range frames {
		b = append(b, f.bytes()...)
	}
	return b
}

func fuzzConfig() link.Config {
	cfg := config("b", echo{})
	cfg.Limits = link.Limits{MaxMessage: 64 << 10, MaxCalls: 16, MaxQueued: 64 << 10, MaxHeld: 1 << 20}
	cfg.OnCatalog = func(*link.Link, uint64, []byte) {}
	return cfg
}

// feed writes stream, hangs up and waits for the link to end. No handler may outlive it.
func (p *rawPeer) feed(l *link.Link, stream []byte) {
	go func() {
		for _, err := p.receive(); err == nil; _, err = p.receive() {
		}
	}()
	_, _ = p.conn.Write(stream)
	p.conn.Close()
	<-l.Done()
	if l.Err() == nil {
		p.t.Error("the link ended without a reason")
	}
	eventually(p.t, "calls in flight after the link has ended", func() bool { return l.InFlight() == 0 })
}

// eventually waits for something that happens in real time and tells nobody.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after 10 s still: %s", what)
		}
	}
}
