//go:build !cgo

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Without cgo there is no SQLite. The package builds all the same, so that programs do whose stores are in memory; Open
// refuses, and with it everything that comes after.

func checkDriver() error { return ErrNoDriver }

type connector struct{ dsn string }

func (connector) Connect(context.Context) (driver.Conn, error) { return nil, ErrNoDriver }

func (c connector) Driver() driver.Driver { return c }

// Open implements driver.Driver.
func (connector) Open(string) (driver.Conn, error) { return nil, ErrNoDriver }

func explain(err error) error { return err }

// Unwritable reports an error that is about the file; there is none.
func Unwritable(error) bool { return false }

func damaged(error) bool { return false }

func midTransaction(*sql.Conn) bool { return false }
