package conn

import (
	"context"
	"errors"

	"github.com/collectiverpc/collective/internal/sqlite"
)

// FileStore is a [Store] in an SQLite file: what it acknowledges survives kill -9 and power loss. It is safe for
// concurrent use; one process has the file open at a time.
type FileStore struct {
	Store
	db *sqlite.DB
}

// OpenStore opens the file at path, or creates it; its directory must exist. A file that is damaged, or not a
// collector's, is refused and left as it is. Close the store after the [Manager] that uses it.
func OpenStore(ctx context.Context, path string) (*FileStore, error) {
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	store, err := NewSQLiteStore(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &FileStore{store, db}, nil
}

// DB is the open file, for what else a collector keeps in it: registry.WithDB takes it.
func (s *FileStore) DB() *sqlite.DB { return s.db }

// Close closes the file.
func (s *FileStore) Close() error { return s.db.Close() }
