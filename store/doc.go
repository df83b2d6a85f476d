// Package store is the one file in which a collector keeps its state.
//
//	store      an SQLite database in WAL mode: connections, registered schemas and history
//	component  a part of the program with tables of its own; [Open] brings those of all of them to this version
//	owner      the process that has the file open, and in it the one collector that keeps its state there
//
// # A file for a collector
//
// [Open] gives one handle. dispatcher.WithStore keeps connections and their history in it, registry.WithStore what
// requests register:
//
//	file, err := store.Open("a.db")
//	…
//	defer file.Close()
//	schemas, err := registry.New(ctx, registry.WithStore(file))
//	…
//	d, err := dispatcher.New("a", address, namespaces, dispatcher.WithStore(file), dispatcher.WithRegistry(schemas))
//
// Close the file last, after everything that uses it. With dispatcher.WithStoredHistory finished calls are kept in it too.
//
// # After a crash
//
// What was acknowledged survives kill -9 and power loss: every commit is synced before it returns. There is nothing to
// repair: open the file again, and Dispatcher.ListenAndServe brings the connections back.
//
// # When it does not open
//
// A file has one owner: while it is open, a second process is refused with the id of the first, and a second collector of
// the same process with the name of the one that has it ([ErrOwned]). A file that is damaged, another program's, or newer
// than this program is refused too, and left as it is:
//
//	switch file, err := store.Open(path); {
//	case errors.Is(err, store.ErrOwned): // stop the other one, or take another path
//	case errors.Is(err, store.ErrDamaged): // move it away, with its -wal and -shm files
//	case errors.Is(err, store.ErrForeign), errors.Is(err, store.ErrNewer): // take another path, or a newer program
//	}
//
// The mark of the owner is the file PATH.lock; the operating system takes it back from a process that was killed. It holds between
// the processes of one machine: a network file system may not have such locks or, as NFS does, may lose them with its server, and
// SQLite's WAL needs shared memory, so keep the file on a disk of the machine.
//
// # When the file has trouble
//
// A disk that is full, a file that was deleted, replaced or made read-only while it is open is noticed by the next write or within
// 5 s ([Store.Trouble], [Store.Watch]). What cannot be written fails, and nothing else: a dispatcher says so in its log, its status
// and /readyz, and runs on. It is over when a write succeeds and the file is where it was.
//
// SQLite is the C library by way of mattn/go-sqlite3, so a store needs cgo.
package store
