package peerschema

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/descriptor"
)

const (
	maxPulls  = 4               // at once, one for a peer at most
	pullAgain = 3 * time.Second // after one that failed
)

// Peers are the peers of a collector, as [conn.Manager] has them.
type Peers interface {
	// Table is the peers of the moment.
	Table() *conn.Table
	// Changed returns a channel that is closed when there is another table.
	Changed() <-chan struct{}
	// Done is closed when there will be none any more.
	Done() <-chan struct{}
}

// Learner keeps [Known] up to date: one goroutine that pulls what the catalogs of peers name, each content once, and
// forgets what nobody offers any more. Its methods are safe for concurrent use.
type Learner struct {
	self    string
	peers   Peers
	methods *hosted.Set
	limits  Limits
	log     *slog.Logger
	known   atomic.Pointer[Known]

	ctx    context.Context //nolint:containedctx // the learner's life
	cancel context.CancelFunc
	done   chan struct{}

	// The goroutine's.
	group    sync.WaitGroup
	arrivals chan arrival
	underway map[string]bool      // by collector id
	retryAt  map[string]time.Time // when to ask a peer again that failed
}

// arrival is the end of a pull.
// Either schema or err is set.
type arrival struct {
	source Source
	hashes [][]byte
	schema *Schema
	err    error
}

// Learn begins to learn for the collector self, which has these methods itself. The learner must be stopped.
func Learn(self string, peers Peers, methods *hosted.Set, limits Limits, log *slog.Logger) *Learner {
	l := &Learner{
		self: self, peers: peers, methods: methods, limits: limits, log: log, done: make(chan struct{}),
		arrivals: make(chan arrival, maxPulls), underway: make(map[string]bool), retryAt: make(map[string]time.Time),
	}
	l.known.Store(newKnown())
	l.ctx, l.cancel = context.WithCancel(context.Background())
	go l.run()
	return l
}

// Known is what is known now.
func (l *Learner) Known() *Known { return l.known.Load() }

// Stop ends the learning and waits for it. What is known stays.
func (l *Learner) Stop() {
	l.cancel()
	<-l.done
}

// run is the goroutine. The channels are taken before update looks, so that no change is missed. It ends after the pulls
// have, each of which has room for its arrival.
func (l *Learner) run() {
	defer close(l.done)
	defer l.group.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed, replaced := l.peers.Changed(), l.methods.Snapshot().Replaced
		l.update()
		timer.Reset(l.retryIn())
		select {
		case <-changed:
		case <-replaced:
		case <-timer.C:
		case a := <-l.arrivals:
			l.keep(a)
		case <-l.peers.Done():
			l.cancel()
			return
		case <-l.ctx.Done():
			return
		}
	}
}

// retryIn is how long until a peer that failed is asked again; long if there is none.
func (l *Learner) retryIn() time.Duration {
	wait := time.Hour
	for _, at := range l.retryAt {
		wait = min(wait, max(time.Until(at), time.Millisecond))
	}
	return wait
}

// update forgets what nobody offers any more, starts the pulls that can start, and publishes what is known now.
// The old comparisons are taken over, so that a change costs only what it brings.
func (l *Learner) update() {
	table, old, next := l.peers.Table(), l.known.Load(), newKnown()
	retryAt := make(map[string]time.Time)
	for _, peer := range table.Peers() {
		if !keepsSchemas(peer) {
			continue
		}
		if at, ok := l.retryAt[peer.ID]; ok && time.Now().Before(at) {
			retryAt[peer.ID] = at
		}
		l.updatePeer(peer, old, next, retryAt[peer.ID].IsZero())
	}
	l.retryAt = retryAt
	next.comparisons = compareSchemas(variantsOf(l.methods.Snapshot(), table, next), old.comparisons)
	l.publish(old, next)
}

// keepsSchemas reports whether a peer may come back with what it offered: one that was disconnected or has failed does
// not by itself.
func keepsSchemas(peer *conn.Peer) bool {
	return !peer.Seed && peer.State != collector.ConnectionState_CONNECTION_STATE_CLOSED &&
		peer.State != collector.ConnectionState_CONNECTION_STATE_FAILED
}

// updatePeer puts into next what is known of a peer. What it does not offer any more in this form is kept until the new
// form is there. ask is whether it may be asked for that.
func (l *Learner) updatePeer(peer *conn.Peer, old, next *Known, ask bool) {
	for _, namespace := range peer.Shared {
		hashes := peer.Catalog.Files(namespace)
		if len(hashes) == 0 {
			continue
		}
		held := old.Of(peer.ID, namespace)
		if held == nil || !sameHashes(held.Hashes, hashes) {
			if twin := old.like(hashes); twin != nil {
				held = twin
			} else if ask {
				l.startPull(peer, namespace, hashes, old)
			}
		}
		if held != nil {
			next.schemas[Source{peer.ID, namespace}] = held
		}
	}
}

// startPull pulls unless the peer or too many others are being asked.
// What is skipped now starts by the update that follows an arrival.
func (l *Learner) startPull(peer *conn.Peer, namespace string, hashes [][]byte, known *Known) {
	if l.underway[peer.ID] || len(l.underway) >= maxPulls || !peer.Routable() {
		return
	}
	l.underway[peer.ID] = true
	source := Source{peer.ID, namespace}
	limits := l.limits.beside(known.bytesBeside(source))
	l.group.Go(func() {
		got, err := pull(l.ctx, peer, hashes, limits, known.file)
		l.arrivals <- arrival{source, hashes, got, err}
	})
}

// keep keeps what arrived, or remembers why not.
// A peer that has no such RPC is refused for good, like one whose files are bad; any other failure is tried again after
// pullAgain.
func (l *Learner) keep(a arrival) {
	delete(l.underway, a.source.Collector)
	old := l.known.Load()
	got := a.schema
	switch {
	case a.err != nil && connect.CodeOf(a.err) == connect.CodeUnimplemented:
		got = &Schema{Hashes: a.hashes, Set: descriptor.NewSet(), Err: fmt.Errorf("%w: %w", ErrRefused, a.err)}
	case a.err != nil:
		l.retryAt[a.source.Collector] = time.Now().Add(pullAgain)
		return
	case !l.fits(old, a):
		return // others took the room meanwhile: update, which follows, asks again with what there is left
	}
	if got.Err != nil {
		l.log.Warn("schemas of a peer are refused; the methods can be called where nobody else has them",
			"peer", a.source.Collector, "namespace", a.source.Namespace, "files_taken", len(got.Set.Files), "error", got.Err)
	}
	l.known.Store(old.with(a.source, got)) // update, which follows, compares and publishes it
	close(old.Replaced)
}

// fits reports whether there is room for what arrived. There was when it was asked for.
func (l *Learner) fits(known *Known, a arrival) bool {
	bytes, comments := known.bytesBeside(a.source)
	set := a.schema.Set
	return bytes+set.Bytes <= l.limits.Bytes && comments+set.Comments <= l.limits.Bytes || len(set.Files) == 0
}

// publish makes next what is known, unless it is what is known.
func (l *Learner) publish(old, next *Known) {
	if old.same(next) {
		return
	}
	l.known.Store(next)
	close(old.Replaced)
}
