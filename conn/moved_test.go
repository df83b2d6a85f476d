package conn_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn"
)

func addressOf(n *node, peer string) string {
	p, _ := n.Table().Peer(peer)
	return p.Address
}

// A peer that was dialled comes back at another address and dials: from then on it is dialled there, after a restart too.
func TestMovedPeer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	a, closeA := startOn(t, path, "127.0.0.1:0", "a")
	key := conn.WithKey(newKey(t))
	b := start(t, "b", []string{"users"}, key)
	old := b.address
	connectTo(t, a, b)
	b.stop()
	a.awaitState(t, "b", stale)
	b = start(t, "b", []string{"users"}, key)
	connectTo(t, b, a)
	a.await(t, "b has moved", func(*conn.Table) bool { return addressOf(a, "b") == b.address })
	if p, _ := a.Table().Peer("b"); !p.Dialed || p.State != active || b.address == old {
		t.Errorf("b at %s is dialled %v and %v", b.address, p.Dialed, p.State)
	}
	b.stop()
	a.awaitState(t, "b", stale)
	b = startAt(t, b.address, "b", []string{"users"}, key) // it keeps nothing, and dials nobody
	a.await(t, "b serves", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	a.mustAsk(t, "users", "b/users: hello")
	a.stop()
	closeA()
	a, _ = startOn(t, path, a.address, "a")
	if err := a.RecoverFromRestart(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitState(t, "b", active)
	if got := addressOf(a, "b"); got != b.address {
		t.Errorf("after a restart it was dialled at %s, and is at %s", got, b.address)
	}
}

// Where a peer says that it is, somebody else answers: it is dialled where it was.
func TestMovedPeer_IsNotThere(t *testing.T) {
	t.Parallel()
	logs := new(logbook)
	a, c := start(t, "a", []string{"users"}, logs.option()), start(t, "c", []string{"users"})
	key := conn.WithKey(newKey(t))
	b := start(t, "b", []string{"users"}, key)
	connectTo(t, a, b)
	b.stop()
	a.awaitState(t, "b", stale)
	elsewhere, err := conn.NewManager(conn.Self{ID: "b", Address: c.address, Namespaces: []string{"users"}}, key,
		conn.WithLogger(slog.New(slog.DiscardHandler)), conn.WithLinkHandler(echoHandler("b")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(elsewhere.Close)
	if _, err := elsewhere.ConnectTo(t.Context(), a.address, nil); err != nil {
		t.Fatal(err)
	}
	for logs.count("nor where it says that it is") == 0 {
		<-time.After(5 * time.Millisecond)
	}
	if got := addressOf(a, "b"); got != b.address {
		t.Errorf("it is dialled at %s", got)
	}
	elsewhere.Close()
	startAt(t, b.address, "b", []string{"users"}, key)
	a.await(t, "b serves", func(table *conn.Table) bool { return len(table.Serving("users", echoProcedure)) == 1 })
	a.mustAsk(t, "users", "b/users: hello")
}
