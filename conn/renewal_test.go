package conn

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Before the certificates of a link expire, its initiator makes the next one with those of that moment, and no call fails.
// Once there are no newer ones, the link ends with them, on both sides.
func TestLinksAreRenewedBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		last := time.Now().Add(3 * time.Hour)
		network.expires = func() time.Time { // an hour each, and none beyond the last
			if e := time.Now().Add(time.Hour); e.Before(last) {
				return e
			}
			return last
		}
		a, b := network.start(t, "a", servesAnything()), network.start(t, "b", servesAnything())
		mustConnect(t, a, "b:1")
		for time.Now().Before(last.Add(-time.Minute)) {
			for _, side := range []struct {
				of   *Manager
				peer string
			}{{a, "b"}, {b, "a"}} {
				p, _ := side.of.Table().Peer(side.peer)
				if err := callOnce(t.Context(), p); err != nil {
					t.Fatalf("a call to %s, %v before the last end: %v", side.peer, time.Until(last), err)
				}
			}
			advance(10 * time.Second)
		}
		if n := network.dialled("b"); n < 4 || n > 40 {
			t.Errorf("%d dials in three hours", n)
		}
		advance(time.Until(last) + time.Second)
		for _, side := range []struct {
			of   *Manager
			peer string
		}{{a, "b"}, {b, "a"}} {
			if p, _ := side.of.Table().Peer(side.peer); p.Routable() {
				t.Errorf("%s can be called after the end of all certificates", side.peer)
			}
		}
	})
}

// While a link of collectors with very many namespaces is renewed, for which they ask twice, nothing ceases to be shared.
func TestManyNamespacesAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		last := time.Now().Add(3 * time.Hour)
		network.expires = func() time.Time { return time.Now().Add(time.Hour) }
		a, b := network.start(t, "a", servesAnything()), network.start(t, "b", servesAnything())
		for i := range 999 {
			a.dir.self.Namespaces = append(a.dir.self.Namespaces, fmt.Sprintf("o%062d", i))
		}
		b.dir.self.Namespaces = a.dir.self.Namespaces
		mustConnect(t, a, "b:1")
		lost := make(chan struct{})
		watched, stop := context.WithCancel(t.Context())
		go func() {
			defer close(lost)
			for {
				changed := b.Changed()
				if p, ok := b.Table().Peer("a"); !ok || len(p.Shared) != 1000 || !p.Routable() {
					t.Errorf("b shares %d namespaces with a", len(p.Shared))
				}
				select {
				case <-changed:
				case <-watched.Done():
					return
				}
			}
		}()
		for time.Now().Before(last) {
			advance(time.Minute)
		}
		if n := network.dialled("b"); n < 4 {
			t.Errorf("%d dials in three hours", n)
		}
		stop()
		<-lost
	})
}

// A peer that announces in a loop has no more taken than its share, and then the last. Small changes are no loop.
func TestCatalogsArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a, b := network.start(t, "a"), network.start(t, "b")
		mustConnect(t, a, "b:1")
		advance(time.Minute)
		const large = 20_000
		taken, begun := 0, time.Now()
		before, _ := b.Table().Peer("a")
		last := ""
		for i := range 16 {
			last = fmt.Sprintf("/x.Y%d/M0", i)
			a.Announce(methodsOf(fmt.Sprintf("/x.Y%d/M", i), large))
			advance(250 * time.Millisecond)
			if now, _ := b.Table().Peer("a"); now.Catalog != before.Catalog {
				taken, before = taken+1, now
			}
		}
		if most := (catalogBurst+int(time.Since(begun).Seconds()*catalogRate))/(2*large) + 2; taken < 3 || taken > most {
			t.Errorf("%d catalogs were taken in %v, want at most %d", taken, time.Since(begun), most)
		}
		advance(5 * time.Second)
		if p, _ := b.Table().Peer("a"); !hasMethod(p, last) {
			t.Error("the last catalog was not taken")
		}
		advance(time.Minute)
		for i := range 200 {
			a.Announce(methodsOf("/x.Y/M", 1+i%2))
			advance(20 * time.Millisecond)
			if p, _ := b.Table().Peer("a"); hasMethod(p, "/x.Y/M1") != (i%2 == 1) {
				t.Fatalf("small catalog %d waits", i)
			}
		}
	})
}

// A thousand changes a second are told in fifty announcements, and each is seen by all peers within a tick.
func TestChangesAreToldTogetherAndSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := network.start(t, "a")
		a.Announce(methodsOf("/x.Y/M", 2000))
		var peers []*Manager
		for i := range 8 {
			peer := network.start(t, fmt.Sprintf("b%d", i))
			mustConnect(t, peer, "a:1")
			peers = append(peers, peer)
		}
		advance(time.Minute)
		changed := func(i int, removed bool) {
			a.Amend(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "ns", Procedure: fmt.Sprintf("/new.Y/M%d", i), Removed: removed}}})
		}
		before, tables := peers[0].Table(), 0
		for i := range 1000 {
			if changed(i, false); i >= 100 {
				changed(i-100, true)
			}
			advance(time.Millisecond)
			if now := peers[0].Table(); now != before {
				before, tables = now, tables+1
			}
			for _, peer := range peers {
				p, _ := peer.Table().Peer("a")
				late := i - int(catalogTick/time.Millisecond) - 1
				if late >= 0 && !hasMethod(p, fmt.Sprintf("/new.Y/M%d", late)) || late >= 100 && hasMethod(p, fmt.Sprintf("/new.Y/M%d", late-100)) {
					t.Fatalf("change %d is not seen", late)
				}
			}
		}
		if most := int(time.Second/catalogTick) + 2; tables > most {
			t.Errorf("%d announcements in a second, want at most %d", tables, most)
		}
		advance(time.Second)
		if p, _ := peers[0].Table().Peer("a"); p.Catalog.Len() != 2100 {
			t.Errorf("%d methods at the end, want 2100", p.Catalog.Len())
		}
	})
}

func hasMethod(p *Peer, procedure string) bool {
	_, ok := p.Method("ns", procedure)
	return ok
}

// Peers have a bound together. Whoever exceeds it is named and keeps what it had; one that is away and unproven makes room.
func TestCatalogsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		a := network.start(t, "a", WithLimits(Limits{CatalogMethods: 10}))
		b, c := network.start(t, "b", WithKey(newKey(t))), network.start(t, "c")
		b.Announce(methods(8))
		c.Announce(methods(3))
		mustConnect(t, b, "a:1")
		mustConnect(t, c, "a:1")
		advance(time.Second)
		if p, _ := a.Table().Peer("c"); hasMethod(p, "/x.Y/M0") || p.Conflict == "" {
			t.Errorf("more than there is room for: %q", p.Conflict)
		}
		network.stop("b")
		advance(time.Minute)
		if p, _ := a.Table().Peer("b"); !hasMethod(p, "/x.Y/M0") {
			t.Error("what a known peer serves is forgotten with its link")
		}
		c.Announce(methods(4))
		advance(2 * time.Second)
		if p, _ := a.Table().Peer("c"); !hasMethod(p, "/x.Y/M3") || p.Conflict != "" {
			t.Errorf("a peer that is away and unproven makes no room: %q", p.Conflict)
		}
	})
}

func methods(n int) *meshv1.Catalog { return methodsOf("/x.Y/M", n) }

// methodsOf are so many whose names begin alike.
func methodsOf(begin string, n int) *meshv1.Catalog {
	catalog := new(meshv1.Catalog)
	for i := range n {
		catalog.Methods = append(catalog.Methods, &meshv1.CatalogMethod{Namespace: "ns", Procedure: fmt.Sprintf("%s%d", begin, i)})
	}
	return catalog
}
