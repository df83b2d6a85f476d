package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/collectiverpc/collective/conn/link/internal/account"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

const (
	// maxCatalog bounds a catalog, as encoded.
	maxCatalog = 16 << 20
	// smallCatalog bounds one that comes before the last one was taken: there is room to say that this end is leaving.
	smallCatalog = 64
)

// errNotTaken is the end of an announcement that the other end would end the link for.
var errNotTaken = errors.New("link: the other end has not taken the last catalog yet: announce when Config.OnTaken says that it has")

// untaken are the revisions that were announced, and not taken yet. The zero value has none.
type untaken struct {
	revisions []uint64 // at most two, the second of a small catalog
	last      uint64   // the highest that was announced
}

// announce adds a revision. It reports whether there may be one more of such a size.
func (u *untaken) announce(revision, size uint64) bool {
	if revision <= u.last || len(u.revisions) > 1 || len(u.revisions) == 1 && size > smallCatalog {
		return false
	}
	u.revisions, u.last = append(u.revisions, revision), revision
	return true
}

// take removes a revision and those before it.
func (u *untaken) take(revision uint64) {
	u.revisions = slices.DeleteFunc(u.revisions, func(r uint64) bool { return r <= revision })
}

// catalogOutbox sends the catalogs of this end, one after the other has been taken.
type catalogOutbox struct {
	core  *core
	turn  chan struct{}                     // holds the one that announces: parts of two catalogs must not mix
	taken func(revision uint64, holds bool) // nil: nobody wants to know

	mu      sync.Mutex
	untaken untaken
}

func newCatalogOutbox(c *core) *catalogOutbox {
	return &catalogOutbox{core: c, turn: make(chan struct{}, 1)}
}

// announce returns when the writer has all of the catalog.
func (o *catalogOutbox) announce(revision uint64, catalog []byte) error {
	if len(catalog) > maxCatalog {
		return fmt.Errorf("link: catalog of %d bytes exceeds %d", len(catalog), maxCatalog)
	}
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-o.core.end.over:
		return o.core.unavailable(false, o.core.end.err())
	}
	if !o.begin(revision, len(catalog)) {
		return errNotTaken
	}
	m := &outbox.Message{
		Type:   frame.TypeCatalog,
		Flags:  frame.FlagMessage,
		Prefix: binary.AppendUvarint(nil, revision),
		Data:   catalog,
	}
	o.core.out.Enqueue(m)
	err := o.core.sender.await(context.Background(), m)
	if err == nil {
		return nil
	}
	if errors.Is(err, outbox.ErrOver) {
		err = o.core.end.err()
	}
	return o.core.unavailable(false, err)
}

func (o *catalogOutbox) begin(revision uint64, size int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.untaken.announce(revision, uint64(size))
}

// accept reads a TAKEN.
func (o *catalogOutbox) accept(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	revision := p.Uvarint()
	if p.Err != nil {
		return p.Err
	}
	o.mu.Lock()
	announced := revision <= o.untaken.last
	o.untaken.take(revision)
	o.mu.Unlock()
	if !announced {
		return frame.Malformed("TAKEN of a catalog that was not announced")
	}
	if o.taken != nil {
		o.taken(revision, !h.Has(frame.FlagError))
	}
	return nil
}

// catalogInbox assembles arriving catalogs and delivers the newest one at a time.
type catalogInbox struct {
	out     *outbox.Outbox
	deliver func(revision uint64, catalog []byte) // nil: nobody wants them
	spawn   func(func())                          // starts a goroutine that the link waits for
	account *account.Account

	// The reader's.
	parts    []byte
	size     uint64 // of all parts, as announced
	revision uint64
	inside   bool

	mu      sync.Mutex
	untaken untaken
	next    *announcement
	running bool
}

type announcement struct {
	revision uint64
	catalog  []byte
}

func (c *catalogInbox) accept(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	if h.Has(frame.FlagFirst) {
		if err := c.begin(p.Uvarint(), p.Uvarint()); err != nil {
			return err
		}
	}
	arrived, more := uint64(len(c.parts)+len(p.B)), h.Has(frame.FlagMore)
	switch {
	case p.Err != nil:
		return p.Err
	case !c.inside:
		return frame.Malformed("part of no catalog")
	case more && arrived >= c.size, !more && arrived != c.size:
		return frame.Malformed("catalog of a size other than announced")
	case !c.append(p.B):
		return errHolds
	}
	if !more {
		c.post(announcement{c.revision, c.parts})
		c.parts, c.inside = nil, false
	}
	return nil
}

// begin makes room for a catalog: an older one that waits has to go, since this one takes its place. Who does not wait until
// the last one was taken would have this end do nothing else.
func (c *catalogInbox) begin(revision, size uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case size > maxCatalog:
		return frame.Malformed("catalog exceeds 16 MiB")
	case c.inside:
		return frame.Malformed("catalog within another")
	case !c.untaken.announce(revision, size):
		return frame.Malformed("catalog before the last one was taken")
	}
	c.revision, c.size, c.inside = revision, size, true
	if c.next != nil {
		c.release(c.next.catalog)
		c.next = nil
	}
	return nil
}

// append adds a part, in memory for no more than twice what has come. It reports whether the link may hold that.
func (c *catalogInbox) append(part []byte) bool {
	if need := len(c.parts) + len(part); need > cap(c.parts) {
		grown := make([]byte, len(c.parts), min(int(c.size), 2*need))
		copy(grown, c.parts)
		if !c.account.TakeAny(cap(grown) - cap(c.parts)) {
			return false
		}
		c.parts = grown
	}
	c.parts = append(c.parts, part...)
	return true
}

func (c *catalogInbox) release(catalog []byte) {
	c.account.Give(cap(catalog))
	c.account.Wake()
}

// post replaces the announcement that waits and makes sure that somebody delivers it.
func (c *catalogInbox) post(a announcement) {
	if c.deliver == nil {
		c.release(a.catalog)
		c.take(a.revision, true)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = &a
	if c.running {
		return
	}
	c.running = true
	c.spawn(c.run)
}

func (c *catalogInbox) run() {
	for a := c.pop(); a != nil; a = c.pop() {
		c.deliver(a.revision, a.catalog)
		c.release(a.catalog)
	}
}

func (c *catalogInbox) pop() *announcement {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.next
	c.next = nil
	c.running = a != nil
	return a
}

// take tells the other end that a catalog, and those before it, have been taken.
func (c *catalogInbox) take(revision uint64, holds bool) {
	c.mu.Lock()
	c.untaken.take(revision)
	c.mu.Unlock()
	var flags uint8
	if !holds {
		flags = frame.FlagError
	}
	c.out.Control(frame.TypeTaken, flags, 0, binary.AppendUvarint(nil, revision)...)
}
