package conn

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/conn/internal/duplicate"
)

func TestResolveDuplicate(t *testing.T) {
	t.Parallel()
	const session, other = "s1", "s2"
	tests := []struct {
		name       string
		self, peer string
		old, fresh duplicate.Claim
		want       duplicate.Verdict
	}{
		{"the peer restarted", "a", "b", duplicate.Claim{Dialed: true, Session: session}, duplicate.Claim{Dialed: false, Session: other}, duplicate.TakeNew},
		{"we dialled again", "b", "a", duplicate.Claim{Dialed: true, Session: session}, duplicate.Claim{Dialed: true, Session: session}, duplicate.TakeNew},
		{"the peer dialled again", "b", "a", duplicate.Claim{Dialed: false, Session: session}, duplicate.Claim{Dialed: false, Session: session}, duplicate.TakeNew},
		{"both dialled, we are smaller and have ours", "a", "b", duplicate.Claim{Dialed: true, Session: session}, duplicate.Claim{Dialed: false, Session: session}, duplicate.KeepOld},
		{"both dialled, we are smaller and get ours", "a", "b", duplicate.Claim{Dialed: false, Session: session}, duplicate.Claim{Dialed: true, Session: session}, duplicate.TakeNew},
		{"both dialled, we are larger and have ours", "b", "a", duplicate.Claim{Dialed: true, Session: session}, duplicate.Claim{Dialed: false, Session: session}, duplicate.TakeNew},
		{"both dialled, we are larger and get ours", "b", "a", duplicate.Claim{Dialed: false, Session: session}, duplicate.Claim{Dialed: true, Session: session}, duplicate.KeepOld},
	}
	for _, tt := range tests {
		if got := duplicate.Resolve(tt.self, tt.peer, tt.old, tt.fresh); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestBothDialAtOnce lets two collectors dial each other at the same instant, often. There must come out one
// connection with one link, the same on both sides, and both calls of ConnectTo must succeed.
func TestBothDialAtOnce(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	for round := range rounds {
		synctest.Test(t, func(t *testing.T) { bothDialAtOnce(t, round) })
		if t.Failed() {
			return
		}
	}
}

func bothDialAtOnce(t *testing.T, round int) {
	network := newPipes()
	a, b := network.start(t, "a"), network.start(t, "b")
	var group sync.WaitGroup
	errs := make([]error, 2)
	group.Go(func() { _, errs[0] = a.ConnectTo(t.Context(), "b:1", nil) })
	group.Go(func() { _, errs[1] = b.ConnectTo(t.Context(), "a:1", nil) })
	group.Wait()
	if errs[0] != nil || errs[1] != nil {
		t.Fatalf("round %d: %v, %v", round, errs[0], errs[1])
	}
	if err := roundTrip(a, b); err != nil {
		t.Fatalf("round %d, at once: %v", round, err)
	}
	synctest.Wait() // until the surplus link has drained
	fromA, fromB := onlyLink(t, a), onlyLink(t, b)
	if fromA.dialed == fromB.dialed {
		t.Fatalf("round %d: the two sides use different links", round)
	}
	if err := roundTrip(a, b); err != nil {
		t.Fatalf("round %d, afterwards: %v", round, err)
	}
	for _, m := range []*Manager{a, b} {
		if r := m.ListConnections()[0]; !r.GetIsInitiator() || r.GetState() != stateActive {
			t.Fatalf("round %d: %s has %v", round, m.dir.self.ID, r)
		}
	}
}

// TestCallsOnTheLinkThatYields: the smaller id has accepted the link of the larger one and uses it, while the larger one
// has by then agreed on the other link.
func TestCallsOnTheLinkThatYields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		store := &countingStore{Store: NewMemoryStore()}
		a, b := network.start(t, "a"), network.start(t, "b", WithStore(store), servesAnything())
		gate := make(chan struct{})
		store.gate.Store(&gate)
		var group sync.WaitGroup
		group.Go(func() { mustConnect(t, a, "b:1") })
		synctest.Wait() // b has the request on the link that will stay, and is writing
		group.Go(func() { mustConnect(t, b, "a:1") })
		p := awaitPeer(t, a, "b", inState(stateActive)) // by the link that will yield
		answer := make(chan error, 1)
		go func() { answer <- callOnce(t.Context(), p) }()
		synctest.Wait()
		store.gate.Store(nil)
		close(gate)
		if err := <-answer; err != nil {
			t.Error(err)
		}
		group.Wait()
		synctest.Wait()
		if !onlyLink(t, a).dialed || onlyLink(t, b).dialed {
			t.Error("the link that the smaller id dialled did not stay")
		}
	})
}

// TestBothAgreeAnewAtOnce over the link they have: neither may wait for the other to speak first.
func TestBothAgreeAnewAtOnce(t *testing.T) {
	t.Parallel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			network := newPipes()
			a, b := network.start(t, "a"), network.start(t, "b")
			mustConnect(t, a, "b:1")
			begun := time.Now()
			var group sync.WaitGroup
			group.Go(func() { mustConnect(t, a, "b:1") })
			group.Go(func() { mustConnect(t, b, "a:1") })
			group.Wait()
			if took := time.Since(begun); took > 0 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// onlyLink returns the link of the only connection, once nothing else is left.
func onlyLink(t *testing.T, m *Manager) *peerLink {
	t.Helper()
	links := m.links.set.list()
	if n, unagreed := admitted(m); n != 1 || unagreed != 0 || len(links) != 1 {
		t.Fatalf("%s has %d links, of which %d are unagreed, and %d that run", m.dir.self.ID, n, unagreed, len(links))
	}
	m.dir.mu.Lock()
	defer m.dir.mu.Unlock()
	if len(m.dir.conns) != 1 {
		t.Fatalf("%s has %d connections", m.dir.self.ID, len(m.dir.conns))
	}
	for _, c := range m.dir.conns {
		if c.live == links[0] {
			return links[0]
		}
	}
	t.Fatalf("%s does not use the link it has", m.dir.self.ID)
	return nil
}

// admitted is how many links a manager has admitted, and how many addresses have some on the way to their agreement.
func admitted(m *Manager) (links, unagreed int) {
	m.admission.mu.Lock()
	defer m.admission.mu.Unlock()
	return m.admission.links, len(m.admission.unagreed)
}

// roundTrip makes sure that calls go both ways, by agreeing anew over the link there is.
func roundTrip(a, b *Manager) error {
	for m, to := range map[*Manager]string{a: "b:1", b: "a:1"} {
		if _, err := m.ConnectTo(context.Background(), to, nil); err != nil {
			return fmt.Errorf("%s: %w", m.dir.self.ID, err)
		}
	}
	return nil
}
