package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/gen/collector"
)

// Memory is the store of a collector that keeps no state over restarts.
// It does what [File] does, by the same rules. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	lastPut uint64
	records map[string]*memoryRecord // by connection id
	keys    map[string]keys.Known    // by collector id
}

// memoryRecord is never given out: callers get copies.
type memoryRecord struct {
	put        uint64 // order of Put
	connection *collector.Connection
}

// NewMemory makes an empty store that forgets everything when the process ends.
func NewMemory() *Memory {
	return &Memory{records: make(map[string]*memoryRecord), keys: make(map[string]keys.Known)}
}

// Put stores a record in place of the one with its id, without its counters.
// The record is copied, so that the caller may go on changing its own.
func (s *Memory) Put(_ context.Context, record *collector.Connection) error {
	if record.GetId() == "" {
		return errNoID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := WithoutCounters(record)
	if old, ok := s.records[record.GetId()]; ok {
		CountersOf(old.connection).Add(stored)
	} else if err := s.makeRoom(); err != nil {
		return err
	}
	s.lastPut++
	s.records[record.GetId()] = &memoryRecord{put: s.lastPut, connection: stored}
	return nil
}

// makeRoom is that of [File]. mu is held.
func (s *Memory) makeRoom() error {
	if len(s.records) < MaxRecords {
		return nil
	}
	for _, record := range slices.Backward(s.newestFirst()) {
		if Forgettable(record.connection) {
			delete(s.records, record.connection.GetId())
			return nil
		}
	}
	return ErrFull
}

// AddCounters adds to the counters of records, all or none of them.
func (s *Memory) AddCounters(_ context.Context, deltas []Counters) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, delta := range deltas {
		if record, ok := s.records[delta.ConnectionID]; ok {
			delta.Add(record.connection)
		}
	}
	return nil
}

// List answers copies of all records, the last put first.
func (s *Memory) List(context.Context) ([]*collector.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*collector.Connection, 0, len(s.records))
	for _, record := range s.newestFirst() {
		list = append(list, proto.CloneOf(record.connection))
	}
	return list, nil
}

// Purge forgets the forgettable records whose state changed before that time.
func (s *Memory) Purge(_ context.Context, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, record := range s.records {
		if Forgettable(record.connection) && record.connection.GetStateChangedAt().AsTime().Before(before) {
			delete(s.records, id)
		}
	}
	return nil
}

// newestFirst is the order of List. A store has few records and is listed seldom: no index is kept. mu is held.
func (s *Memory) newestFirst() []*memoryRecord {
	list := make([]*memoryRecord, 0, len(s.records))
	for _, record := range s.records {
		list = append(list, record)
	}
	slices.SortFunc(list, func(a, b *memoryRecord) int { return cmp.Compare(b.put, a.put) })
	return list
}
