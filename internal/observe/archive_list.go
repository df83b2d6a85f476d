package observe

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// condition is a part of a WHERE clause, with the values for its question marks. The zero value is that of all rows, and no
// clause yet: a statement needs one part at least.
type condition struct {
	text   strings.Builder
	values []any
}

// and adds a part that has to hold too. Values are only ever bound: what a request says never becomes part of the statement.
func (c *condition) and(text string, values ...any) {
	if c.text.Len() > 0 {
		c.text.WriteString(" AND ")
	}
	c.text.WriteString(text)
	c.values = append(c.values, values...)
}

// pageFrom is all rows from a place on, whatever a request selects. In front of the first page are the calls of this run
// that were listed from memory.
func (a *archive) pageFrom(from place) *condition {
	c := new(condition)
	if from.row != 0 {
		c.and("id < ?", from.row)
		return c
	}
	c.and("NOT (session = ? AND seq >= ?)", a.session, int64(from.seq))
	return c
}

// where adds to a condition what a selection wants. It must agree with selection.selects.
func (s selection) where(c *condition) {
	for column, wanted := range map[string]string{
		"namespace": s.GetNamespace(), "executor": s.GetExecutorCollectorId(), "source": s.GetSourceCollectorId(),
		"principal": s.GetPrincipal(),
	} {
		if wanted != "" {
			c.and(column+" = ?", wanted)
		}
	}
	if id := s.GetCollectorId(); id != "" {
		c.and("(source = ? OR executor = ?)", id, id)
	}
	if s.GetErrorsOnly() {
		c.and("code <> ?", OK)
	}
	if codes := s.GetCodes(); len(codes) > 0 {
		values := make([]any, len(codes))
		for i, code := range codes {
			values[i] = code
		}
		c.and("code IN (?"+strings.Repeat(", ?", len(codes)-1)+")", values...)
	}
	if s.procedure != "" {
		c.and("instr(replace(lower(procedure), '/', '.'), ?)", s.procedure)
	}
	if least := s.GetMinDurationNanos(); least > 0 {
		c.and("duration >= ?", least)
	}
	if !s.from.IsZero() {
		c.and("started_at >= ?", s.from.UnixNano())
	}
	if !s.to.IsZero() {
		c.and("started_at <= ?", s.to.UnixNano())
	}
}

// selectCalls has the columns in the order of scan.
const selectCalls = `SELECT id, session, seq, started_at, duration, namespace, procedure, source, executor, route,
	code, reason, message, request_bytes, response_bytes, entrance, principal FROM dispatch WHERE `

// list adds to a listing what the archive has from a place on. Two statements and no transaction: what is pruned between them
// makes the count of what was looked at a little smaller than it was.
func (a *archive) list(ctx context.Context, l *listing, from place) error {
	last, err := a.listRows(ctx, l, from)
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	if l.room() == 0 {
		l.res.NextPageToken = archiveToken(last)
	}
	looked := a.pageFrom(from)
	looked.and("id >= ?", last)
	var scanned, oldest sql.NullInt64
	err = a.file.Reader().QueryRowContext(ctx, "SELECT count(*), (SELECT started_at FROM dispatch ORDER BY id LIMIT 1) FROM dispatch WHERE "+
		looked.text.String(), looked.values...).Scan(&scanned, &oldest)
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	l.res.Scanned += scanned.Int64
	if oldest.Valid && (l.res.Oldest == nil || oldest.Int64 < l.res.GetOldest().AsTime().UnixNano()) {
		l.res.Oldest = timestamppb.New(time.Unix(0, oldest.Int64))
	}
	return nil
}

// listRows fills the listing and returns the last row of it, or 0 when all rows were looked at.
func (a *archive) listRows(ctx context.Context, l *listing, from place) (last int64, err error) {
	wanted := a.pageFrom(from)
	l.wanted.where(wanted)
	rows, err := a.file.Reader().QueryContext(ctx, selectCalls+wanted.text.String()+" ORDER BY id DESC LIMIT ?",
		append(wanted.values, l.room())...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		d, id, err := a.scan(rows)
		if err != nil {
			return 0, err
		}
		last = id
		l.res.Dispatches = append(l.res.Dispatches, d)
	}
	if l.room() > 0 {
		last = 0
	}
	return last, rows.Err()
}

// scan reads a row. Calls of this run have no session in the answer, as those from memory: a reader need not know where one
// came from.
func (a *archive) scan(rows *sql.Rows) (d *meshv1.Dispatch, id int64, err error) {
	d = new(meshv1.Dispatch)
	var started int64
	var route string
	err = rows.Scan(&id, &d.SessionId, &d.Seq, &started, &d.DurationNanos, &d.Namespace, &d.Procedure, &d.SourceCollectorId,
		&d.ExecutorCollectorId, &route, &d.Code, &d.Reason, &d.Message, &d.RequestBytes, &d.ResponseBytes, &d.Entrance,
		&d.Principal)
	d.StartedAt = timestamppb.New(time.Unix(0, started))
	if route != "" {
		d.Route = strings.Split(route, ",")
	}
	if d.SessionId == a.session {
		d.SessionId = ""
	}
	return d, id, err
}
