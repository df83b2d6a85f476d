// Package store is the one file in which a collector keeps its state.
//
//	store      an SQLite database in WAL mode: connections, registered schemas and history
//	component  a part of the program with tables of its own; [Open] brings those of all of them to this version
//	owner      the process that has the file open, and in it the one collector that keeps its state there
//
// [Open] gives one handle. dispatcher.WithStore keeps connections and their history in it, registry.WithStore what
// requests register:
//
//	file, err := store.Open("a.db")
//	schemas, err := registry.New(ctx, registry.WithStore(file))
//	d, err := dispatcher.New("a", address, namespaces, dispatcher.WithStore(file), dispatcher.WithRegistry(schemas))
//
// What was acknowledged survives kill -9 and power loss: every commit is synced before it returns. A file has one owner:
// while it is open, a second process is refused with the id of the first, and a second collector of the same process with
// the name of the one that has it. The mark of the owner is the file PATH.lock; the operating system takes it back from a
// process that was killed.
//
// SQLite is the C library by way of mattn/go-sqlite3, so a store needs cgo.
package store
