package dispatcher_test

import (
	"context"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// blocking answers nothing before its context ends.
type blocking struct {
	testingv1connect.UnimplementedEchoServiceHandler
	started chan string
	on      string
}

func (s blocking) Echo(ctx context.Context, _ *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	s.started <- s.on
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s blocking) Look(ctx context.Context, _ *testingv1.LookRequest) (*testingv1.LookResponse, error) {
	s.started <- s.on
	<-ctx.Done()
	return nil, ctx.Err()
}

// A collector dies while it runs a call: the client learns that it may have run, and is told at once.
func TestLost_WhileTheHandlerRuns(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	started := make(chan string, 1)
	err := b.Register("test", func(s *connect.Server) {
		testingv1connect.RegisterEchoServiceHandler(s, blocking{started: started, on: "b"})
	})
	if err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", testingv1connect.EchoServiceEchoProcedure)
	ended := make(chan error, 1)
	client := a.client(t)
	go func() {
		_, err := client.Echo(t.Context(), &testingv1.EchoRequest{})
		ended <- err
	}()
	<-started
	b.Connections().Close()
	err = <-ended
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Fatalf("err = %v", err)
	}
	want := &meshv1.CallFailure{Reason: "link_lost", MaybeExecuted: true, Route: []string{"a", "b"}}
	if diff := cmp.Diff(want, callFailure(t, err), protocmp.Transform()); diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// What may be repeated is repeated elsewhere: the client notices nothing.
func TestLost_RepeatableCallsGoElsewhere(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	peers, started := make(map[string]node), make(chan string, 1)
	for _, id := range []string{"b", "c"} {
		n := serve(t, id, []string{"test"})
		err := n.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, blocking{started: started, on: id})
		})
		if err != nil {
			t.Fatal(err)
		}
		join(t, a, n)
		peers[id] = n
	}
	a.waitFor(t, "two peers", func() bool {
		return len(a.Connections().Table().Serving("test", testingv1connect.EchoServiceLookProcedure)) == 2
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	client := a.client(t)
	go func() {
		_, err := client.Look(ctx, &testingv1.LookRequest{})
		ended <- err
	}()
	first := <-started
	peers[first].Connections().Close()
	if second := <-started; second == first {
		t.Errorf("both times on %s", first)
	}
	cancel()
	if err := <-ended; connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("err = %v", err)
	}
}
