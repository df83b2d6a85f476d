package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// DB is an open file. It is safe for concurrent use.
type DB struct {
	path   string
	writer *sql.DB // at most one connection; only Write and Migrate touch it
	reader *sql.DB
}

// Open opens the file at path, creating it (for this user only) if there is none; its directory must exist. It
// refuses a file that is empty, damaged, or not a collector's, and changes nothing in it then. In-memory databases
// are not supported: a component that needs no file has a store of its own for that. A program built without cgo gets
// [ErrNoDriver].
func Open(ctx context.Context, path string) (*DB, error) {
	if err := checkDriver(); err != nil {
		return nil, err
	}
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if err := create(ctx, path); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	db := &DB{path: path, writer: pool(writerDSN(path), 1), reader: pool(readerDSN(path), readers)}
	if err := check(ctx, path, db.writer); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, explain(err)), db.Close())
	}
	return db, nil
}

// Reader is the pool of read-only connections. A statement that tries to write through it fails.
func (db *DB) Reader() *sql.DB { return db.reader }

// Path is the absolute path of the file.
func (db *DB) Path() string { return db.path }

// Close waits for running statements and closes the file. The database is then one file again, without its log.
func (db *DB) Close() error {
	// The last connection to close folds the log into the file, and a reader must not.
	return errors.Join(db.reader.Close(), db.writer.Close())
}

func resolve(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", fmt.Errorf("open database %q: want the path of a file", path)
	}
	return filepath.Abs(path)
}
