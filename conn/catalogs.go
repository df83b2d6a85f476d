package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/internal/catalog"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/internal/pace"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/rest"
)

// catalogTick is how long changes of what is served here are gathered, after those that were told last: a change that comes alone
// is told at once, and a thousand a second in fifty announcements.
const catalogTick = 20 * time.Millisecond

// catalogs tells the peers what this collector serves, and takes what they tell. A link tells it after each agreement and
// whenever it changes, in full or by what has changed, when the peer is done with the last.
type catalogs struct {
	dir   *directory
	links *linkSet
	// vouched reports whether the key of an id is known and more than its owner's word.
	vouched func(id string) bool
	life    *lifetime.Lifetime
	most    int // methods of all peers together
	logger  *slog.Logger

	mu      sync.Mutex // held while own is replaced
	own     atomic.Pointer[catalog.Own]
	told    time.Time // when the links were asked last
	telling bool      // they will be, at the end of the tick
}

func newCatalogs(dir *directory, links *linkSet, life *lifetime.Lifetime, most int, logger *slog.Logger) *catalogs {
	c := &catalogs{dir: dir, links: links, life: life, most: most, logger: logger}
	c.own.Store(catalog.NewOwn())
	return c
}

// announce makes a catalog the one that peers get, unless a newer one is or this collector is closing.
func (c *catalogs) announce(full *meshv1.Catalog) { c.change(full, (*catalog.Own).Replace) }

// amend makes changes of it.
func (c *catalogs) amend(changes *meshv1.Catalog) { c.change(changes, (*catalog.Own).Amend) }

func (c *catalogs) change(in *meshv1.Catalog, by func(*catalog.Own, *meshv1.Catalog) (*catalog.Own, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own.Load()
	if _, closing := c.life.Closing(); closing || own.Leaving || in.GetRevision() != 0 && in.GetRevision() < own.Given {
		return
	}
	next, err := by(own, in)
	if err != nil {
		c.logger.Error("this collector's catalog is not announced: peers would refuse it", "error", err)
		return
	}
	c.own.Store(next)
	c.tellSoon()
}

// announceLeaving tells the peers to call elsewhere, and not to take what was served here for withdrawn.
func (c *catalogs) announceLeaving() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.Store(c.own.Load().Leave())
	c.tell()
}

// tellSoon tells the peers now or, if they were told just now, at the end of the tick. mu is held.
func (c *catalogs) tellSoon() {
	wait := catalogTick - time.Since(c.told)
	switch {
	case c.telling: // it is told then
	case wait <= 0:
		c.tell()
	default:
		c.telling = true
		time.AfterFunc(wait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.telling = false
			c.tell()
		})
	}
}

// tell has every link tell its peer. mu is held.
func (c *catalogs) tell() {
	c.told = time.Now()
	for _, l := range c.links.list() {
		l.announceSoon()
	}
}

// tellPeer tells our catalog over a link, when it is our turn, and the peer is done with what it was told before. Only the
// goroutine of the link calls it.
func (c *catalogs) tellPeer(l *peerLink) {
	c.dir.await(l, l.mayAnnounce)
	t := l.terms.Load()
	revision, data := l.teller.Next(c.own.Load(), t.agreement, t.shared)
	if revision == 0 {
		return
	}
	if err := l.link.Announce(revision, data); err != nil {
		c.logger.Debug("catalog not announced", "peer", l.peer.CollectorID, "error", err)
	}
}

// Methods that a peer tells are taken and joined at catalogRate a second, catalogBurst of them at once: so one that announces
// all the time takes a twentieth of a processor. An announcement costs as much as catalogCost more.
const (
	catalogRate  = 25_000.0
	catalogBurst = catalog.MaxMethods
	catalogCost  = 100
	wrongCost    = 25_000 // each is in the log
)

// arrived takes the catalog that a peer tells over a link. The peer may tell the next when it has been paid for; one that comes by
// another link before that waits, unless it costs nothing. Who dialled and has not agreed yet has nothing to tell.
func (c *catalogs) arrived(l *peerLink, revision uint64, data []byte) {
	if !l.dialed && l.terms.Load() == nil {
		return
	}
	wait := c.owes(l, 0)
	if wait == 0 || len(data) <= catalogCost {
		c.pay(l, revision, data)
		return
	}
	data = bytes.Clone(data) // the link does not end before this returns
	c.after(l, wait, func() { c.pay(l, revision, data) })
}

// pay takes a catalog, and lets the peer tell the next when it has been paid for.
func (c *catalogs) pay(l *peerLink, revision uint64, data []byte) {
	cost, holds := c.take(l, revision, data)
	c.after(l, c.owes(l, cost+catalogCost), func() { l.link.Taken(revision, holds) })
}

// owes is after what time a peer may tell more, if it owes so much more.
func (c *catalogs) owes(l *peerLink, cost int) time.Duration {
	c.dir.mu.Lock()
	defer c.dir.mu.Unlock()
	return c.bucketOf(l).Owe(time.Now(), catalogRate, catalogBurst, cost)
}

// after does something now or, in the background, after a time, unless the link has ended by then.
func (c *catalogs) after(l *peerLink, wait time.Duration, do func()) {
	if wait == 0 {
		do()
		return
	}
	c.life.Spawn(func(context.Context) {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-l.link.Done():
		}
	})
}

// bucketOf is what bounds a peer, whatever link it comes by. The state lock is held.
func (c *catalogs) bucketOf(l *peerLink) *pace.Bucket {
	if to := c.dir.conns[l.peer.CollectorID]; to != nil {
		return &to.announced
	}
	return &l.announced
}

// take takes a catalog, and returns how many methods it had to look at, and whether the peer is known to serve that now. A wrong
// one is refused and the old one stays.
func (c *catalogs) take(l *peerLink, revision uint64, data []byte) (cost int, holds bool) {
	l.taking.Lock()
	defer l.taking.Unlock()
	over := func() bool { return l.link.Err() != nil } // its end waits for this
	told, err := catalog.Read(data, c.heldOf(l), l.base, &rest.Work{Urgent: over})
	if !told.Leaving {
		l.base = 0
	}
	switch {
	case errors.Is(err, catalog.ErrDoubt):
		c.logger.Debug("catalog is asked for in full", "peer", l.peer.CollectorID, "error", err)
		return told.Cost, false
	case err != nil:
		c.logger.Warn("catalog refused, the last one stays in use", "peer", l.peer.CollectorID, "error", err)
		return told.Cost + wrongCost, false
	}
	cost, holds = c.accept(l, revision, told)
	if holds && !told.Leaving {
		l.holds, l.base = told.Set, revision
	}
	return cost, holds
}

// heldOf is what the peer told last over a link, or another one before.
func (c *catalogs) heldOf(l *peerLink) *catalog.Set {
	if l.holds != nil {
		return l.holds
	}
	c.dir.mu.Lock()
	defer c.dir.mu.Unlock()
	if to := c.dir.conns[l.peer.CollectorID]; to != nil {
		return to.catalog.served()
	}
	return nothing
}

// accept notes what a peer told.
func (c *catalogs) accept(l *peerLink, revision uint64, told catalog.Told) (cost int, holds bool) {
	c.dir.mu.Lock()
	defer c.dir.mu.Unlock()
	if revision <= l.revision || l.gone {
		return told.Cost, false
	}
	l.revision = revision
	switch t := l.terms.Load(); {
	case t == nil:
		l.early, holds = &told, true // bind takes it
	case t.consumer: // it serves nothing
	default:
		return c.hear(l, told)
	}
	c.dir.announceChange()
	return told.Cost, holds
}

// hear notes what a peer tells over the link of its connection, unless another path carries the calls by now. The state
// lock is held.
func (c *catalogs) hear(l *peerLink, told catalog.Told) (cost int, holds bool) {
	to := c.dir.conns[l.peer.CollectorID]
	if to == nil || to.live != l {
		return told.Cost, false
	}
	if c.note(to, l, told); to.tooMuch != "" {
		told.Cost += wrongCost
	}
	c.dir.publish(to)
	return told.Cost, to.tooMuch == ""
}

// note notes what a peer tells, unless that is more than there is room for: then what it told before stays. The state lock
// is held.
func (c *catalogs) note(to *connection, l *peerLink, told catalog.Told) {
	to.tooMuch = ""
	if !told.Leaving && !c.makeRoom(to, told.Len()) {
		to.tooMuch = fmt.Sprintf("collector %q serves %d methods, and with those of all other peers these are more than the %d that are taken here: "+
			"what it told before stays in use; let it serve less, or raise the limit", to.peer, told.Len(), c.most)
		c.logger.Warn("catalog refused", "peer", to.peer, "error", to.tooMuch)
		told.Set = to.catalog.served()
	}
	to.hear(told, l.peer.SessionID)
	l.leaving = told.Leaving
}

// makeRoom reports whether there is room for so many methods of a peer, if need be after peers that are away, and have not
// proved who they are, were forgotten what they served. The state lock is held.
func (c *catalogs) makeRoom(to *connection, count int) bool {
	total := count
	for _, other := range c.dir.conns {
		if other != to && other.catalog != nil {
			total += other.catalog.Len()
		}
	}
	for _, other := range c.dir.conns {
		if total <= c.most {
			break
		}
		if other != to && other.catalog != nil && other.live == nil && !c.vouched(other.peer) {
			total -= other.catalog.Len()
			other.knownCatalog = knownCatalog{entrance: other.entrance}
			c.dir.publish(other)
		}
	}
	return total <= c.most
}

// bind begins the exchange of catalogs over a link that carries the calls of a connection; asked tells that this side
// asked for it. The state lock is held, and the connection is published later.
func (c *catalogs) bind(to *connection, l *peerLink, asked bool) {
	if l.early != nil {
		c.note(to, l, *l.early)
		l.early = nil
	}
	c.owe(l, asked)
}

// owe says who tells first. The state lock is held.
func (c *catalogs) owe(l *peerLink, asked bool) {
	if asked {
		l.owed = true
	} else {
		l.awaited = l.revision + 1
	}
	l.announceSoon()
}
