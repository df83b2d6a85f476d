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
	"github.com/collectiverpc/collective/internal/rest"
)

// A peer that failed is asked again after PullAgain, and each time it fails again after twice as long, up to PullSeldom: it
// delays nobody else, but what it is asked costs something.
const (
	PullAgain  = 3 * time.Second
	PullSeldom = 5 * time.Minute
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

// Learner keeps [Known] up to date: one goroutine that has what the catalogs of peers name pulled, each content once, and
// forgets what nobody offers any more. All peers are asked at once, each for one namespace at a time, so that one which does
// not answer keeps nobody waiting. Its methods are safe for concurrent use.
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
	arriving *budget             // of all pulls
	underway map[string]bool     // by collector id
	failed   map[string]failures // by collector id
	looked   looked              // when all was compared last
}

// failures are those of the pulls from one peer, one after the other.
type failures struct {
	count int
	again time.Time // when it is asked again
}

// next are the failures after one more.
func (f failures) next() failures {
	wait := PullSeldom
	if f.count < 7 { // beyond which doubling exceeds it
		wait = min(PullAgain<<f.count, PullSeldom)
	}
	return failures{f.count + 1, time.Now().Add(wait)}
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
		arrivals: make(chan arrival), arriving: newBudget(limits), underway: make(map[string]bool), failed: make(map[string]failures),
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
// have.
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
	for _, f := range l.failed {
		if until := time.Until(f.again); until > 0 { // one that is over has been asked by update, or cannot be reached
			wait = min(wait, until)
		}
	}
	return wait
}

// update forgets what nobody offers any more, starts the pulls that can start, and publishes what is known now.
// The old comparisons are taken over, so that a change costs only what it brings; most bring no other schema of a method.
func (l *Learner) update() {
	table, old, next := l.peers.Table(), l.known.Load(), newKnown()
	now, failed := time.Now(), make(map[string]failures)
	for _, peer := range table.Peers() {
		if !keepsSchemas(peer) {
			continue
		}
		f, ok := l.failed[peer.ID]
		if ok {
			failed[peer.ID] = f
		}
		l.updatePeer(peer, old, next, !now.Before(f.again))
	}
	l.failed = failed
	local, work := l.methods.Snapshot(), new(rest.Work)
	if next.comparisons = old.comparisons; !l.looked.covers(local, table, next, work) {
		next.comparisons = compareSchemas(variantsOf(local, table, next, work), old.comparisons, work)
	}
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

// startPull pulls unless the peer is being asked.
// What is skipped now starts by the update that follows an arrival.
func (l *Learner) startPull(peer *conn.Peer, namespace string, hashes [][]byte, known *Known) {
	if l.underway[peer.ID] || !peer.Routable() {
		return
	}
	l.underway[peer.ID] = true
	source := Source{peer.ID, namespace}
	limits := l.limits.beside(known.beside(source))
	l.group.Go(func() {
		got, err := pull(l.ctx, peer, hashes, limits, l.arriving, known.file)
		select {
		case l.arrivals <- arrival{source, hashes, got, err}:
		case <-l.ctx.Done():
		}
	})
}

// keep keeps what arrived, or remembers why not.
// A peer that has no such RPC is refused for good, like one whose files are bad; any other failure is tried again later.
func (l *Learner) keep(a arrival) {
	delete(l.underway, a.source.Collector)
	old := l.known.Load()
	got := a.schema
	switch {
	case a.err != nil && connect.CodeOf(a.err) == connect.CodeUnimplemented:
		got = &Schema{Hashes: a.hashes, Set: descriptor.NewSet(), Err: fmt.Errorf("%w: %w", ErrRefused, a.err)}
	case a.err != nil:
		l.failed[a.source.Collector] = l.failed[a.source.Collector].next()
		return
	case !l.fits(old, a):
		return // others took the room meanwhile: update, which follows, asks again with what there is left
	}
	delete(l.failed, a.source.Collector)
	if got.Err != nil {
		l.log.Warn("schemas of a peer are refused; the methods can be called where nobody else has them",
			"peer", a.source.Collector, "namespace", a.source.Namespace, "files_taken", len(got.Set.Files), "error", got.Err)
	}
	l.known.Store(old.with(a.source, got)) // update, which follows, compares and publishes it
	close(old.Replaced)
}

// fits reports whether there is room for what arrived. There was when it was asked for.
func (l *Learner) fits(known *Known, a arrival) bool {
	all, _ := known.beside(a.source)
	all.add(a.schema)
	return all.bytes <= l.limits.Bytes && all.comments <= l.limits.Bytes || len(a.schema.Set.Files) == 0
}

// publish makes next what is known, unless it is what is known.
func (l *Learner) publish(old, next *Known) {
	if old.same(next) {
		return
	}
	l.known.Store(next)
	close(old.Replaced)
}
