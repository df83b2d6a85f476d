package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// maxCatalog bounds a catalog, as encoded.
const maxCatalog = 16 << 20

// Announce sends this end's catalog, always in full. It returns when the writer has all of it. Revisions order
// announcements and must grow: the other end does not go back from a newer to an older one.
func (l *Link) Announce(revision uint64, catalog []byte) error {
	if len(catalog) > maxCatalog {
		return fmt.Errorf("link: catalog of %d bytes exceeds %d", len(catalog), maxCatalog)
	}
	select {
	case l.announcing <- struct{}{}:
		defer func() { <-l.announcing }()
	case <-l.over:
		return l.unavailable(false, l.Err())
	}
	m := &largeMessage{
		typ:      frame.TypeCatalog,
		flags:    frame.FlagMessage,
		prefix:   binary.AppendUvarint(nil, revision),
		data:     catalog,
		progress: time.Now(),
		moved:    make(chan struct{}),
	}
	l.out.mu.Lock()
	l.out.giveTurn(m)
	l.out.unlock()
	if err := l.awaitMoved(context.Background(), m); err != nil {
		l.out.mu.Lock()
		l.out.withdraw(m)
		l.out.mu.Unlock()
		if errors.Is(err, errLinkOver) {
			err = l.Err()
		}
		return l.unavailable(false, err)
	}
	return nil
}

// catalogInbox assembles arriving catalogs and delivers the newest one at a time.
type catalogInbox struct {
	deliver func(l *Link, revision uint64, catalog []byte)

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

func (c *catalogInbox) accept(l *Link, h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	if h.Has(frame.FlagFirst) {
		c.revision, c.size = p.Uvarint(), p.Uvarint()
		c.parts, c.inside = nil, true
	}
	c.parts = append(c.parts, p.B...)
	arrived, more := uint64(len(c.parts)), h.Has(frame.FlagMore)
	switch {
	case p.Err != nil:
		return p.Err
	case !c.inside:
		return frame.Malformed("part of no catalog")
	case c.size > maxCatalog:
		return frame.Malformed("catalog exceeds 16 MiB")
	case more && arrived >= c.size, !more && arrived != c.size:
		return frame.Malformed("catalog of a size other than announced")
	}
	if !more {
		c.post(l, announcement{c.revision, c.parts})
		c.parts, c.inside = nil, false
	}
	return nil
}

// post replaces the announcement that waits and makes sure that somebody delivers it.
func (c *catalogInbox) post(l *Link, a announcement) {
	if c.deliver == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.revision < c.newest {
		return
	}
	c.next, c.newest = &a, a.revision
	if c.running {
		return
	}
	c.running = true
	l.group.Go(func() { c.run(l) })
}

func (c *catalogInbox) run(l *Link) {
	for a := c.take(); a != nil; a = c.take() {
		c.deliver(l, a.revision, a.catalog)
	}
}

func (c *catalogInbox) take() *announcement {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.next
	c.next = nil
	c.running = a != nil
	return a
}
