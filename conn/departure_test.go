package conn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/conn"
)

// A peer that had dialled and stops in good order is closed here, which is nothing to worry about, and comes back by itself:
// also to a collector that has restarted meanwhile. What it serves is away, not unknown.
func TestAGoodbyeClosesTheConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, closeB := startOn(t, filepath.Join(dir, "b.db"), "127.0.0.1:0", "b")
	a, closeA := startOn(t, filepath.Join(dir, "a.db"), "127.0.0.1:0", "a")
	connectTo(t, a, b)
	b.await(t, "what a serves", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.stop()
	closeA()
	p := b.awaitState(t, "a", closed)
	if _, served := p.Method("users", echoProcedure); !served || p.Routable() || !strings.Contains(p.Reason, "good order") {
		t.Errorf("b knows %+v", p)
	}
	b.stop() // writes what is not written yet
	closeB()
	b, _ = startOn(t, filepath.Join(dir, "b.db"), b.address, "b")
	if err := b.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if records := b.ListConnections(); len(records) != 1 || records[0].GetState() != closed || !records[0].GetDeparted() {
		t.Errorf("after a restart b knows %v", records)
	}
	a, _ = startOn(t, filepath.Join(dir, "a.db"), a.address, "a")
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.awaitState(t, "a", active)
	a.awaitState(t, "b", active)
	if records := b.ListConnections(); len(records) != 1 || records[0].GetDeparted() || records[0].GetCloseReason() != "" {
		t.Errorf("when a is back b knows %v", records)
	}
}

// A peer that this side had dialled is missed although it said goodbye: it is dialled until it is back.
func TestAGoodbyeOfADialledPeer(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, b)
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stop()
	a.awaitState(t, "b", stale)
	b = startAt(t, b.address, "b", []string{"users"})
	a.awaitState(t, "b", active)
	b.awaitState(t, "a", active)
}

// One that vanishes has said no goodbye.
func TestNoGoodbyeLeavesTheConnectionStale(t *testing.T) {
	t.Parallel()
	a, b := start(t, "a", []string{"users"}), start(t, "b", []string{"users"})
	connectTo(t, a, b)
	a.stop()
	b.awaitState(t, "a", stale)
}

// Who said goodbye can be disconnected for good: then it does not come back by itself.
func TestDisconnectAfterAGoodbye(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	b := start(t, "b", []string{"users"})
	a, closeA := startOn(t, path, "127.0.0.1:0", "a")
	id := connectTo(t, a, b).GetConnectionId()
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.stop()
	closeA()
	b.awaitState(t, "a", closed)
	if err := b.Disconnect(t.Context(), id, "a is not wanted", false); err != nil {
		t.Fatal(err)
	}
	if p, _ := b.Table().Peer("a"); p.State != closed || p.Reason != "a is not wanted" {
		t.Errorf("b knows %+v", p)
	}
	a, _ = startOn(t, path, a.address, "a")
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := a.awaitState(t, "b", closed); !strings.Contains(p.Reason, "a is not wanted") {
		t.Errorf("a is told %q", p.Reason)
	}
}
