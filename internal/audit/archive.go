package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/collectiverpc/collective/store"
)

// What is kept in a file: this many rows, and none of them longer.
const (
	MostKept = 10_000
	KeptFor  = 90 * 24 * time.Hour

	// A disk that is slower than that is told of, and calls go on without it.
	writeTime = 10 * time.Second // for one transaction
)

// archive is the table of rows in the collector's file.
type archive struct{ file *store.Store }

// upsert has the columns in the order of write. A row that is there has been counted up: nothing else of it changes.
const upsert = `
INSERT INTO audit (id, happened_at, kind, principal, network, tls, entrance, via, action, namespace, procedure, allowed, policies, reason, detail, count, last_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET count = excluded.count, last_at = excluded.last_at`

// write inserts rows or counts them up, and drops what is beyond the bounds, in one transaction.
func (a *archive) write(ctx context.Context, rows []Row) error {
	return a.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, upsert)
		if err != nil {
			return err
		}
		defer insert.Close()
		for i := range rows {
			r := &rows[i]
			policies, detail, err := texts(r)
			if err != nil {
				return err
			}
			_, err = insert.ExecContext(ctx, int64(r.Seq), r.Time.UnixNano(), string(r.Kind), r.ID, r.Network, r.TLS, r.Entrance, r.Via, r.Action, r.Namespace,
				r.Procedure, r.Allowed, policies, r.Reason, detail, r.Count, r.Last.UnixNano())
			if err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? OR happened_at < ?",
			MostKept, time.Now().Add(-KeptFor).UnixNano())
		return err
	})
}

// texts are the lists of a row as JSON.
func texts(r *Row) (policies, detail string, err error) {
	encoded, err := json.Marshal(r.Policies)
	if err != nil {
		return "", "", err
	}
	more, err := json.Marshal(r.Detail)
	return string(encoded), string(more), err
}

// list reads rows as a query selects them. Values are only ever bound: what a request says never becomes part of the statement.
func (a *archive) list(ctx context.Context, q Query) (list []Row, err error) {
	before := int64(math.MaxInt64)
	if q.Before > 0 && q.Before < math.MaxInt64 {
		before = int64(q.Before)
	}
	since := int64(math.MinInt64)
	if !q.Since.IsZero() {
		since = q.Since.UnixNano()
	}
	rows, err := a.file.Reader().QueryContext(ctx, `
		SELECT id, happened_at, kind, principal, network, tls, entrance, via, action, namespace, procedure, allowed, policies, reason, detail, count, last_at
		FROM audit WHERE id > ? AND id < ? AND happened_at >= ? AND allowed <= ? ORDER BY id DESC LIMIT ?`,
		int64(min(q.After, math.MaxInt64)), before, since, !q.DeniedOnly, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// scan reads a row in the order of list.
func scan(rows *sql.Rows) (r Row, err error) {
	var happened, last int64
	var policies, detail string
	err = rows.Scan(&r.Seq, &happened, &r.Kind, &r.ID, &r.Network, &r.TLS, &r.Entrance, &r.Via, &r.Action, &r.Namespace, &r.Procedure, &r.Allowed,
		&policies, &r.Reason, &detail, &r.Count, &last)
	if err != nil {
		return Row{}, err
	}
	r.Time, r.Last = time.Unix(0, happened), time.Unix(0, last)
	if err := json.Unmarshal([]byte(policies), &r.Policies); err != nil {
		return Row{}, err
	}
	return r, json.Unmarshal([]byte(detail), &r.Detail)
}
