package observe

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/store"
)

// Retention bounds the calls in an archive. Whatever is beyond either bound goes, the oldest first.
type Retention struct {
	// Calls is how many are kept; 0 for none: the archive then has the changes of connections only. About 250 bytes each.
	Calls int
	// Age is how long. Default 7 days.
	Age time.Duration
}

// withDefaults takes a negative age for none given, too.
func (r Retention) withDefaults() Retention {
	if r.Age <= 0 {
		r.Age = 7 * 24 * time.Hour
	}
	return r
}

// insertCall has the columns in the order of insertCalls.
const insertCall = `INSERT INTO dispatch (session, seq, started_at, duration, namespace, procedure, source, executor, route,
	code, reason, message, request_bytes, response_bytes, entrance, principal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// archive is the history in a file: tables of finished calls and of changes of connections.
type archive struct {
	file    *store.Store
	session string    // of this run; its calls are told without one
	keep    Retention // with defaults
}

// newArchive is the archive of one run. The tables are there: the store makes them when it is opened.
func newArchive(file *store.Store, session string, keep Retention) *archive {
	return &archive{file: file, session: session, keep: keep.withDefaults()}
}

// write appends calls and changes, and drops what is beyond the retention, in one transaction.
func (a *archive) write(ctx context.Context, calls []Call, changes []*meshv1.ConnectionChange) error {
	return a.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := a.insertCalls(ctx, tx, calls); err != nil {
			return err
		}
		if err := insertChanges(ctx, tx, changes); err != nil {
			return err
		}
		return a.prune(ctx, tx)
	})
}

// insertCalls appends calls in their order, so that ids of rows grow with time, by which pages and prune go. Texts have been
// made fit for a database by the ring.
func (a *archive) insertCalls(ctx context.Context, tx *sql.Tx, calls []Call) error {
	if len(calls) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, insertCall)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range calls {
		c := &calls[i]
		_, err := insert.ExecContext(ctx, a.session, int64(c.seq), c.Start.UnixNano(), c.Duration.Nanoseconds(), c.Namespace,
			c.Procedure, c.Source, c.Executor, strings.Join(c.Route, ","), c.Code, c.Reason, c.Message, c.RequestBytes,
			c.ResponseBytes, string(c.Entrance), c.Principal)
		if err != nil {
			return err
		}
	}
	return nil
}

// insertChanges keeps a change as the message that it is, since nobody selects by what is in it in SQL; the connection and the
// time stand beside it for whoever looks with other programs.
func insertChanges(ctx context.Context, tx *sql.Tx, changes []*meshv1.ConnectionChange) error {
	for _, change := range changes {
		data, err := proto.Marshal(change)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO connection_change (connection, changed_at, change) VALUES (?, ?, ?)",
			change.GetConnection().GetId(), change.GetConnection().GetStateChangedAt().AsTime().UnixNano(), data)
		if err != nil {
			return err
		}
	}
	return nil
}

// prune finds the oldest rows at the low end of the keys, so that it costs what it deletes.
func (a *archive) prune(ctx context.Context, tx *sql.Tx) error {
	oldest := time.Now().Add(-a.keep.Age).UnixNano()
	_, err := tx.ExecContext(ctx, `
		DELETE FROM dispatch WHERE id < max((SELECT max(id) FROM dispatch) - ?1 + 1,
			coalesce((SELECT id FROM dispatch WHERE started_at >= ?2 ORDER BY id LIMIT 1), 1 << 62))`,
		a.keep.Calls, oldest)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM connection_change WHERE id <= (SELECT max(id) FROM connection_change) - ?", maxChanges)
	return err
}

// changes reads the last changes of connections, oldest first.
func (a *archive) changes(ctx context.Context) (list []*meshv1.ConnectionChange, err error) {
	rows, err := a.file.Reader().QueryContext(ctx, "SELECT change FROM connection_change ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		change := new(meshv1.ConnectionChange)
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		if err := proto.Unmarshal(data, change); err != nil {
			return nil, err
		}
		list = append(list, change)
	}
	return list, rows.Err()
}
