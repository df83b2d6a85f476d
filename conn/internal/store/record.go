package store

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
)

// MaxRecords bounds a store: the peers a collector may have, dead ones included.
const MaxRecords = 1024

// ErrFull says that a store holds as many records as it may, and none that it could forget.
// Its text is for the person who asked for the connection.
var ErrFull = fmt.Errorf("there are %d connections already: disconnect some that are no longer needed", MaxRecords)

var errNoID = errors.New("connection record without an id")

// Counters is what a connection carried since the last time it was written down.
// They are differences, so that two that were not written can be added up and written late.
type Counters struct {
	ConnectionID  string
	Requests      int64
	Errors        int64
	BytesSent     int64
	BytesReceived int64
	LastActivity  time.Time // zero: unchanged
}

// Add brings a record up to date.
// The activity is the later of both, in whatever order they come.
func (c Counters) Add(record *collector.Connection) {
	record.RequestCount += c.Requests
	record.ErrorCount += c.Errors
	record.BytesSent += c.BytesSent
	record.BytesReceived += c.BytesReceived
	if !c.LastActivity.IsZero() {
		record.LastActivity = later(record.GetLastActivity(), timestamppb.New(c.LastActivity))
	}
}

// CountersOf reads the counters of a record as if they had all been carried at once.
func CountersOf(record *collector.Connection) Counters {
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

// WithoutCounters copies what Put stores of a record.
// The record itself stays as it is.
func WithoutCounters(record *collector.Connection) *collector.Connection {
	stored := proto.CloneOf(record)
	stored.RequestCount, stored.ErrorCount, stored.BytesSent, stored.BytesReceived = 0, 0, 0, 0
	return stored
}

// Forgettable reports whether nobody on this side will bring a connection back: it is closed, failed, or stale and was
// dialled by the other side.
// A stale connection that this side dialled is dialled again, even after a restart.
func Forgettable(record *collector.Connection) bool {
	switch record.GetState() {
	case collector.ConnectionState_CONNECTION_STATE_CLOSED, collector.ConnectionState_CONNECTION_STATE_FAILED:
		return true
	case collector.ConnectionState_CONNECTION_STATE_STALE:
		return !record.GetIsInitiator()
	default:
		return false
	}
}

// later is the later of two times, of which nil is none.
func later(a, b *timestamppb.Timestamp) *timestamppb.Timestamp {
	if a == nil || b != nil && b.AsTime().After(a.AsTime()) {
		return b
	}
	return a
}
