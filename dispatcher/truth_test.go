package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/mesh"
)

// ledger is what handlers have run, by the text of the request. It is written by them alone.
type ledger struct {
	mu  sync.Mutex
	ran map[string]int
}

func (l *ledger) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ran[text]++
}

func (l *ledger) of(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ran[text]
}

// recorded is the test service of a collector that notes what it runs.
type recorded struct {
	meshtest.EchoService
	ledger *ledger
}

func (r recorded) Echo(ctx context.Context, req *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
	r.ledger.note(req.GetText())
	return r.EchoService.Echo(ctx, req)
}

func (r recorded) Look(ctx context.Context, req *testingv1.LookRequest) (*testingv1.LookResponse, error) {
	r.ledger.note(req.GetText())
	return r.EchoService.Look(ctx, req)
}

// dying lets attempts die at a random step: before the OPEN leaves, when it is sent, on the way there, and after the handler has run
// but before its END is here.
type dying struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (d *dying) step() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(6)
}

func (d *dying) intercept(next connect.ClientFunc) connect.ClientFunc {
	return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
		step := d.step()
		if step == 0 {
			return nil, cut(false)
		}
		stream, err := next(ctx, spec)
		if err != nil {
			return nil, err
		}
		return &dyingStream{ClientStream: stream, step: step}, nil
	}
}

func cut(sent bool) error {
	return connect.NewError(connect.CodeUnavailable, "link: cut").WithCause(&link.Error{Sent: sent, Reason: "cut by the test"})
}

type dyingStream struct {
	connect.ClientStream
	step int
}

func (s *dyingStream) Send(msg any) error {
	if s.step == 1 {
		return cut(false)
	}
	if s.step == 2 || s.step == 3 {
		return nil // it is lost on the way
	}
	return s.ClientStream.Send(msg)
}

func (s *dyingStream) CloseSend() error {
	if s.step <= 3 {
		return nil
	}
	return s.ClientStream.CloseSend()
}

func (s *dyingStream) Receive(msg any) error {
	switch s.step {
	case 2:
		return cut(false) // the other end says so, by a GOAWAY
	case 3:
		return cut(true)
	case 4:
		return errors.Join(s.ClientStream.Receive(msg), cut(true)) // an answer that nobody sees
	}
	return s.ClientStream.Receive(msg)
}

// Whatever dies when, in how many attempts: who is told that a call did not run finds nothing in the ledger, what may not be
// repeated runs once at most, and what succeeds has run.
func TestTruth(t *testing.T) {
	t.Parallel()
	d := &dying{random: rand.New(rand.NewPCG(7, 13))}
	l := &ledger{ran: make(map[string]int)}
	a := serve(t, "a", []string{"test"}, dispatcher.WithClientInterceptors(d.intercept))
	for _, id := range []string{"b", "c", "d"} {
		peer := serve(t, id, []string{"test"})
		err := peer.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, recorded{meshtest.EchoService(id), l})
		})
		if err != nil {
			t.Fatal(err)
		}
		join(t, a, peer)
	}
	a.waitFor(t, "three peers", func() bool {
		return len(a.Connections().Table().Serving("test", testingv1connect.EchoServiceEchoProcedure)) == 3
	})
	seen := make(map[string]int)
	for i := range 1000 {
		text, once := fmt.Sprint("call ", i), i%2 == 0
		var err error
		if once {
			_, err = a.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{Text: text})
		} else {
			_, err = a.mesh("test").Look(t.Context(), &testingv1.LookRequest{Text: text})
		}
		ran := l.of(text)
		switch {
		case err == nil && ran == 0:
			t.Errorf("%s succeeded and never ran", text)
		case once && ran > 1:
			t.Errorf("%s ran %d times", text, ran)
		case err != nil && ran > 0 && !callFailure(t, err).GetMaybeExecuted():
			t.Errorf("%s ran %d times, and is said not to have run: %v", text, ran, err)
		}
		seen[fmt.Sprint(err == nil, ran > 0)]++
	}
	if len(seen) < 3 { // also what failed and ran, or never did
		t.Errorf("only %v was seen", seen)
	}
}

// F7: a peer at its limit refuses, and the other takes the call.
func TestBadDay_APeerIsAtItsLimit(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hold := func(ctx context.Context) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	}
	limits := dispatcher.WithLimits(dispatcher.Limits{Link: link.Limits{MaxCalls: 4}})
	a, asked, _ := sickPair(t, hold, well, limits)
	var held sync.WaitGroup
	for range 4 {
		held.Go(func() { _, _ = a.mesh("test").Echo(targeted(t, "b"), &testingv1.EchoRequest{}) })
	}
	for asked.Load() < 4 {
		if t.Context().Err() != nil {
			t.Fatal("b is not full")
		}
	}
	for range 200 {
		if _, err := a.mesh("test").Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Fatalf("c is free: %v", err)
		}
	}
	_, err := a.mesh("test").Echo(targeted(t, "b"), &testingv1.EchoRequest{})
	failure := callFailure(t, err)
	if connect.CodeOf(err) != connect.CodeResourceExhausted || mesh.Reason(failure.GetReason()) != mesh.ReasonOverloaded || failure.GetMaybeExecuted() {
		t.Errorf("with nobody else: %v, %v", err, failure)
	}
	close(release)
	held.Wait()
}
