package conn

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/internal/introduction"
	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/gen/collector"
)

// recordKeeper is the way from the connections to the store and back.
type recordKeeper struct {
	dir    *directory
	store  Store
	logger *slog.Logger
}

// write stores a record, with the conflict of the moment: whoever watches the store keeps it as history. The caller going away
// does not stop it half way.
func (k *recordKeeper) write(ctx context.Context, c *connection, record *collector.Connection) error {
	k.dir.mu.Lock()
	conflict := c.conflict()
	k.dir.mu.Unlock()
	if conflict != "" {
		record = proto.CloneOf(record)
		record.Conflict = conflict
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return k.store.Put(ctx, record)
}

// writeOf stores the record of a connection, unless its peer has proved nothing.
func (k *recordKeeper) writeOf(ctx context.Context, c *connection, record *collector.Connection) error {
	k.dir.mu.Lock()
	volatile := c.volatile
	k.dir.mu.Unlock()
	if volatile {
		return nil
	}
	return k.write(ctx, c, record)
}

// writeBack writes the records that changed and the counters. What cannot be written is tried again.
func (k *recordKeeper) writeBack() {
	for _, c := range k.dirty() {
		k.writeDirty(c)
	}
	if err := k.writeCounters(); err != nil {
		k.logger.Error("counters could not be written", "error", err)
	}
}

func (k *recordKeeper) dirty() []*connection {
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	var list []*connection
	for _, c := range k.dir.conns {
		if c.dirty {
			list = append(list, c)
		}
	}
	return list
}

// writeDirty writes a record unless somebody is changing it: then that change writes it, or the next round does.
func (k *recordKeeper) writeDirty(c *connection) {
	if !c.turn.TryAcquire(1) {
		return
	}
	defer c.turn.Release(1)
	if err := k.catchUp(c); err != nil {
		k.logger.Error("a connection's record could not be written", "peer", c.peer, "error", err)
	}
}

// catchUp writes a record that is ahead of the stored one. The turn is held.
func (k *recordKeeper) catchUp(c *connection) error {
	k.dir.mu.Lock()
	record, dirty := c.record, c.dirty
	k.dir.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := k.writeOf(context.Background(), c, record); err != nil {
		return err
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	if c.record == record {
		c.dirty = false
	}
	return nil
}

func (k *recordKeeper) writeCounters() error {
	conns, deltas := k.deltas()
	if len(deltas) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := k.store.AddCounters(ctx, deltas); err != nil {
		return err
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	for i, c := range conns {
		c.flushed.Requests += deltas[i].Requests
		c.flushed.Errors += deltas[i].Errors
		c.flushed.BytesSent += deltas[i].BytesSent
		c.flushed.BytesReceived += deltas[i].BytesReceived
	}
	return nil
}

// deltas is what was counted since the last time it was written, and on which connections.
func (k *recordKeeper) deltas() (conns []*connection, deltas []Counters) {
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	for _, c := range k.dir.known() {
		d := c.path.tally.since(c.flushed)
		if d.Requests == 0 && d.Errors == 0 {
			continue
		}
		d.LastActivity = c.activity
		conns, deltas = append(conns, c), append(deltas, d)
	}
	return conns, deltas
}

// load takes over the records of earlier runs. Whatever was up then is stale now; nothing is written yet.
func (k *recordKeeper) load() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	list, err := k.store.List(ctx)
	if err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	for _, record := range slices.Backward(list) { // oldest change first
		peer := peerOf(k.dir.self.ID, record)
		if peer == "" {
			k.logger.Warn("a stored connection is not this collector's and is left alone", "connection", record.GetId())
			continue
		}
		k.adopt(peer, record)
	}
	return nil
}

// peerOf returns the other collector of a record, empty if the record is not one of self's.
func peerOf(self string, record *collector.Connection) string {
	peer := record.GetTargetCollectorId()
	if peer == self {
		peer = record.GetSourceCollectorId()
	}
	if introduction.CheckPeerID(self, peer) != nil || record.GetId() != ConnectionID(self, peer) {
		return ""
	}
	return peer
}

// adopt makes a connection of a stored record. The state lock is held.
func (k *recordKeeper) adopt(peer string, stored *collector.Connection) {
	c := newConnection(k.dir.self.ID, peer)
	c.base = countersOf(stored)
	c.base.LastActivity = time.Time{} // it is in the record
	c.activity = countersOf(stored).LastActivity
	record := proto.CloneOf(records.WithoutCounters(stored))
	record.Conflict = "" // that of an earlier run
	k.dir.setRecord(c, record)
	if stale, ok := c.after(eventLost, k.dir.self.SessionID, "this collector restarted"); ok && record.GetState() != stateStale {
		c.record, c.dirty = stale, true
	}
	c.seed = record.GetCarrier() == CarrierSeed
	c.expected = c.state() == stateStale && !c.seed
	k.dir.remember(c)
	k.dir.publish(c)
}

// catchAllUp writes all records that are ahead of the stored ones. It waits for those that are being changed.
func (k *recordKeeper) catchAllUp(ctx context.Context) error {
	for _, c := range k.dirty() {
		if err := k.catchUpInTurn(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (k *recordKeeper) catchUpInTurn(ctx context.Context, c *connection) error {
	if err := c.take(ctx, c.turn); err != nil {
		return err
	}
	defer c.turn.Release(1)
	if err := k.catchUp(c); err != nil {
		return errStore(err)
	}
	return nil
}
