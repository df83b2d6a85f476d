//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// connector opens connections whose settings are known, not hoped for: pragmas live as long as a connection, and
// database/sql replaces connections silently.
type connector struct{ dsn string }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	return (&sqlite3.SQLiteDriver{ConnectHook: settle}).Open(c.dsn)
}

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// settle sets what has no DSN parameter and checks what has: the driver ignores names it does not know.
func settle(conn *sqlite3.SQLiteConn) error {
	for _, pragma := range []string{
		"PRAGMA trusted_schema = OFF",          // a crafted file gets no functions with side effects
		"PRAGMA cell_size_check = ON",          // find damage where it is, not where it leads
		"PRAGMA journal_size_limit = 16777216", // shrink the log again after a burst
	} {
		if _, err := conn.Exec(pragma, nil); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	return assertPragmas(conn)
}

// assertPragmas compares with the values that SQLite answers: numbers as text, busy_timeout in milliseconds, synchronous 2 for
// FULL.
func assertPragmas(conn *sqlite3.SQLiteConn) error {
	for pragma, want := range map[string]string{
		"journal_mode": "wal",
		"synchronous":  "2",
		"busy_timeout": "5000",
		"foreign_keys": "1",
	} {
		got, err := pragmaValue(conn, pragma)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("PRAGMA %s is %s and must be %s: is the file on a file system without shared memory?",
				pragma, got, want)
		}
	}
	return nil
}

// pragmaValue reads a pragma as text. Those asked for here answer one row of one column.
func pragmaValue(conn *sqlite3.SQLiteConn, pragma string) (string, error) {
	rows, err := conn.Query("PRAGMA "+pragma, nil)
	if err != nil {
		return "", fmt.Errorf("PRAGMA %s: %w", pragma, err)
	}
	defer rows.Close()
	value := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(value); err != nil {
		return "", fmt.Errorf("PRAGMA %s: %w", pragma, err)
	}
	return fmt.Sprint(value[0]), nil
}
