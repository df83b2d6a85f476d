package conn_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

// TestCloseAllLeavesTheManagerUsable with a peer that was dialled, one that dialled, and two of the seed's contract.
func TestCloseAllLeavesTheManagerUsable(t *testing.T) {
	t.Parallel()
	a, b, c := start(t, "a", []string{"users"}), start(t, "b", []string{"users"}), start(t, "c", []string{"users"})
	_, seedAddress, _ := startSeed(t, "seed-1")
	connectTo(t, a, b)
	connectTo(t, c, a)
	if _, err := a.ConnectTo(t.Context(), seedAddress, nil); err != nil {
		t.Fatal(err)
	}
	if answer := plainConnect(t, a, request("one-way", "users")); answer.GetStatus().GetCode() != 200 {
		t.Fatal(answer)
	}
	a.CloseAll()
	if up := a.ListActiveConnections(); len(up) != 0 && (len(up) != 1 || up[0].Peer.ID != "c") { // c may have dialled again
		t.Errorf("after CloseAll there are %+v", up)
	}
	for _, id := range []string{"b", "seed-1", "one-way"} {
		if p, _ := a.Table().Peer(id); p.State != stale || p.Routable() || p.OneWay || p.Reason != "all connections were closed here" {
			t.Errorf("%s is %+v", id, p)
		}
	}
	for _, address := range []string{b.address, seedAddress} {
		if _, ok := a.GetClient(address); ok {
			t.Errorf("there is still a client of %s", address)
		}
	}
	b.awaitState(t, "a", stale)
	a.awaitState(t, "c", active) // which had dialled, and does so again

	for range 3 {
		connectTo(t, a, b)
		p, _ := a.Table().Peer("b")
		if got, err := ask(t.Context(), p, "users"); err != nil || got != "b/users: hello" {
			t.Errorf("connected again: %q, %v", got, err)
		}
		b.mustAsk(t, "users", "a/users: hello")
		a.CloseAll()
	}
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"b", "seed-1"} {
		a.awaitState(t, id, active)
	}
	select {
	case <-a.Done():
		t.Error("CloseAll has ended the manager")
	default:
	}
}

// TestCloseAllAndConnectToAtOnce: whatever comes first, the manager is whole, and what is up in the end works.
func TestCloseAllAndConnectToAtOnce(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	for range 20 {
		var group sync.WaitGroup
		group.Go(a.CloseAll)
		group.Go(func() {
			if _, err := a.ConnectTo(t.Context(), b.address, nil); err != nil && connect.CodeOf(err) != connect.CodeUnavailable && connect.CodeOf(err) != connect.CodeCanceled {
				t.Errorf("ConnectTo: %v", err)
			}
		})
		group.Go(a.CloseAll)
		group.Wait()
	}
	connectTo(t, a, b)
	a.mustAsk(t, "users", "b/users: hello")
}

// TestCloseAfterCloseAll ends the manager for good, and so does Shutdown.
func TestCloseAfterCloseAll(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*node){
		"Close":    func(n *node) { n.Close() },
		"Shutdown": func(n *node) { n.Shutdown(t.Context()) }, //nolint:errcheck // there is time
	} {
		a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
		a.CloseAll()
		end(a)
		a.CloseAll()
		if _, err := a.ConnectTo(t.Context(), b.address, nil); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("ConnectTo after %s: %v", name, err)
		}
		<-a.Done()
	}
}

// TestCloseAllLeavesNothingRunning, so that a program that knows only the seed's API ends in order.
func TestCloseAllLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		store := conn.NewMemoryStore()
		m, err := conn.NewManager(conn.Self{ID: "a", Namespaces: []string{"users"}, SessionID: "session-1"}, conn.WithStore(store))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			answer, err := m.HandleConnect(t.Context(), &collector.ConnectRequest{Address: "10.0.0.1:1", Namespaces: []string{"users"}})
			if err != nil || answer.GetStatus().GetCode() != 200 {
				t.Fatal(answer, err)
			}
			m.CloseAll()
			<-time.After(time.Hour) // nobody dials, nobody writes
			records, err := store.List(t.Context())
			if err != nil || len(records) != 0 { // it has proved nothing
				t.Errorf("the store has %v, %v", records, err)
			}
			if listed := m.ListConnections(); len(listed) != 1 || listed[0].GetState() != stale || listed[0].GetSessionId() != "session-1" {
				t.Errorf("listed are %v", listed)
			}
		}
	})
}
