package conn

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/gen/collector"
)

// A connection is dead when this side will not bring it back, see [Store]. The dead are remembered for forgetAfter, and no
// more of them than [Limits].Dead: those that died last.

// pruner forgets dead connections, on disk and in memory.
type pruner struct {
	store  Store
	most   int
	logger *slog.Logger

	mu     *sync.Mutex // of the connections, which is held for the next two
	dead   func() []*connection
	forget func(*connection)
}

func newPruner(m *Manager) *pruner {
	return &pruner{
		store: m.store, most: m.limits.Dead, logger: m.logger, mu: &m.mu,
		dead: func() []*connection {
			return slices.DeleteFunc(m.known(), func(c *connection) bool { return !c.dead() })
		},
		forget: func(c *connection) {
			m.forget(c)
			m.unpublish(c.peer)
		},
	}
}

// dead reports whether the connection may be forgotten: it is over, and that is written. Manager.mu is held.
func (c *connection) dead() bool {
	return c.users == 0 && c.record != nil && !c.dirty && records.Forgettable(c.record)
}

// Prune forgets dead connections, on disk and in memory, whose state changed longer ago than olderThan, but for the newest
// keep of them. Dead are those that are closed, failed, or stale and dialled by the other side. It returns what it has
// forgotten, the last changed first. The manager does the same by itself, to those that died more than a day ago and to
// those beyond [Limits].Dead. Negative arguments count as 0.
func (m *Manager) Prune(ctx context.Context, olderThan time.Duration, keep int) ([]*collector.Connection, error) {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, c := range m.dirty() { // or one that died just now would come back with its record
		if err := m.recoverOne(ctx, c); err != nil {
			return nil, err
		}
	}
	before := time.Now().Add(-max(0, olderThan))
	if crowded := m.pruner.beyondNewest(max(0, keep)); crowded.Before(before) {
		before = crowded
	}
	return m.pruner.prune(ctx, before)
}

// old forgets what has been dead for long.
func (p *pruner) old() { p.quietly(time.Now().Add(-forgetAfter)) }

// crowd forgets the dead beyond the newest that may be.
func (p *pruner) crowd() {
	if before := p.beyondNewest(p.most); !before.IsZero() {
		p.quietly(before)
	}
}

func (p *pruner) quietly(before time.Time) {
	if _, err := p.prune(context.Background(), before); err != nil {
		p.logger.Error("dead connections could not be purged from the store", "error", err)
	}
}

// beyondNewest is the time before which all dead connections died but the newest keep; zero if there are no others. Of those
// that died in the same instant more are kept.
func (p *pruner) beyondNewest(keep int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	dead := p.dead()
	switch {
	case len(dead) <= keep:
		return time.Time{}
	case keep == 0:
		return time.Now()
	}
	slices.SortFunc(dead, func(a, b *connection) int { return b.changedAt().Compare(a.changedAt()) })
	return dead[keep-1].changedAt()
}

// changedAt is when the state changed. Manager.mu is held.
func (c *connection) changedAt() time.Time { return c.record.GetStateChangedAt().AsTime() }

// prune forgets the dead connections whose state changed before a time.
func (p *pruner) prune(ctx context.Context, before time.Time) ([]*collector.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := p.store.Purge(ctx, before); err != nil {
		return nil, errStore(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := slices.DeleteFunc(p.dead(), func(c *connection) bool { return !c.changedAt().Before(before) })
	slices.SortFunc(gone, func(a, b *connection) int { return cmp.Compare(b.put, a.put) })
	list := make([]*collector.Connection, 0, len(gone))
	for _, c := range gone {
		list = append(list, c.view())
		p.forget(c)
	}
	return list, nil
}
