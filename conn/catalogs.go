package conn

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/internal/pace"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/rest"
)

// catalogUpdate is this collector's catalog, encoded by namespace: a peer is told only of the namespaces it shares, and
// parts of an encoded catalog put one after the other are an encoded catalog.
type catalogUpdate struct {
	number  uint64 // grows with each that is told
	given   uint64 // revision of the catalog it was made of
	leaving bool
	parts   map[string][]byte
}

func newCatalogUpdate(catalog *meshv1.Catalog) (*catalogUpdate, error) {
	u := &catalogUpdate{given: catalog.GetRevision(), parts: make(map[string][]byte)}
	for _, method := range catalog.GetMethods() {
		if err := u.add(method.GetNamespace(), &meshv1.Catalog{Methods: []*meshv1.CatalogMethod{method}}); err != nil {
			return nil, err
		}
	}
	for _, schema := range catalog.GetSchemas() {
		if err := u.add(schema.GetNamespace(), &meshv1.Catalog{Schemas: []*meshv1.CatalogSchema{schema}}); err != nil {
			return nil, err
		}
	}
	var all []string
	for namespace := range u.parts {
		all = append(all, namespace)
	}
	_, err := parseCatalog(u.encode(u.given, all), nil)
	return u, err
}

// add appends to the part of a namespace.
func (u *catalogUpdate) add(namespace string, part *meshv1.Catalog) error {
	encoded, err := proto.Marshal(part)
	u.parts[namespace] = append(u.parts[namespace], encoded...)
	return err
}

// encode makes the catalog of some namespaces.
func (u *catalogUpdate) encode(revision uint64, namespaces []string) []byte {
	out := protowire.AppendTag(nil, 1, protowire.VarintType) // Catalog.revision
	out = protowire.AppendVarint(out, revision)
	for _, namespace := range namespaces {
		out = append(out, u.parts[namespace]...)
	}
	if u.leaving {
		out = protowire.AppendTag(out, 4, protowire.VarintType) // Catalog.leaving
		out = protowire.AppendVarint(out, 1)
	}
	return out
}

// catalogs tells the peers what this collector serves, and takes what they tell. A link tells it after each agreement and
// whenever it changes, always the full set, and when the peer is done with the last.
type catalogs struct {
	dir   *directory
	links *linkSet
	// vouched reports whether the key of an id is known and more than its owner's word.
	vouched func(id string) bool
	life    *lifetime.Lifetime
	most    int // methods of all peers together
	logger  *slog.Logger

	mu      sync.Mutex // held while update is replaced
	current atomic.Pointer[catalogUpdate]
}

func newCatalogs(dir *directory, links *linkSet, life *lifetime.Lifetime, most int, logger *slog.Logger) *catalogs {
	c := &catalogs{dir: dir, links: links, life: life, most: most, logger: logger}
	c.current.Store(new(catalogUpdate))
	return c
}

// announce makes a catalog the one that peers get, unless a newer one is or this collector is closing.
func (c *catalogs) announce(catalog *meshv1.Catalog) {
	next, err := newCatalogUpdate(catalog)
	if err != nil {
		c.logger.Error("this collector's catalog is not announced: peers would refuse it", "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, closing := c.life.Closing(); closing || next.given != 0 && next.given < c.current.Load().given {
		return
	}
	c.tell(next)
}

// announceLeaving tells the peers to call elsewhere, and not to take what was served here for withdrawn.
func (c *catalogs) announceLeaving() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell(&catalogUpdate{leaving: true})
}

// tell makes an update the one that peers get. mu is held.
func (c *catalogs) tell(next *catalogUpdate) {
	next.number = c.current.Load().number + 1
	c.current.Store(next)
	for _, l := range c.links.list() {
		l.announceSoon()
	}
}

// tellPeer tells our catalog over a link, when it is our turn, and the peer has taken what it was told before: it waits for no
// more than that this collector is leaving. Only the goroutine of the link calls it.
func (c *catalogs) tellPeer(l *peerLink) {
	c.dir.await(l, l.mayAnnounce)
	update := c.current.Load()
	said := telling{update.number, l.terms.Load()}
	if said == l.said || l.taken.Load() < l.told && !update.leaving {
		return // it says that it took it, and then there is a look again
	}
	l.told++
	if err := l.link.Announce(l.told, update.encode(l.told, said.terms.shared)); err != nil {
		c.logger.Debug("catalog not announced", "peer", l.peer.CollectorID, "error", err)
		return
	}
	l.said = said
}

// Methods that a peer tells are taken and joined at catalogRate a second, catalogBurst of them at once: so one that announces
// all the time takes a twentieth of a processor. An announcement costs as much as catalogCost more.
const (
	catalogRate  = 25_000.0
	catalogBurst = maxCatalogMethods
	catalogCost  = 100
	wrongCost    = 25_000 // each is in the log
)

// arrived takes the catalog that a peer tells over a link. The peer may tell the next when it has been paid for; one that comes by
// another link before that waits, unless it costs nothing. Who dialled and has not agreed yet has nothing to tell.
func (c *catalogs) arrived(l *peerLink, revision uint64, data []byte) {
	if !l.dialed && l.terms.Load() == nil {
		return
	}
	if len(data) > catalogCost && !c.wait(l, c.owes(l, 0)) {
		return
	}
	cost, holds := c.take(l, revision, data)
	wait := c.owes(l, cost+catalogCost)
	if wait == 0 {
		l.link.Taken(revision, holds)
		return
	}
	c.life.Spawn(func(context.Context) {
		if c.wait(l, wait) {
			l.link.Taken(revision, holds)
		}
	})
}

// owes is after what time a peer may tell more, if it owes so much more.
func (c *catalogs) owes(l *peerLink, cost int) time.Duration {
	c.dir.mu.Lock()
	defer c.dir.mu.Unlock()
	return c.bucketOf(l).Owe(time.Now(), catalogRate, catalogBurst, cost)
}

// wait waits, and reports whether the link is still there.
func (c *catalogs) wait(l *peerLink, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.link.Done():
		return false
	}
}

// bucketOf is what bounds a peer, whatever link it comes by. The state lock is held.
func (c *catalogs) bucketOf(l *peerLink) *pace.Bucket {
	if to := c.dir.conns[l.peer.CollectorID]; to != nil {
		return &to.announced
	}
	return &l.announced
}

// take takes a catalog, and returns how many methods it had to look at. A wrong one is refused and the old one stays.
func (c *catalogs) take(l *peerLink, revision uint64, data []byte) (cost int, holds bool) {
	catalog, err := parseCatalog(data, new(rest.Work))
	if err != nil {
		c.logger.Warn("catalog refused, the last one stays in use", "peer", l.peer.CollectorID, "error", err)
		return wrongCost, false
	}
	c.dir.mu.Lock()
	defer c.dir.mu.Unlock()
	if revision <= l.revision || l.gone {
		return catalog.count, false
	}
	l.revision = revision
	switch t := l.terms.Load(); {
	case t == nil:
		l.early = catalog // bind takes it
	case t.consumer: // it serves nothing
	default:
		return c.hear(l, catalog), true
	}
	c.dir.announceChange()
	return catalog.count, true
}

// hear notes what a peer tells over the link of its connection, unless another path carries the calls by now, and returns how many
// methods come and go. The state lock is held.
func (c *catalogs) hear(l *peerLink, told *Catalog) (cost int) {
	to := c.dir.conns[l.peer.CollectorID]
	if to == nil || to.live != l {
		return told.count
	}
	cost = told.count + to.orEmpty().count
	if c.note(to, l, told); to.tooMuch != "" {
		cost += wrongCost
	}
	c.dir.publish(to)
	return cost
}

// note notes what a peer tells, unless that is more than there is room for: then what it told before stays. The state lock
// is held.
func (c *catalogs) note(to *connection, l *peerLink, told *Catalog) {
	to.tooMuch = ""
	if !c.makeRoom(to, told.count) {
		to.tooMuch = fmt.Sprintf("collector %q serves %d methods, and with those of all other peers these are more than the %d that are taken here: "+
			"what it told before stays in use; let it serve less, or raise the limit", to.peer, told.count, c.most)
		c.logger.Warn("catalog refused", "peer", to.peer, "error", to.tooMuch)
		told = to.orEmpty()
	}
	to.hear(told, l.peer.SessionID)
	l.leaving = told.leaving
}

// makeRoom reports whether there is room for so many methods of a peer, if need be after peers that are away, and have not
// proved who they are, were forgotten what they served. The state lock is held.
func (c *catalogs) makeRoom(to *connection, count int) bool {
	total := count
	for _, other := range c.dir.conns {
		if other != to && other.catalog != nil {
			total += other.catalog.count
		}
	}
	for _, other := range c.dir.conns {
		if total <= c.most {
			break
		}
		if other != to && other.catalog != nil && other.live == nil && !c.vouched(other.peer) {
			total -= other.catalog.count
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
		c.note(to, l, l.early)
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
