package conn

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	collector "github.com/collectiverpc/collective/gen/collector"
)

// memoryStore is a Store for a collector that keeps no state over restarts.
type memoryStore struct {
	mu      sync.Mutex
	lastPut uint64
	records map[string]*memoryRecord // by connection id
}

type memoryRecord struct {
	put        uint64 // order of Put
	connection *collector.Connection
}

// NewMemoryStore makes an empty Store that forgets everything when the process ends.
func NewMemoryStore() Store { return &memoryStore{records: make(map[string]*memoryRecord)} }

func (s *memoryStore) Put(_ context.Context, record *collector.Connection) error {
	if record.GetId() == "" {
		return errNoRecordID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := withoutCounters(record)
	if old, ok := s.records[record.GetId()]; ok {
		countersOf(old.connection).add(stored)
	} else if err := s.makeRoom(); err != nil {
		return err
	}
	s.lastPut++
	s.records[record.GetId()] = &memoryRecord{put: s.lastPut, connection: stored}
	return nil
}

func (s *memoryStore) makeRoom() error {
	if len(s.records) < maxRecords {
		return nil
	}
	for _, record := range slices.Backward(s.newestFirst()) {
		if forgettable(record.connection) {
			delete(s.records, record.connection.GetId())
			return nil
		}
	}
	return ErrStoreFull
}

func (s *memoryStore) AddCounters(_ context.Context, deltas []Counters) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, delta := range deltas {
		if record, ok := s.records[delta.ConnectionID]; ok {
			delta.add(record.connection)
		}
	}
	return nil
}

func (s *memoryStore) List(context.Context) ([]*collector.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*collector.Connection, 0, len(s.records))
	for _, record := range s.newestFirst() {
		list = append(list, proto.CloneOf(record.connection))
	}
	return list, nil
}

func (s *memoryStore) Purge(_ context.Context, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, record := range s.records {
		if forgettable(record.connection) && record.connection.GetStateChangedAt().AsTime().Before(before) {
			delete(s.records, id)
		}
	}
	return nil
}

func (s *memoryStore) newestFirst() []*memoryRecord {
	list := make([]*memoryRecord, 0, len(s.records))
	for _, record := range s.records {
		list = append(list, record)
	}
	slices.SortFunc(list, func(a, b *memoryRecord) int { return cmp.Compare(b.put, a.put) })
	return list
}
