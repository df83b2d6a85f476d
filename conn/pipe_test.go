package conn

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/gen/collector"
)

var errNobody = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

// pipes is a network in memory, for tests on fake time and for those that need a link to break in a certain way.
type pipes struct {
	mu    sync.Mutex
	nodes map[string]*Manager // by address
	dials map[string]int      // by address
	// expires, if set, is when the certificates of a new connection expire.
	expires func() time.Time
	// cut, if set, sees each new connection's two ends before they are used.
	cut func(dialled, accepted io.ReadWriteCloser) (io.ReadWriteCloser, io.ReadWriteCloser)
}

func newPipes() *pipes {
	return &pipes{nodes: make(map[string]*Manager), dials: make(map[string]int)}
}

// start starts a manager whose address is its id with port 1. It ends with the test.
func (n *pipes) start(t testing.TB, id string, opts ...Option) *Manager {
	t.Helper()
	opts = append([]Option{WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	m, err := NewManager(Self{ID: id, Address: id + ":1", Namespaces: []string{"ns"}}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	m.connector.dial = n.dial
	t.Cleanup(m.Close)
	n.place(id, m)
	return m
}

// place puts a manager at the address of an id.
func (n *pipes) place(id string, m *Manager) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[id+":1"] = m
}

func (n *pipes) stop(id string) {
	n.mu.Lock()
	m := n.nodes[id+":1"]
	delete(n.nodes, id+":1")
	n.mu.Unlock()
	m.Close()
}

func (n *pipes) dialled(id string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[id+":1"]
}

func (n *pipes) dial(_ context.Context, address string, expected *identity.Expected) (io.ReadWriteCloser, error) {
	n.mu.Lock()
	n.dials[address]++
	m, cut := n.nodes[address], n.cut
	n.mu.Unlock()
	if m == nil {
		return nil, errNobody
	}
	slot, err := m.admission.admit("pipe")
	if err != nil {
		return nil, errNobody
	}
	var dialled, accepted io.ReadWriteCloser = net.Pipe()
	if cut != nil {
		dialled, accepted = cut(dialled, accepted)
	}
	way := identity.Way{Loopback: true}
	if n.expires != nil {
		way.Expires = n.expires()
	}
	if expected != nil {
		expected.Leads(way)
	}
	m.links.welcome(accepted, origin{from: "pipe", way: way, slot: slot})
	return dialled, nil
}

// newKey makes a key for [WithKey]: peers remember it.
func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	key, err := keys.Make()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// awaitPeer waits until a manager's view of a peer is as wanted.
func awaitPeer(t testing.TB, m *Manager, peer string, wanted func(*Peer) bool) *Peer {
	t.Helper()
	for {
		changed := m.Changed()
		if p, ok := m.Table().Peer(peer); ok && wanted(p) {
			return p
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatal("waited in vain")
		}
	}
}

func inState(state collector.ConnectionState) func(*Peer) bool {
	return func(p *Peer) bool { return p.State == state }
}
