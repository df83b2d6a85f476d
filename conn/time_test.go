package conn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// These tests run on fake time: an hour takes a moment, and waits are exact.

func TestIdleAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := network.start(t, "a"), network.start(t, "b")
		mustConnect(t, a, "b:1")
		id := ConnectionID("a", "b")
		states := func() [2]collector.ConnectionState {
			pa, _ := a.Table().Peer("b")
			pb, _ := b.Table().Peer("a")
			return [2]collector.ConnectionState{pa.State, pb.State}
		}
		advance(idleAfter - 2*time.Second)
		if got := states(); got != [2]collector.ConnectionState{stateActive, stateActive} {
			t.Errorf("before five minutes: %v", got)
		}
		advance(4 * time.Second)
		if got := states(); got != [2]collector.ConnectionState{stateIdle, stateIdle} {
			t.Errorf("after five minutes: %v", got)
		}
		if p, _ := a.Table().Peer("b"); !p.Routable() {
			t.Error("an idle peer cannot be called")
		}
		a.RecordRequest(context.Background(), id, 1, 1)
		advance(2 * time.Second)
		if got := states(); got != [2]collector.ConnectionState{stateActive, stateIdle} {
			t.Errorf("after a call from a: %v", got)
		}
		if up, _ := a.GetActiveConnection(id); time.Since(up.LastActivity) > 3*time.Second {
			t.Errorf("the last activity was %v ago", time.Since(up.LastActivity))
		}
	})
}

func TestRedialBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := network.start(t, "a")
		network.start(t, "b")
		var dials []time.Time
		var counting atomic.Bool
		a.connector.dial = func(ctx context.Context, address string, expected *identity.Expected) (io.ReadWriteCloser, error) {
			if counting.Load() {
				dials = append(dials, time.Now())
			}
			return network.dial(ctx, address, expected)
		}
		mustConnect(t, a, "b:1")
		counting.Store(true)
		network.stop("b")
		awaitPeer(t, a, "b", inState(stateStale))
		advance(10 * time.Minute)
		counting.Store(false)
		if n := len(dials); n < 10*60/15 || n > 10*60/4 {
			t.Errorf("%d dials in ten minutes", n)
		}
		for i := range dials[1:] {
			if gap := dials[i+1].Sub(dials[i]); gap < dialInterval || gap > backoffCap {
				t.Errorf("dial %d came %v after the one before", i+1, gap)
			}
		}
		network.start(t, "b")
		back := time.Now()
		awaitPeer(t, a, "b", inState(stateActive))
		if took := time.Since(back); took > backoffCap {
			t.Errorf("the connection was back after %v", took)
		}
	})
}

func TestFlappingPeerIsDialledOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := network.start(t, "a")
		network.start(t, "b")
		mustConnect(t, a, "b:1")
		before := network.dialled("b")
		for range 30 {
			network.stop("b")
			advance(time.Second)
			network.start(t, "b")
			advance(time.Second)
		}
		if n := network.dialled("b") - before; n > 60 || n < 10 {
			t.Errorf("%d dials in 60 s", n)
		}
		awaitPeer(t, a, "b", inState(stateActive))
	})
}

// TestSilentPeerIsLost lets all bytes vanish without an end of the stream, as a cut cable does.
func TestSilentPeerIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		var cable cable
		network.cut = cable.lay
		a, b := network.start(t, "a"), network.start(t, "b")
		mustConnect(t, a, "b:1")
		advance(time.Minute) // a quiet link stays
		awaitPeer(t, a, "b", inState(stateActive))
		cable.silent.Store(true)
		cut := time.Now()
		awaitPeer(t, a, "b", inState(stateStale))
		awaitPeer(t, b, "a", inState(stateStale))
		if took := time.Since(cut); took > 3500*time.Millisecond {
			t.Errorf("noticed after %v", took)
		}
		cable.silent.Store(false)
		awaitPeer(t, a, "b", inState(stateActive))
		awaitPeer(t, b, "a", inState(stateActive))
		if took := time.Since(cut); took > 30*time.Second {
			t.Errorf("back after %v", took)
		}
	})
}

// TestConnectToOverADeadLink: one side has not yet noticed that the link is dead when the other connects anew.
func TestConnectToOverADeadLink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		dialFirst string
		dialAgain string
		restart   bool // the one that dials again is a new process
	}{
		{"the same side again", "a", "a", false},
		{"the larger id, which must yield to a link it cannot see", "a", "b", false},
		{"the smaller id", "b", "a", false},
		{"the initiator restarted", "a", "a", true},
		{"the acceptor restarted", "a", "b", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				var first, second cable
				network.cut = first.lay
				nodes := map[string]*Manager{"a": network.start(t, "a"), "b": network.start(t, "b")}
				other := map[string]string{"a": "b", "b": "a"}
				mustConnect(t, nodes[tt.dialFirst], other[tt.dialFirst]+":1")
				first.silent.Store(true)
				network.cut = second.lay
				if tt.restart {
					network.stop(tt.dialAgain)
					nodes[tt.dialAgain] = network.start(t, tt.dialAgain)
				}
				begun := time.Now()
				mustConnect(t, nodes[tt.dialAgain], other[tt.dialAgain]+":1")
				took := time.Since(begun)
				if limit := 5 * time.Second; took > limit || tt.restart && took > time.Second {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				for id, m := range nodes {
					awaitPeer(t, m, other[id], inState(stateActive))
				}
			})
		})
	}
}

func TestStrangersAreDroppedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		b := network.start(t, "b")
		begun := time.Now()
		mute, err := network.dial(t.Context(), "b:1", nil)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := network.dial(t.Context(), "b:1", nil)
		if err != nil {
			t.Fatal(err)
		}
		idle, err := link.Client(t.Context(), stream, link.Config{
			Hello: link.Hello{CollectorID: "x", SessionID: "x"}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close("test over")
		io.Copy(io.Discard, mute) //nolint:errcheck // until b hangs up
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("one that says nothing was dropped after %v", took)
		}
		<-idle.Done()
		if took := time.Since(begun); took > agreeTimeout {
			t.Errorf("one that agrees on nothing was dropped after %v", took)
		}
		synctest.Wait()
		links, unagreed := admitted(b)
		b.dir.mu.Lock()
		defer b.dir.mu.Unlock()
		if running := len(b.links.set.list()); links != 0 || unagreed != 0 || running != 0 || len(b.dir.conns) != 0 {
			t.Errorf("left: %d links, %v unagreed, %d that run, %d connections", links, unagreed, running, len(b.dir.conns))
		}
	})
}

func TestCountersAreWrittenEverySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		store := &countingStore{Store: NewMemoryStore()}
		a := network.start(t, "a", WithStore(store))
		network.start(t, "b")
		mustConnect(t, a, "b:1")
		id := ConnectionID("a", "b")
		for range 5 {
			for range 1000 {
				a.RecordRequest(t.Context(), id, 2, 3)
			}
			advance(time.Second)
		}
		stored, err := store.List(t.Context())
		if err != nil || len(stored) != 1 || stored[0].GetRequestCount() != 5000 || stored[0].GetBytesSent() != 10_000 || stored[0].GetBytesReceived() != 15_000 {
			t.Errorf("the store has %v, %v", stored, err)
		}
		if n := store.batches.Load(); n > 6 {
			t.Errorf("5000 calls in five seconds were written in %d batches", n)
		}
		p, _ := a.Table().Peer("b")
		p.Record(1, 1, true)
		a.Close()
		stored, _ = store.List(t.Context())
		if stored[0].GetRequestCount() != 5001 || stored[0].GetErrorCount() != 1 || stored[0].GetState() != stateStale {
			t.Errorf("after the end the store has %v", stored[0])
		}
	})
}

func TestDeadConnectionsAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		err := store.Put(t.Context(), &collector.Connection{
			Id: ConnectionID("a", "c"), SourceCollectorId: "a", TargetCollectorId: "c", IsInitiator: true,
			State: stateStale, StateChangedAt: timestamppb.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		network := newPipes()
		a := network.start(t, "a", WithStore(store))
		network.start(t, "b")
		mustConnect(t, a, "b:1")
		if err := a.Disconnect(t.Context(), ConnectionID("a", "b"), "", false); err != nil {
			t.Fatal(err)
		}
		advance(23 * time.Hour)
		if n := len(a.ListConnections()); n != 2 {
			t.Errorf("%d connections after 23 hours", n)
		}
		advance(3 * time.Hour)
		// c stays: this side dialled it, and a recovery would bring it back.
		if list := a.ListConnections(); len(list) != 1 || list[0].GetTargetCollectorId() != "c" {
			t.Errorf("after a day: %v", list)
		}
		if _, ok := a.Table().Peer("b"); ok {
			t.Error("the table still has b")
		}
		if stored, err := store.List(t.Context()); err != nil || len(stored) != 1 {
			t.Errorf("the store has %v, %v", stored, err)
		}
	})
}

func TestLossIsWrittenWhenTheStoreWorksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		store := &countingStore{Store: NewMemoryStore()}
		a := network.start(t, "a", WithStore(store))
		network.start(t, "b")
		mustConnect(t, a, "b:1")
		store.broken.Store(true)
		network.stop("b")
		awaitPeer(t, a, "b", inState(stateStale)) // the table does not wait for the disk
		advance(time.Minute)
		if stored, _ := store.List(t.Context()); stored[0].GetState() != stateActive {
			t.Fatalf("a broken store has %v", stored[0])
		}
		store.broken.Store(false)
		advance(2 * time.Second)
		if stored, _ := store.List(t.Context()); stored[0].GetState() != stateStale {
			t.Errorf("the store has %v", stored[0])
		}
	})
}

// TestCallsWhileTheInitiatorStillWrites: the acceptor may call as soon as it has agreed. After a reconnect it knows what
// the initiator serves, so it does.
func TestCallsWhileTheInitiatorStillWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		var cable cable
		network.cut = cable.lay
		store := &countingStore{Store: NewMemoryStore()}
		a, b := network.start(t, "a", WithStore(store), servesAnything(), WithKey(newKey(t))), network.start(t, "b")
		a.Announce(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "ns", Procedure: "/x.Y/Z"}}})
		mustConnect(t, a, "b:1")
		cable.silent.Store(true)
		awaitPeer(t, b, "a", inState(stateStale))
		cable.silent.Store(false)

		gate := make(chan struct{})
		store.gate.Store(&gate)
		awaitPeer(t, b, "a", inState(stateActive))
		if p, _ := a.Table().Peer("b"); p.State != stateStale {
			t.Fatal("a has agreed already: the test shows nothing")
		}
		answer := make(chan error, 1)
		go func() { answer <- callOnce(t.Context(), b.Table().Serving("ns", "/x.Y/Z")[0]) }()
		synctest.Wait()
		store.gate.Store(nil)
		close(gate)
		if err := <-answer; err != nil {
			t.Error(err)
		}
	})
}

// TestWhatEndsARedial: the peer's own verdict does, and nothing that anybody else at its address says.
func TestWhatEndsARedial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := network.start(t, "a")
		network.start(t, "b")
		mustConnect(t, a, "b:1")
		network.stop("b")
		for _, other := range []string{"a", "c"} { // the dialler's own id, and another one
			stranger := newPipes().start(t, other)
			network.place("b", stranger)
			advance(time.Minute)
			if p, _ := a.Table().Peer("b"); p.State != stateStale || p.Reason == "" {
				t.Errorf("after collector %q answered at its address b is %s: %s", other, StateName(p.State), p.Reason)
			}
		}
		refusing := network.start(t, "b")
		refusing.links.control = connect.NewServer()
		collectorconnect.RegisterCollectiveDispatcherHandler(refusing.links.control, refuser{})
		awaitPeer(t, a, "b", inState(stateFailed))
		dials := network.dialled("b")
		advance(10 * time.Minute)
		if n := network.dialled("b"); n != dials {
			t.Errorf("%d dials after the refusal", n-dials)
		}
	})
}

// refuser is a collector that does not want the caller.
type refuser struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
}

func (refuser) Connect(context.Context, *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return &collector.ConnectResponse{Status: &collector.Status{Code: 403, Message: "not you"}, TargetCollectorId: "b"}, nil
}

// servesAnything answers every call with an empty message.
func servesAnything() Option {
	return WithLinkHandler(func(_ context.Context, _ string, _ *connect.CallInfo, stream connect.ServerStream) error {
		return stream.Send(&link.Raw{})
	})
}

// callOnce makes a unary call on a peer.
func callOnce(ctx context.Context, p *Peer) error {
	stream, err := p.Open(ctx, link.Call{Namespace: "ns", Spec: connect.Spec{Procedure: "/x.Y/Z"}})
	if err != nil {
		return err
	}
	defer stream.Close()
	return errors.Join(stream.Send(&link.Raw{}), stream.CloseSend(), stream.Receive(&link.Raw{}))
}

func mustConnect(t testing.TB, m *Manager, address string) {
	t.Helper()
	if _, err := m.ConnectTo(t.Context(), address, nil); err != nil {
		t.Fatal(err)
	}
}

// advance lets fake time pass and everything settle.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// cable is a connection through which, once it is silent, nothing comes any more although nobody closed it.
type cable struct{ silent atomic.Bool }

func (c *cable) lay(dialled, accepted io.ReadWriteCloser) (io.ReadWriteCloser, io.ReadWriteCloser) {
	return &cableEnd{dialled.(net.Conn), c}, &cableEnd{accepted.(net.Conn), c}
}

type cableEnd struct {
	net.Conn
	cable *cable
}

func (e *cableEnd) Write(b []byte) (int, error) {
	if e.cable.silent.Load() {
		return len(b), nil
	}
	return e.Conn.Write(b)
}

// Close of one end is not seen at the other while the cable is silent.
func (e *cableEnd) Close() error {
	if e.cable.silent.Load() {
		return e.Conn.SetDeadline(time.Unix(1, 0))
	}
	return e.Conn.Close()
}

// countingStore counts batches of counters and can be broken.
type countingStore struct {
	Store
	batches atomic.Int64
	broken  atomic.Bool
	gate    atomic.Pointer[chan struct{}] // if set, Put waits for it
}

func (s *countingStore) AddCounters(ctx context.Context, deltas []Counters) error {
	s.batches.Add(1)
	return s.Store.AddCounters(ctx, deltas)
}

func (s *countingStore) Put(ctx context.Context, record *collector.Connection) error {
	if s.broken.Load() {
		return connect.NewError(connect.CodeUnavailable, "broken")
	}
	if gate := s.gate.Load(); gate != nil {
		<-*gate
	}
	return s.Store.Put(ctx, record)
}
