package conn

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/collectiverpc/collective/conn/internal/keys"
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
	// OwnKey is the key by which this collector proves who it is, the same each time; nil if the store keeps none, and then
	// each run has a key of its own.
	OwnKey(ctx context.Context) (ed25519.PrivateKey, error)
	// PutKey stores a known key in place of the one of its collector, and survives what Put does. Known keys are not
	// bounded or purged with the records: of more than 4096 the one that was not seen for longest goes.
	PutKey(ctx context.Context, known KnownKey) error
	// ForgetKey forgets the key of a collector. That none is known is no error.
	ForgetKey(ctx context.Context, collectorID string) error
	// ListKeys answers all known keys.
	ListKeys(ctx context.Context) ([]KnownKey, error)
}

// KnownKey is the key by which a collector is known here since it was first agreed with.
type KnownKey struct {
	CollectorID string            // whose it is
	Key         ed25519.PublicKey // what proves it
	Proof       Proof             // the best that was ever shown with it
	FirstSeen   time.Time         // at the first agreement
	LastSeen    time.Time         // at the last one, to the hour
	Refused     string            // which other key was shown lately, and what to do; empty for none. Not stored
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
	OwnKey(ctx context.Context) (ed25519.PrivateKey, error)
	PutKey(ctx context.Context, known keys.Known) error
	ForgetKey(ctx context.Context, id string) error
	ListKeys(ctx context.Context) ([]keys.Known, error)
}

func (c counting) PutKey(ctx context.Context, known KnownKey) error {
	return c.keeping.PutKey(ctx, known.inside())
}

func (c counting) ListKeys(ctx context.Context) ([]KnownKey, error) {
	list, err := c.keeping.ListKeys(ctx)
	converted := make([]KnownKey, 0, len(list))
	for _, known := range list {
		converted = append(converted, knownKeyOf(known))
	}
	return converted, err
}

func knownKeyOf(known keys.Known) KnownKey {
	return KnownKey{CollectorID: known.ID, Key: known.Key, Proof: Proof(known.Proof), FirstSeen: known.FirstSeen, LastSeen: known.LastSeen}
}

func (k KnownKey) inside() keys.Known {
	return keys.Known{ID: k.CollectorID, Key: k.Key, Proof: keys.Proof(k.Proof), FirstSeen: k.FirstSeen, LastSeen: k.LastSeen}
}

// knownKeys lets the book of keys write into a Store, whose keys have another name in public.
type knownKeys struct{ Store }

func (s knownKeys) PutKey(ctx context.Context, known keys.Known) error {
	return s.Store.PutKey(ctx, knownKeyOf(known))
}

func (s knownKeys) ListKeys(ctx context.Context) ([]keys.Known, error) {
	list, err := s.Store.ListKeys(ctx)
	converted := make([]keys.Known, 0, len(list))
	for _, known := range list {
		converted = append(converted, known.inside())
	}
	return converted, err
}

func (c counting) AddCounters(ctx context.Context, deltas []Counters) error {
	converted := make([]records.Counters, len(deltas))
	for i, delta := range deltas {
		converted[i] = records.Counters(delta)
	}
	return c.keeping.AddCounters(ctx, converted)
}
