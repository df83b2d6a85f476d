package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/collectiverpc/collective/internal/sqlite"
)

// Errors that [Open] and what uses a store may return, in a chain that says which file it is and what to do.
var (
	// ErrDamaged says that the content of the file cannot be trusted. Move it away with its -wal and -shm files.
	ErrDamaged = sqlite.ErrDamaged
	// ErrForeign says that the file is a database, but not a collector's.
	ErrForeign = sqlite.ErrForeign
	// ErrNewer says that a newer program wrote the file.
	ErrNewer = sqlite.ErrFutureSchema
)

// Store is an open file. All methods are safe for concurrent use.
type Store struct {
	db        *sqlite.DB
	lock      *lock
	condition *condition

	mu        sync.Mutex
	collector string // that keeps its state here; empty for none
}

// Open opens the file at path, or creates it, readable for this user only; its directory must exist. It brings the tables
// to the version of this program, all of them or none.
//
// A path that is not a file, a file that cannot be written, is empty or damaged ([ErrDamaged]), is another program's
// ([ErrForeign]) or was written by a newer one ([ErrNewer]), and a file that is open already ([ErrOwned]) are refused;
// nothing in them is changed then. There is no store in memory: without one, a dispatcher and a registry keep their state
// in memory by themselves.
func Open(path string) (*Store, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	held, err := acquire(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	ctx := context.Background() // short, and being told to stop meanwhile is no failure
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, errors.Join(err, held.release())
	}
	if err := db.Migrate(ctx, schema...); err != nil {
		return nil, errors.Join(err, db.Close(), held.release())
	}
	s := &Store{db: db, lock: held, condition: newCondition(path)}
	s.condition.follow(s.probe)
	return s, nil
}

// resolve makes one path of all that lead to a file, so that its owner is known by each of them.
func resolve(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", fmt.Errorf("open store %q: want the path of a file; without a store, state is in memory", path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		return real, nil
	}
	return absolute, nil // there is no such file yet
}

// Path is the absolute path of the file.
func (s *Store) Path() string { return s.db.Path() }

// Reader is the pool of read-only connections: they see the last committed state and never wait for a writer. A
// statement that tries to write through it fails.
func (s *Store) Reader() *sql.DB { return s.db.Reader() }

// Write runs fn in a transaction, one at a time, and commits it; when it returns nil, the changes are on disk. If fn or
// the commit fails, nothing of it is. fn must use the context it gets: ctx bounds the wait for the turn only, and a
// transaction that has begun runs to its end.
func (s *Store) Write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	err := s.db.Write(ctx, fn)
	s.condition.wrote(err)
	return err
}

// Trouble is why what is written is not kept at the moment: the disk is full, the file was deleted, or cannot be written any
// more. nil when all is well. Writes may be tried all the same. It is noticed by the next write, and within 5 s.
func (s *Store) Trouble() error { return s.condition.now() }

// Watch calls changed when there is another [Store.Trouble], with nil when it is over; one call at a time, which must be short and
// must not call the store. stop returns when changed is not running and will not be called any more.
func (s *Store) Watch(changed func(trouble error)) (stop func()) { return s.condition.watch(changed) }

// probe writes what is there already.
func (s *Store) probe() {
	_ = s.Write(context.Background(), func(ctx context.Context, tx *sql.Tx) error { // Write notes how it went
		_, err := tx.ExecContext(ctx, "PRAGMA user_version = 0")
		return err
	})
}

// Claim makes a collector the one that keeps its state here, until release; a second one is refused with the name of the
// first. dispatcher.New does it for the collector that it makes, and Shutdown releases.
func (s *Store) Claim(collector string) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.collector != "" {
		return nil, fmt.Errorf("collector %q of this process keeps its state in %s: %w; give each collector a file of its own",
			s.collector, s.Path(), ErrOwned)
	}
	s.collector = collector
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.collector = ""
	}), nil
}

// Close waits for running statements, closes the file and gives it free. Close it after everything that uses it.
func (s *Store) Close() error {
	s.condition.end()
	return errors.Join(s.db.Close(), s.lock.release())
}
