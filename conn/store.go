package conn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	collector "github.com/collectiverpc/collective/gen/collector"
)

// maxRecords bounds a store: the peers a collector may have, dead ones included.
const maxRecords = 1024

// ErrStoreFull says that a store holds as many records as it may, and none that it could forget.
var ErrStoreFull = fmt.Errorf("there are %d connections already: disconnect some that are no longer needed", maxRecords)

var errNoRecordID = errors.New("connection record without an id")

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
func (c Counters) add(record *collector.Connection) {
	record.RequestCount += c.Requests
	record.ErrorCount += c.Errors
	record.BytesSent += c.BytesSent
	record.BytesReceived += c.BytesReceived
	if !c.LastActivity.IsZero() {
		record.LastActivity = later(record.GetLastActivity(), timestamppb.New(c.LastActivity))
	}
}

// countersOf reads the counters of a record as if they had all been carried at once.
func countersOf(record *collector.Connection) Counters {
	counters := Counters{
		ConnectionID:  record.GetId(),
		Requests:      record.GetRequestCount(),
		Errors:        record.GetErrorCount(),
		BytesSent:     record.GetBytesSent(),
		BytesReceived: record.GetBytesReceived(),
	}
	if record.GetLastActivity() != nil {
		counters.LastActivity = record.GetLastActivity().AsTime()
	}
	return counters
}

// withoutCounters copies what Put stores of a record.
func withoutCounters(record *collector.Connection) *collector.Connection {
	stored := proto.CloneOf(record)
	stored.RequestCount, stored.ErrorCount, stored.BytesSent, stored.BytesReceived = 0, 0, 0, 0
	return stored
}

func forgettable(record *collector.Connection) bool {
	switch record.GetState() {
	case collector.ConnectionState_CONNECTION_STATE_CLOSED, collector.ConnectionState_CONNECTION_STATE_FAILED:
		return true
	case collector.ConnectionState_CONNECTION_STATE_STALE:
		return !record.GetIsInitiator()
	default:
		return false
	}
}

func later(a, b *timestamppb.Timestamp) *timestamppb.Timestamp {
	if a == nil || b != nil && b.AsTime().After(a.AsTime()) {
		return b
	}
	return a
}
