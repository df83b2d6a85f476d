package dispatcher

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/descriptor"
)

const (
	maxPulls  = 4               // at once, one for a peer at most
	pullAgain = 3 * time.Second // after one that failed
)

// schemaLearner keeps knownSchemas up to date: one goroutine that pulls what the catalogs of peers name, each content
// once, and forgets what nobody offers any more.
type schemaLearner struct {
	conns  *conn.Manager
	local  *local
	limits Limits
	warn   func(msg string, args ...any)
	known  atomic.Pointer[knownSchemas]

	ctx    context.Context //nolint:containedctx // the learner's life
	cancel context.CancelFunc
	done   chan struct{}

	// The goroutine's.
	group    sync.WaitGroup
	arrivals chan arrival
	underway map[string]bool      // by collector id
	later    map[string]time.Time // when to ask a peer again that failed
}

// arrival is the end of a pull.
type arrival struct {
	collector, namespace string
	hashes               [][]byte
	schema               *peerSchema
	err                  error
}

func (d *Dispatcher) learnSchemas() {
	l := &schemaLearner{
		conns: d.conns, local: d.local, limits: d.limits, warn: d.log.Warn, done: make(chan struct{}),
		arrivals: make(chan arrival, maxPulls), underway: make(map[string]bool), later: make(map[string]time.Time),
	}
	l.known.Store(newKnownSchemas())
	l.ctx, l.cancel = context.WithCancel(context.Background())
	d.schemas = l
	go l.run()
}

// stop ends the learning and waits for it. What is known stays.
func (l *schemaLearner) stop() {
	l.cancel()
	<-l.done
}

func (l *schemaLearner) run() {
	defer close(l.done)
	defer l.group.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed, replaced := l.conns.Changed(), l.local.methods.Snapshot().Replaced
		l.look()
		timer.Reset(l.patience())
		select {
		case <-changed:
		case <-replaced:
		case <-timer.C:
		case a := <-l.arrivals:
			l.take(a)
		case <-l.conns.Done():
			l.cancel()
			return
		case <-l.ctx.Done():
			return
		}
	}
}

// patience is how long until a peer that failed is asked again; long if there is none.
func (l *schemaLearner) patience() time.Duration {
	wait := time.Hour
	for _, at := range l.later {
		wait = min(wait, max(time.Until(at), time.Millisecond))
	}
	return wait
}

// look forgets what nobody offers any more, starts the pulls that can start, and publishes what is known now.
func (l *schemaLearner) look() {
	table, old := l.conns.Table(), l.known.Load()
	next := newKnownSchemas()
	later := make(map[string]time.Time)
	for _, peer := range table.Peers() {
		if !keepsSchemas(peer) {
			continue
		}
		if at, ok := l.later[peer.ID]; ok && time.Now().Before(at) {
			later[peer.ID] = at
		}
		if spaces := l.lookAt(peer, old, later[peer.ID].IsZero()); len(spaces) > 0 {
			next.peers[peer.ID] = spaces
		}
	}
	l.later = later
	next.comparisons = compareSchemas(variantsOf(l.local.methods.Snapshot(), table, next), old.comparisons)
	l.publish(old, next)
}

// keepsSchemas reports whether a peer may come back with what it offered: one that was disconnected or has failed does
// not by itself.
func keepsSchemas(peer *conn.Peer) bool {
	return !peer.Seed && peer.State != collector.ConnectionState_CONNECTION_STATE_CLOSED &&
		peer.State != collector.ConnectionState_CONNECTION_STATE_FAILED
}

// lookAt is what is known of a peer. What it does not offer any more in this form is kept until the new form is there.
func (l *schemaLearner) lookAt(peer *conn.Peer, old *knownSchemas, ask bool) map[string]*peerSchema {
	spaces := make(map[string]*peerSchema)
	for _, namespace := range peer.Shared {
		hashes := peer.Catalog.Files(namespace)
		held := old.of(peer.ID, namespace)
		switch {
		case len(hashes) == 0:
			continue
		case held != nil && sameHashes(held.hashes, hashes):
		default:
			if twin := old.like(hashes); twin != nil {
				held = twin
			} else if ask {
				l.begin(peer, namespace, hashes, old)
			}
		}
		if held != nil {
			spaces[namespace] = held
		}
	}
	return spaces
}

// begin pulls unless the peer or too many others are being asked.
func (l *schemaLearner) begin(peer *conn.Peer, namespace string, hashes [][]byte, known *knownSchemas) {
	if l.underway[peer.ID] || len(l.underway) >= maxPulls || !peer.Routable() {
		return
	}
	l.underway[peer.ID] = true
	limits := l.limits.forPeers(known.bytesBeside(peer.ID, namespace))
	l.group.Go(func() {
		got, err := pull(l.ctx, peer, hashes, limits, known.file)
		l.arrivals <- arrival{peer.ID, namespace, hashes, got, err}
	})
}

// take keeps what arrived, or remembers why not.
func (l *schemaLearner) take(a arrival) {
	delete(l.underway, a.collector)
	old := l.known.Load()
	got := a.schema
	switch {
	case a.err != nil && connect.CodeOf(a.err) == connect.CodeUnimplemented:
		got = &peerSchema{hashes: a.hashes, set: descriptor.NewSet(), err: fmt.Errorf("%w: %w", errSchema, a.err)}
	case a.err != nil:
		l.later[a.collector] = time.Now().Add(pullAgain)
		return
	case !l.fits(old, a):
		return // others took the room meanwhile: look, which follows, asks again with what there is left
	}
	if got.err != nil {
		l.warn("schemas of a peer are refused; the methods can be called where nobody else has them",
			"peer", a.collector, "namespace", a.namespace, "files_taken", len(got.set.Files), "error", got.err)
	}
	next := &knownSchemas{peers: maps.Clone(old.peers), comparisons: old.comparisons, replaced: make(chan struct{})}
	spaces := maps.Clone(next.peers[a.collector])
	if spaces == nil {
		spaces = make(map[string]*peerSchema)
	}
	spaces[a.namespace] = got
	next.peers[a.collector] = spaces
	l.known.Store(next) // look, which follows, judges and publishes it
	close(old.replaced)
}

// fits reports whether there is room for what arrived. There was when it was asked for.
func (l *schemaLearner) fits(known *knownSchemas, a arrival) bool {
	bytes, comments := known.bytesBeside(a.collector, a.namespace)
	return bytes+a.schema.set.Bytes <= l.limits.SchemaBytes && comments+a.schema.set.Comments <= l.limits.SchemaBytes ||
		len(a.schema.set.Files) == 0
}

// publish makes next what is known, unless it is what is known.
func (l *schemaLearner) publish(old, next *knownSchemas) {
	if old.same(next) {
		return
	}
	l.known.Store(next)
	close(old.replaced)
}
