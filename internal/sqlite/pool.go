package sqlite

import (
	"database/sql"
	"net/url"
)

// writerDSN opens for writing and never creates: a file that vanished is an error, not a new one. Transactions take the lock
// when they begin, since one that only read so far could not take it later without failing.
func writerDSN(path string) string {
	return dsn(path, url.Values{"mode": {"rw"}, "_journal_mode": {"WAL"}, "_txlock": {"immediate"}})
}

// readerDSN opens the file twice read-only: for the operating system and for SQL.
func readerDSN(path string) string {
	return dsn(path, url.Values{"mode": {"ro"}, "_query_only": {"on"}})
}

// dsn adds what all connections have. The path is escaped, so that a ? in it does not begin the parameters.
func dsn(path string, params url.Values) string {
	params.Set("_synchronous", "FULL")
	params.Set("_busy_timeout", "5000") // milliseconds
	params.Set("_foreign_keys", "on")
	params.Set("_stmt_cache_size", "64")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode()
}

// readers bounds the pool of read-only connections.
const readers = 4

// pool keeps all its connections for good: opening one reads the schema anew, and an idle one costs little.
func pool(dsn string, size int) *sql.DB {
	db := sql.OpenDB(connector{dsn: dsn})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}
