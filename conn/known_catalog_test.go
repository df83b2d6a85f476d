package conn

import (
	"testing"
	"testing/synctest"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func serving(procedures ...string) *meshv1.Catalog {
	c := new(meshv1.Catalog)
	for _, p := range procedures {
		c.Methods = append(c.Methods, &meshv1.CatalogMethod{Namespace: "ns", Procedure: p})
	}
	return c
}

// knowsOf reports what a peer is known to serve, and whether it can be called for it.
func knowsOf(p *Peer, procedure string) (known, callable bool) {
	_, known = p.Method("ns", procedure)
	return known, known && p.Routable()
}

// What a peer served stays known while it stops, is gone and is back unheard; only its word while it serves withdraws it.
func TestWhatAPeerServedOutlivesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := network.start(t, "a"), network.start(t, "b")
		b.Announce(serving("/x.Y/Z"))
		mustConnect(t, a, "b:1")
		at := func(when string, known, callable bool) {
			t.Helper()
			p, _ := a.Table().Peer("b")
			if k, c := knowsOf(p, "/x.Y/Z"); k != known || c != callable {
				t.Errorf("%s: known %v, callable %v (%q), want %v, %v", when, k, c, p.Reason, known, callable)
			}
		}
		at("connected", true, true)
		b.catalogs.announceLeaving()
		awaitPeer(t, a, "b", func(p *Peer) bool { return p.Away })
		at("stopping", true, false)
		if listed := a.ListConnections(); listed[0].GetState() != stateActive || listed[0].GetCloseReason() != "it is stopping" {
			t.Errorf("stopping: listed is %v", listed)
		}
		network.stop("b")
		awaitPeer(t, a, "b", inState(stateStale))
		at("gone", true, false)

		b = network.start(t, "b")
		b.Announce(serving("/x.Y/Other"))
		p := awaitPeer(t, a, "b", inState(stateActive))
		if p.Silent != (p.Reason != "") || p.Silent && p.Routable() {
			t.Errorf("back: %+v", p)
		}
		awaitPeer(t, a, "b", func(p *Peer) bool { return !p.Silent })
		at("heard", false, false)
		b.Announce(serving("/x.Y/Z"))
		awaitPeer(t, a, "b", func(p *Peer) bool { _, ok := p.Method("ns", "/x.Y/Z"); return ok })
		at("served again", true, true)
		b.Announce(serving())
		awaitPeer(t, a, "b", func(p *Peer) bool { _, ok := p.Method("ns", "/x.Y/Z"); return !ok })
		at("withdrawn", false, false)
	})
}

// Who disconnects by hand wants no more to do with the peer; what it served is forgotten.
func TestDisconnectForgetsWhatAPeerServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := network.start(t, "a"), network.start(t, "b")
		b.Announce(serving("/x.Y/Z"))
		mustConnect(t, a, "b:1")
		if err := a.Disconnect(t.Context(), ConnectionID("a", "b"), "not wanted", false); err != nil {
			t.Fatal(err)
		}
		if p, _ := a.Table().Peer("b"); p.Catalog != nil || p.Silent {
			t.Errorf("b is %+v", p)
		}
	})
}

// A peer of an earlier run that never comes back is waited for, but not for ever.
func TestPeersOfBeforeAreExpectedForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		store := NewMemoryStore()
		a, _ := network.start(t, "a", WithStore(store)), network.start(t, "b")
		mustConnect(t, a, "b:1")
		network.stop("a")
		network.stop("b")
		a = network.start(t, "a", WithStore(store))
		if err := a.RecoverFromRestart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, _ := a.Table().Peer("b"); !p.Silent {
			t.Errorf("b is not expected: %+v", p)
		}
		begun := time.Now()
		awaitPeer(t, a, "b", func(p *Peer) bool { return !p.Silent })
		if waited := time.Since(begun); waited < expectFor || waited > expectFor+2*keepEvery {
			t.Errorf("b was expected for %v, want %v", waited, expectFor)
		}
	})
}
