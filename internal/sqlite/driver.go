//go:build cgo

package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// checkDriver refuses a SQLite that cannot be trusted with a file.
func checkDriver() error { return checkLibrary(sqlite3.Version()) }

// explain adds what to do to the errors of SQLite that a person can act on.
func explain(err error) error {
	var sqliteErr sqlite3.Error
	if !errors.As(err, &sqliteErr) || errors.Is(err, ErrDamaged) {
		return err
	}
	switch sqliteErr.Code {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrFormat:
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("another process holds the database: %w", err)
	case sqlite3.ErrFull:
		return fmt.Errorf("no space left for the database: %w", err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return fmt.Errorf("no permission to write the database or its directory: %w", err)
	default:
		return err
	}
}

// damaged reports an error after which a connection must not be used again. A failed sync is one: the kernel may have
// dropped the pages, and a second sync would succeed without them.
func damaged(err error) bool {
	var sqliteErr sqlite3.Error
	if !errors.As(err, &sqliteErr) {
		return false
	}
	switch sqliteErr.Code {
	case sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return true
	default:
		return false
	}
}

// Unwritable reports an error that is about the file or its disk, and not about what was to be written.
func Unwritable(err error) bool {
	var sqliteErr sqlite3.Error
	if !errors.As(err, &sqliteErr) {
		return false
	}
	switch sqliteErr.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return true
	default:
		return false
	}
}

// midTransaction reports whether a transaction is open on a connection. It cannot fail on one that is.
func midTransaction(conn *sql.Conn) (open bool) {
	_ = conn.Raw(func(c any) error {
		open = !c.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	return open
}
