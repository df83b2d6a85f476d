package conn

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/collectiverpc/collective/gen/collector"
)

// A connection is dead when this side will not bring it back, see [Store]. The dead are remembered for forgetAfter, and no
// more of them than [Limits].Dead: those that died last.

// forgetAfter is how long a dead connection is remembered that this side will not bring back.
const forgetAfter = 24 * time.Hour

// pruner forgets dead connections, on disk and in memory.
type pruner struct {
	dir     *directory
	records *recordKeeper
	most    int
}

// prune is [Manager.Prune].
func (p *pruner) prune(ctx context.Context, olderThan time.Duration, keep int) ([]*collector.Connection, error) {
	if err := p.records.catchAllUp(ctx); err != nil { // or one that died just now would come back with its record
		return nil, err
	}
	before := time.Now().Add(-max(0, olderThan))
	if crowded := p.beyondNewest(max(0, keep)); crowded.Before(before) {
		before = crowded
	}
	return p.forget(ctx, before)
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
	if _, err := p.forget(context.Background(), before); err != nil {
		p.records.logger.Error("dead connections could not be purged from the store", "error", err)
	}
}

// beyondNewest is the time before which all dead connections died but the newest keep; zero if there are no others. Of those
// that died in the same instant more are kept.
func (p *pruner) beyondNewest(keep int) time.Time {
	p.dir.mu.Lock()
	defer p.dir.mu.Unlock()
	dead := p.dir.dead()
	switch {
	case len(dead) <= keep:
		return time.Time{}
	case keep == 0:
		return time.Now()
	}
	slices.SortFunc(dead, func(a, b *connection) int { return b.changedAt().Compare(a.changedAt()) })
	return dead[keep-1].changedAt()
}

// forget forgets the dead connections whose state changed before a time.
func (p *pruner) forget(ctx context.Context, before time.Time) ([]*collector.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := p.records.store.Purge(ctx, before); err != nil {
		return nil, errStore(err)
	}
	p.dir.mu.Lock()
	defer p.dir.mu.Unlock()
	gone := slices.DeleteFunc(p.dir.dead(), func(c *connection) bool { return !c.changedAt().Before(before) })
	slices.SortFunc(gone, func(a, b *connection) int { return cmp.Compare(b.put, a.put) })
	list := make([]*collector.Connection, 0, len(gone))
	for _, c := range gone {
		list = append(list, c.view())
		p.dir.forget(c)
		p.dir.unpublish(c.peer)
	}
	return list, nil
}
