package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// readers bounds the pool of read-only connections.
const readers = 4

// oldestLibrary is SQLite 3.51.3. Before it, two connections that checkpoint and write at once can corrupt a WAL
// database.
const oldestLibrary = 3_051_003

// ErrNoDriver says that the program has no SQLite in it.
var ErrNoDriver = errors.New("this program was built without cgo, which the SQLite store needs: use the memory store " +
	"(collector serve --db memory), or build with CGO_ENABLED=1 and a C compiler")

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
	if err := db.check(ctx); err != nil {
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

func pool(dsn string, size int) *sql.DB {
	db := sql.OpenDB(connector{dsn: dsn})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

func checkLibrary(version string, number int, _ string) error {
	if number >= oldestLibrary {
		return nil
	}
	return fmt.Errorf("SQLite %s can corrupt a WAL database: build with SQLite 3.51.3 or newer "+
		"(github.com/mattn/go-sqlite3 v1.14.36; do not link a system library)", version)
}

func resolve(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", fmt.Errorf("open database %q: want the path of a file", path)
	}
	return filepath.Abs(path)
}
