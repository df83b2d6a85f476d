package sqlite

import "errors"

// What can be wrong with a file or the program. An error about a file has one of these in its chain, with the path and what
// was found around it; each says what to do.

// ErrDamaged is in the chain of errors about a file whose content cannot be trusted.
var ErrDamaged = errors.New("the database is damaged: move it away together with its -wal and -shm files and " +
	"restore a copy, or start without one")

// ErrForeign says that the file is a database, but not a collector's.
var ErrForeign = errors.New("this is the database of another program: choose another path")

// ErrNoDriver says that the program has no SQLite in it.
var ErrNoDriver = errors.New("this program was built without cgo, which the SQLite store needs: use the memory store " +
	"(collector serve --db memory), or build with CGO_ENABLED=1 and a C compiler")

// ErrFutureSchema says that a newer program wrote the file.
var ErrFutureSchema = errors.New("written by a newer program")
