package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/gen/collector"
	file "github.com/collectiverpc/collective/store"
)

// File is the table `connection` of a collector's file.
// It is safe for concurrent use: writes take turns in the file, and reads see what was committed.
type File struct{ file *file.Store }

// NewFile makes a store of the connections in a file, which stays the caller's to close.
// Several may be made of one file; they are the same store.
func NewFile(of *file.Store) *File { return &File{file: of} }

// Put stores a record in place of the one with its id, without its counters.
// The counters that are there stay: they are counted by another writer, which a put must not set back.
func (s *File) Put(ctx context.Context, record *collector.Connection) error {
	if record.GetId() == "" {
		return errNoID
	}
	row, err := newRow(record)
	if err != nil {
		return fmt.Errorf("connection %s: %w", record.GetId(), err)
	}
	return s.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := makeRoom(ctx, tx, record.GetId()); err != nil {
			return err
		}
		return row.upsert(ctx, tx)
	})
}

// makeRoom forgets the record that can be forgotten and was put longest ago, if a new one has no room. It is within the
// transaction of the put, so that a put which fails forgets nothing.
func makeRoom(ctx context.Context, tx *sql.Tx, id string) error {
	var full bool
	err := tx.QueryRowContext(ctx, `
		SELECT count(*) >= ? AND NOT EXISTS (SELECT 1 FROM connection WHERE id = ?)
		FROM connection`, MaxRecords, id).Scan(&full)
	if err != nil || !full {
		return err
	}
	result, err := tx.ExecContext(ctx, `
		DELETE FROM connection
		WHERE put = (SELECT min(put) FROM connection WHERE forgettable)`)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrFull)
	}
	return nil
}

// AddCounters adds to the counters of records, all or none of them.
// A record that is gone meanwhile is passed over: its counts are of no use to anybody.
func (s *File) AddCounters(ctx context.Context, deltas []Counters) error {
	if len(deltas) == 0 {
		return nil
	}
	return s.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, delta := range deltas {
			if err := addCounters(ctx, tx, delta); err != nil {
				return fmt.Errorf("counters of connection %s: %w", delta.ConnectionID, err)
			}
		}
		return nil
	})
}

// addCounters adds in the database, not here, so that nobody has to read before.
func addCounters(ctx context.Context, tx *sql.Tx, delta Counters) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE connection SET
			requests = requests + ?, errors = errors + ?,
			bytes_sent = bytes_sent + ?, bytes_received = bytes_received + ?,
			last_activity = max(last_activity, ?)
		WHERE id = ?`,
		delta.Requests, delta.Errors, delta.BytesSent, delta.BytesReceived, nanos(delta.LastActivity), delta.ConnectionID)
	return err
}

// List answers copies of all records, the last put first.
// One damaged row fails the whole list: whoever reads it must not take the rest for all there is.
func (s *File) List(ctx context.Context) ([]*collector.Connection, error) {
	rows, err := s.file.Reader().QueryContext(ctx, `
		SELECT id, record, checksum, requests, errors, bytes_sent, bytes_received, last_activity
		FROM connection ORDER BY put DESC`)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	defer rows.Close()
	var list []*collector.Connection
	for rows.Next() {
		record, err := scanRecord(rows)
		if err != nil {
			return nil, fmt.Errorf("list connections: %w", err)
		}
		list = append(list, record)
	}
	return list, rows.Err()
}

// Purge forgets the forgettable records whose state changed before that time.
// A connection that this side will dial again is kept, however old it is.
func (s *File) Purge(ctx context.Context, before time.Time) error {
	return s.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM connection WHERE forgettable AND state_changed_at < ?", nanos(before))
		return err
	})
}

// connectionRow is what Put writes.
// Times are Unix nanoseconds.
type connectionRow struct {
	id                           string
	forgettable                  bool
	stateChangedAt, lastActivity int64
	record                       []byte
}

// newRow encodes the record without what has columns of its own, which change far more often. The encoding is deterministic
// for the checksum's sake.
func newRow(record *collector.Connection) (connectionRow, error) {
	stored := WithoutCounters(record)
	stored.LastActivity = nil
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(stored)
	return connectionRow{
		id:             record.GetId(),
		forgettable:    Forgettable(record),
		stateChangedAt: record.GetStateChangedAt().AsTime().UnixNano(),
		lastActivity:   nanos(CountersOf(record).LastActivity),
		record:         encoded,
	}, err
}

// upsert makes it the record that was put last. The activity never goes back.
func (r connectionRow) upsert(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO connection (id, put, forgettable, state_changed_at, record, checksum, last_activity)
		VALUES (?, (SELECT coalesce(max(put), 0) + 1 FROM connection), ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			put = excluded.put, forgettable = excluded.forgettable, state_changed_at = excluded.state_changed_at,
			record = excluded.record, checksum = excluded.checksum,
			last_activity = max(last_activity, excluded.last_activity)`,
		r.id, r.forgettable, r.stateChangedAt, r.record, checksum(r.record), r.lastActivity)
	return err
}

// scanRecord refuses a row that is not exactly what was written: a damaged one must not be dialled.
func scanRecord(rows *sql.Rows) (*collector.Connection, error) {
	var (
		counters       Counters
		encoded        []byte
		sum, lastNanos int64
	)
	err := rows.Scan(&counters.ConnectionID, &encoded, &sum,
		&counters.Requests, &counters.Errors, &counters.BytesSent, &counters.BytesReceived, &lastNanos)
	if err != nil {
		return nil, err
	}
	record, err := decodeRecord(counters.ConnectionID, encoded, sum)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w (%w)", counters.ConnectionID, file.ErrDamaged, err)
	}
	if lastNanos != 0 {
		counters.LastActivity = time.Unix(0, lastNanos)
	}
	counters.Add(record)
	return record, nil
}

// decodeRecord checks the sum before it decodes, and that the record is the one that its key says.
func decodeRecord(id string, encoded []byte, sum int64) (*collector.Connection, error) {
	if checksum(encoded) != sum {
		return nil, errors.New("its checksum does not fit")
	}
	record := new(collector.Connection)
	if err := proto.Unmarshal(encoded, record); err != nil {
		return nil, err
	}
	if record.GetId() != id {
		return nil, fmt.Errorf("it holds the record of %q", record.GetId())
	}
	return record, nil
}

// checksum finds what a disk or an editor has damaged; it is no proof against malice.
func checksum(record []byte) int64 {
	return int64(crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli)))
}

// nanos are Unix nanoseconds; 0 for no time at all, which the columns compare as the oldest.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
