package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/collectiverpc/collective/conn/link/internal/account"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// maxCatalog bounds a catalog, as encoded.
const maxCatalog = 16 << 20

// catalogOutbox sends the catalogs of this end.
type catalogOutbox struct {
	core *core
	turn chan struct{} // holds the one that announces: parts of two catalogs must not mix
}

func newCatalogOutbox(c *core) *catalogOutbox { return &catalogOutbox{c, make(chan struct{}, 1)} }

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

// catalogInbox assembles arriving catalogs and delivers the newest one at a time.
type catalogInbox struct {
	deliver func(revision uint64, catalog []byte) // nil: nobody wants them
	spawn   func(func())                          // starts a goroutine that the link waits for
	account *account.Account

	// The reader's.
	parts    []byte
	size     uint64 // of all parts, as announced
	revision uint64
	inside   bool

	mu      sync.Mutex
	next    *announcement
	newest  uint64 // the highest revision that arrived
	running bool
}

type announcement struct {
	revision uint64
	catalog  []byte
}

func (c *catalogInbox) accept(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	if h.Has(frame.FlagFirst) {
		c.begin(p.Uvarint(), p.Uvarint())
	}
	arrived, more := uint64(len(c.parts)+len(p.B)), h.Has(frame.FlagMore)
	switch {
	case p.Err != nil:
		return p.Err
	case !c.inside:
		return frame.Malformed("part of no catalog")
	case c.size > maxCatalog:
		return frame.Malformed("catalog exceeds 16 MiB")
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

// begin makes room for a catalog: an older one that waits has to go, since this one takes its place, and what had come of
// another that was never finished.
func (c *catalogInbox) begin(revision, size uint64) {
	c.release(c.parts)
	c.revision, c.size = revision, size
	c.parts, c.inside = nil, true
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil && revision >= c.newest {
		c.release(c.next.catalog)
		c.next = nil
	}
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deliver == nil || a.revision < c.newest {
		c.release(a.catalog)
		return
	}
	c.next, c.newest = &a, a.revision
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
