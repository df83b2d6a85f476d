package dispatcher_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// watchedPair is a, which hosts nothing but a ping, and b, which hosts the test service, with everything that could be
// left behind by a call in sight.
type watchedPair struct {
	a, b    node
	running atomic.Int32 // calls in interceptors and handlers, of both
	ends    [2]*link.Link
}

func newWatchedPair(t *testing.T, service testingv1connect.EchoServiceHandler, opts ...dispatcher.Option) *watchedPair {
	t.Helper()
	p := new(watchedPair)
	opts = append(opts, dispatcher.WithServerInterceptors(func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			p.running.Add(1)
			defer p.running.Add(-1)
			return next(ctx, spec, stream)
		}
	}))
	p.a, p.b = serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"}, opts...)
	if err := p.b.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, service) }); err != nil {
		t.Fatal(err)
	}
	for i, n := range []node{p.a, p.b} {
		if err := n.RegisterService("test", "ping", n.ID(), func(ctx context.Context, _ any) (any, error) {
			info, _ := connect.CallInfoForServerContext(ctx)
			p.ends[i] = info.TransportInfo.(*link.ServerInfo).Link
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	join(t, p.a, p.b)
	p.a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	p.a.knows(t, "test", "/ping/b")
	p.b.knows(t, "test", "/ping/a")
	post(t, "http://"+p.a.Address+"/ping/b", "{}")
	post(t, "http://"+p.b.Address+"/ping/a", "{}")
	p.quiet(t, "the beginning")
	return p
}

// quiet waits until nothing is left of any call.
func (p *watchedPair) quiet(t *testing.T, after string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.running.Load()+p.a.Load("b")+p.b.Load("a") != 0 || p.ends[0].InFlight()+p.ends[1].InFlight() != 0 {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %d handlers run, %d and %d calls under way, %d and %d on the link", after,
				p.running.Load(), p.a.Load("b"), p.b.Load("a"), p.ends[0].InFlight(), p.ends[1].InFlight())
		}
		<-tick.C
	}
}
