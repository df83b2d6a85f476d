package conn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/gen/collector"
)

// load takes over the records of earlier runs. Whatever was up then is stale now; nothing is written yet.
func (m *Manager) load() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	records, err := m.store.List(ctx)
	if err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	for _, record := range slices.Backward(records) { // oldest change first
		peer := peerOf(m.self.ID, record)
		if peer == "" {
			m.logger.Warn("a stored connection is not this collector's and is left alone", "connection", record.GetId())
			continue
		}
		m.adopt(peer, record)
	}
	return nil
}

// peerOf returns the other collector of a record, empty if the record is not one of self's.
func peerOf(self string, record *collector.Connection) string {
	peer := record.GetTargetCollectorId()
	if peer == self {
		peer = record.GetSourceCollectorId()
	}
	if checkPeerID(self, peer) != nil || record.GetId() != ConnectionID(self, peer) {
		return ""
	}
	return peer
}

func (m *Manager) adopt(peer string, stored *collector.Connection) {
	c := newConnection(m.self.ID, peer)
	c.base = countersOf(stored)
	c.base.LastActivity = time.Time{} // it is in the record
	c.activity = countersOf(stored).LastActivity
	record := proto.CloneOf(records.WithoutCounters(stored))
	m.setRecord(c, record)
	if stale, ok := c.after(eventLost, m.self.SessionID, "this collector restarted"); ok && record.GetState() != stateStale {
		c.record, c.dirty = stale, true
	}
	c.seed = record.GetCarrier() == CarrierSeed
	c.expected = c.state() == stateStale && !c.seed
	m.remember(c)
	m.publish(c)
}

// RecoverFromRestart writes down that the connections of earlier runs are stale, forgets those that have been dead for
// a day and that this side will not bring back, and then dials again, in the background, those that this side had
// dialled, until each is active or disconnected by hand. Call it once, before the first request is accepted.
func (m *Manager) RecoverFromRestart(ctx context.Context) error {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	m.pruner.old()
	for _, c := range m.dirty() {
		if err := m.recoverOne(ctx, c); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if c.record != nil {
			m.redialLater(c)
		}
	}
	return nil
}

func (m *Manager) recoverOne(ctx context.Context, c *connection) error {
	if err := c.turn.take(ctx); err != nil {
		return errBusy(c, err)
	}
	defer c.turn.give()
	if err := m.catchUp(c); err != nil {
		return errStore(err)
	}
	return nil
}
