package audit

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/collectiverpc/collective/store"
)

// Keep has the log written to a file, too, and its numbers go on from there. It is called before the first event is recorded.
func (l *Log) Keep(ctx context.Context, file *store.Store) error {
	var last sql.NullInt64
	err := file.Reader().QueryRowContext(ctx, "SELECT max(id) FROM audit").Scan(&last)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	l.writing.Lock()
	l.archive = &archive{file}
	l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq = uint64(last.Int64)
	return nil
}

// List answers rows, newest first: from the file if there is one, otherwise from memory.
func (l *Log) List(ctx context.Context, q Query) ([]Row, error) {
	q.Limit = q.Most()
	if l.archive != nil {
		l.write(ctx) // so that the file has everything
		return l.archive.list(ctx, q)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var rows []Row
	for i := len(l.recent) - 1; i >= 0 && len(rows) < q.Limit; i-- {
		if row := l.recent[i]; q.selects(row) {
			rows = append(rows, *row)
		}
	}
	return rows, nil
}
