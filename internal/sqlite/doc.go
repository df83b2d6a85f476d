// Package sqlite opens the one file in which a collector keeps its state.
//
//	file       one SQLite database in WAL mode; connections, registry and dispatch history are its components
//	component  a part of the program with tables and a schema version of its own
//	writer     the one connection that changes the file; transactions on it never wait for each other inside SQLite
//	reader     a pool of read-only connections; they see the last committed state and never block the writer
//
// A write that was acknowledged survives kill -9 and power loss: every commit is synced (synchronous=FULL). A write
// that has begun is finished or rolled back even if its caller goes away, because cancelling a statement interrupts
// the whole connection.
//
// SQLite is the C library by way of mattn/go-sqlite3, which needs cgo. Without it the package builds, and Open says so.
package sqlite
