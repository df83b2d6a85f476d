package conn

import (
	"context"
	"time"

	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/store"
)

// ErrStoreFull says that a store holds as many records as it may, and none that it could forget.
var ErrStoreFull = records.ErrFull

// Store keeps the records of connections over restarts of the collector. It is safe for concurrent use.
//
// A record is forgettable when nobody on this side will bring its connection back: it is closed, failed, or stale and
// was dialled by the other side.
type Store interface {
	// Put stores a record in place of the one with its id. When it returns nil, the record survives kill -9 and power
	// loss. The counters in it (request_count, error_count, bytes_sent, bytes_received) are ignored, since AddCounters
	// alone changes them; last_activity never goes back. A new record beyond the 1024th takes the place of the
	// forgettable record that was put longest ago, or is refused with [ErrStoreFull].
	Put(ctx context.Context, record *collector.Connection) error
	// AddCounters adds to the counters of records, all or none of them. Unknown ids are ignored: their records have
	// been forgotten.
	AddCounters(ctx context.Context, deltas []Counters) error
	// List answers copies of all records, the last put first, whatever clocks did.
	List(ctx context.Context) ([]*collector.Connection, error)
	// Purge forgets the forgettable records whose state changed before that time.
	Purge(ctx context.Context, before time.Time) error
}

// Counters is what a connection carried since the last time it was written down.
type Counters struct {
	ConnectionID  string    // see [ConnectionID]
	Requests      int64     // calls that crossed, of both sides
	Errors        int64     // those of them that the connection failed, not a handler
	BytesSent     int64     // of messages
	BytesReceived int64     // of messages
	LastActivity  time.Time // zero: unchanged
}

// add brings a record up to date.
func (c Counters) add(record *collector.Connection) { records.Counters(c).Add(record) }

// countersOf reads the counters of a record as if they had all been carried at once.
func countersOf(record *collector.Connection) Counters { return Counters(records.CountersOf(record)) }

// NewMemoryStore makes an empty Store that forgets everything when the process ends.
func NewMemoryStore() Store { return counting{records.NewMemory()} }

// NewFileStore makes a Store of the connections in file, which stays the caller's to close, after the [Manager] that uses
// the Store.
func NewFileStore(file *store.Store) Store { return counting{records.NewFile(file)} }

// counting makes a Store of what has counters by another name: they are public here.
type counting struct{ keeping }

type keeping interface {
	Put(ctx context.Context, record *collector.Connection) error
	AddCounters(ctx context.Context, deltas []records.Counters) error
	List(ctx context.Context) ([]*collector.Connection, error)
	Purge(ctx context.Context, before time.Time) error
}

func (c counting) AddCounters(ctx context.Context, deltas []Counters) error {
	converted := make([]records.Counters, len(deltas))
	for i, delta := range deltas {
		converted[i] = records.Counters(delta)
	}
	return c.keeping.AddCounters(ctx, converted)
}
