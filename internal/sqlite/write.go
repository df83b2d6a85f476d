package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// Write runs fn in a transaction of the writer and commits it; when Write returns nil, the changes are on disk. If fn
// or the commit fails, nothing of it is. fn runs alone and must use the context it gets.
//
// ctx bounds the wait for the turn only. A transaction that has begun runs to its end: SQLite cannot tell which
// statement an interrupt is for, and nothing can interrupt a sync anyway. Lock waits inside are bounded to five
// seconds by busy_timeout.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return db.failed(err)
	}
	defer release(conn)
	err = transact(context.WithoutCancel(ctx), conn, fn)
	if damaged(err) {
		discard(conn)
	}
	return db.failed(err)
}

// transact runs fn between BEGIN and COMMIT. ctx must have no end: see Write.
func transact(ctx context.Context, conn *sql.Conn, fn func(context.Context, *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// failed says of an error which file it is about, and what to do.
func (db *DB) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write %s: %w", db.path, explain(err))
}

// release gives the connection back, unless its rollback failed: the next transaction would be inside this one.
func release(conn *sql.Conn) {
	if midTransaction(conn) {
		discard(conn)
	}
	_ = conn.Close() // fails only if discarded before
}

// discard takes a connection out of the pool: database/sql closes one that says it is bad, and opens a new one when it is
// needed next.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
